//! The market: an immutable in-memory picture of the log, cut at any instant.
//!
//! Owns columns of sealed blocks with mergeable summaries, the views that show only what was known
//! at an `as_of`, and the publication of the next picture after each commit. It computes no metric
//! and formats nothing.
