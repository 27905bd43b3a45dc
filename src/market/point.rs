use crate::domain::Timestamp;

/// A value that a [`Column`](crate::market::Column) can store, with its block summary.
pub trait Point: Copy + PartialEq + Send + Sync + std::fmt::Debug + 'static {
    /// Summary of the points of a sealed block.
    type Summary: Fold<Self> + Clone + Default + Send + Sync + std::fmt::Debug;
}

/// A computation over points in time order that uses the summaries of whole blocks, and single points
/// at the two edges.
///
/// Adding a block's summary must equal adding its points one by one (to rounding), so that a window
/// costs the same for every length.
pub trait Fold<P: Point> {
    /// Adds all points of a block that follows everything added so far.
    fn block(&mut self, summary: &P::Summary);

    /// Adds single points that follow everything added so far; both slices have one length.
    fn points(&mut self, times: &[Timestamp], values: &[P]);
}
