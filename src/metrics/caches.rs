//! What is kept between questions.

use crate::market::MarketView;
use crate::metrics::briefing::figures::HeadlineBuilder;
use crate::metrics::briefing::headlines;
use crate::metrics::{
    LiquidationDayCache, PutPremiumCache, SafeHavenCache, SourceOrder, StressCache, VolatilityRegimeCache, Window,
};

/// Results about the past that questions come back to. They hold nothing that cannot be computed from
/// the market: an answer is the same with books that were just opened.
#[derive(Debug, Default)]
pub struct Caches {
    /// The past of the stress index.
    pub stress: StressCache,
    /// What puts cost more than calls on past days.
    pub premiums: PutPremiumCache,
    /// What was liquidated on past days.
    pub records: LiquidationDayCache,
    /// How calm past days were.
    pub regimes: VolatilityRegimeCache,
    /// What past days say of protection.
    pub havens: SafeHavenCache,
}

impl Caches {
    /// Computes what questions rest on up to the cutoff of the view before anybody asks, as long as `should_continue`
    /// says so; questions that come meanwhile compute the rest themselves.
    pub fn prepare(&self, view: &MarketView, order: &SourceOrder, should_continue: impl Fn() -> bool) {
        self.stress.prepare(view, order, &should_continue);
        if should_continue() {
            // The headlines come back to every book.
            headlines::collect(&mut HeadlineBuilder::new(view, order, Window::days(1), None), self);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::fixture::{Fixture, at, order};
    use crate::metrics::{BriefingParams, briefing};

    #[test]
    fn prepared_books_answer_as_ones_that_were_just_opened() {
        let day = |day: i64| at("2025-01-01").plus_days(day);
        let texts: Vec<String> = (0..400).map(|n| day(n).to_string()).collect();
        let closes = (0..400).map(|n| 100.0 + f64::from(n * 37 % 23));
        let bars: Vec<_> = texts.iter().cloned().zip(closes).map(|(start, close)| (start, close, Some(5.0))).collect();
        let rows: Vec<(&str, f64)> = bars.iter().map(|(start, close, _)| (start.as_str(), *close)).collect();
        let view = Fixture::new()
            .bars_with_volume("candle.btc@x:1d", &bars)
            .readings("liquidation.btc.long@v:1d", &rows)
            .cut("2026-02-04T08:00:00Z");
        let prepared = Caches::default();
        prepared.prepare(&view, &order(), || true);
        for cutoff in [view.as_of(), day(395), day(200)] {
            let ask = |caches: &Caches| briefing(&view.at(cutoff), &order(), caches, &BriefingParams { window: Window::days(7) });
            let told = ask(&prepared).unwrap();
            assert_eq!(told, ask(&Caches::default()).unwrap());
            assert!(told.data.figures.iter().any(|figure| figure.id == "liquidations_record_day"));
        }
    }
}
