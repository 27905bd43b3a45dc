//! Open interest, funding and options.

pub(super) mod funding;
pub(super) mod open_interest;
pub(super) mod option_chain;
pub(super) mod options;
pub(super) mod positions;
pub(super) mod put_premium_cache;
pub(super) mod settlements;
