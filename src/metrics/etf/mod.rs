//! Net flows of exchange-traded funds.

pub(super) mod flows;
pub(super) mod trading_days;
