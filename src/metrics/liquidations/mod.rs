//! Liquidations: totals, buckets, ranked days, cascades, single orders, and outages of the feeds.

pub(super) mod cascades;
pub(super) mod day_cache;
pub(super) mod days;
pub(super) mod feeds;
pub(super) mod figures;
pub(super) mod listening;
pub(super) mod orders;
pub(super) mod outages;
pub(super) mod queries;
pub(super) mod share;
pub(super) mod source_series;
pub(super) mod totals;
mod withheld;
