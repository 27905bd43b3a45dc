//! The market: an immutable in-memory picture of the log, cut at any instant.
//!
//! Owns columns of sealed blocks with mergeable summaries, the views that show only what was known
//! at an `as_of`, and the publication of the next picture after each commit. It computes no metric
//! and formats nothing.

mod bars;
mod column;
mod daily;
mod extent;
mod follow;
mod leaf;
mod loader;
mod picture;
mod point;
mod publisher;
mod shelf;
mod spans;
mod summary;
mod tallies;
mod touched;
mod tree;
mod view;

#[cfg(test)]
mod tests;

pub use bars::Bars;
pub use column::{Column, ColumnView};
pub use follow::{Recorder, catch_up, follow};
pub use loader::load;
pub use picture::Market;
pub use point::{Fold, Point};
pub use publisher::{Applied, Publisher};
pub use summary::{BarSummary, Mark, NoSummary, Summary, Tally, TallySummary};
pub use view::MarketView;
