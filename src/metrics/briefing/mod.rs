//! All headline figures: reported, compared and checked. Knows every other family; no family knows this one.

pub(super) mod check;
pub(super) mod compare;
pub(super) mod figures;
pub(super) mod headlines;
pub(super) mod market_headlines;
pub(super) mod summary;
pub(super) mod text_format;
