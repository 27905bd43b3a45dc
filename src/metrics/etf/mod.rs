//! Net flows of exchange-traded funds.

pub(super) mod figures;
pub(super) mod flows;
pub(super) mod trading_days;
