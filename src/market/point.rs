use crate::domain::Timestamp;

/// A value that a [`Column`](crate::market::Column) can hold, and what is kept of many of them.
pub trait Point: Copy + PartialEq + Send + Sync + std::fmt::Debug + 'static {
    /// What a sealed block remembers of its points.
    type Summary: Fold<Self> + Clone + Default + Send + Sync + std::fmt::Debug;
}

/// Something that is computed over points in the order of time, taking whole blocks by their
/// summary and single points at the two edges.
///
/// Taking a block's summary must give what taking its points one by one gives (to rounding), so that
/// a window costs the same whatever its length.
pub trait Fold<P: Point> {
    /// Takes all points of a block that follows everything taken so far.
    fn block(&mut self, summary: &P::Summary);

    /// Takes single points that follow everything taken so far; both slices have one length.
    fn points(&mut self, times: &[Timestamp], values: &[P]);
}
