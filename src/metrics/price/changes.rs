use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Period, Timestamp};
use crate::metrics::Span;
use crate::metrics::price::price::{PriceSeries, percent_change};

/// The changes of a price, under one name in every answer that has one.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, ToSchema)]
pub struct PriceChanges {
    /// Price against the price 24 hours before, percent.
    pub change_24h_pct: Option<f64>,
    /// Price against the last UTC close, percent.
    pub change_day_pct: Option<f64>,
    /// Price against the price at the start of the window, percent.
    pub change_window_pct: Option<f64>,
}

impl PriceChanges {
    /// The changes of a price of `at`, according to the series it is from.
    pub(in crate::metrics) fn of(series: &PriceSeries<'_>, price: Option<f64>, span: Span, at: Timestamp) -> Self {
        let since = |then: Timestamp| percent_change(series.at(then), price);
        let from = if span.is_all() { series.first_at().unwrap_or(span.from) } else { span.from };
        Self {
            change_24h_pct: since(at.plus_ms(-Period::DAY.ms())),
            change_day_pct: since(at.day_start()),
            change_window_pct: since(from),
        }
    }
}
