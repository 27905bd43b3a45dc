use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Period, Timestamp};
use crate::metrics::price::price::{PriceSeries, percent_change};
use crate::metrics::provenance::Provenance;
use crate::metrics::{Span, WarningCode};

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
    /// As [`Self::of`], with a warning that names the changes that are not known.
    pub(in crate::metrics) fn or_warn(
        trail: &mut Provenance<'_>,
        series: &PriceSeries<'_>,
        price: Option<f64>,
        span: Span,
        at: Timestamp,
    ) -> Self {
        let changes = Self::of(series, price, span, at);
        let known = [
            ("change_24h_pct", at.plus_ms(-Period::DAY.ms()), changes.change_24h_pct),
            ("change_day_pct", at.day_start(), changes.change_day_pct),
            ("change_window_pct", span.from, changes.change_window_pct),
        ];
        let unknown = || known.iter().filter(|(.., change)| change.is_none());
        if let Some(from) = unknown().map(|(_, from, _)| *from).min() {
            let begins_later = series.first_at().is_none_or(|first| first > from);
            let code = if begins_later { WarningCode::HistoryLimit } else { WarningCode::Gap };
            let names = unknown().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ");
            trail.warn(code, format!("no price is known near {from}, which is needed for {names}"));
        }
        changes
    }

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
