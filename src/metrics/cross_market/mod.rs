//! Relations between markets: correlation, cross-asset table, safe-haven test.

pub(super) mod correlation;
pub(super) mod cross_asset;
pub(super) mod paired_closes;
pub(super) mod safe_haven;
pub(super) mod safe_haven_cache;
