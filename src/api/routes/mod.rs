//! The questions the service answers, one file per family: what each is called and how its
//! parameters are read. What they compute is in [`crate::metrics`].

pub(super) mod drawdown;
pub(super) mod price;
