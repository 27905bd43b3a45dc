//! Market: an immutable in-memory snapshot of the log, viewed at any `as_of`.
//!
//! Owns columns of sealed blocks with mergeable summaries, the views that contain only what was known
//! at an `as_of`, and the publication of the next snapshot after each commit. It computes no metric
//! and formats nothing.

mod bars;
mod change_log;
mod column;
mod daily;
mod follow;
mod leaf;
mod liquidation_buckets;
mod loader;
mod node_bounds;
mod point;
mod publisher;
mod series_index;
mod snapshot;
mod spans;
mod summary;
mod tree;
mod view;

#[cfg(test)]
mod tests;

pub use bars::Bars;
pub use column::{Column, ColumnView};
pub use follow::{Recorder, catch_up, follow};
pub use loader::load;
pub use point::{Fold, Point};
pub use publisher::{Applied, Publisher};
pub use snapshot::Market;
pub use summary::{BarSummary, Extremum, LiquidationBucket, NoSummary, Summary, TallySummary};
pub use view::MarketView;
