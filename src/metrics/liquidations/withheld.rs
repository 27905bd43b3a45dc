//! What answers about liquidations withhold when an input is not live.

use crate::domain::Metric;
use crate::metrics::statements::{DatedRow, StaleInputs, Statements};
use crate::metrics::{LiquidationDay, Liquidations, LiquidationsRow};

impl Statements for Liquidations {
    fn withhold(&mut self, stale: &StaleInputs) {
        if stale.has(&[Metric::Liquidation]) {
            *self = Self::default();
        }
        self.share_of_open_interest_pct = None;
    }
}

impl DatedRow for LiquidationsRow {}

impl DatedRow for LiquidationDay {}
