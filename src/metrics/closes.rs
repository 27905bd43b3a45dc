use crate::domain::{Asset, Period, Source, TimeRange, Timestamp};
use crate::market::MarketView;
use crate::metrics::SourceOrder;
use crate::metrics::trail::Trail;

/// Daily closes of one asset from one source, finished days only.
#[derive(Debug, Clone, Default)]
pub(super) struct DailyCloses {
    /// (start of the day, close) in the order of time.
    pub(super) closes: Vec<(Timestamp, f64)>,
}

impl DailyCloses {
    /// The closes known at the cutoff, from the first source in the configured order; none where there is none.
    pub(super) fn read(view: &MarketView, trail: &mut Trail<'_>, order: &SourceOrder, asset: &Asset) -> Self {
        let sources: Vec<Source> = view.candle_series(asset).map(|(key, _)| key.source.clone()).collect();
        let source = order.choose(None, sources).ok().flatten();
        let bars = source.and_then(|source| view.bars(asset, &source, Period::DAY));
        let Some(bars) = bars else { return Self::default() };
        trail.read_bars(&bars);
        let days = bars.finished(TimeRange::all());
        Self { closes: days.iter().map(|bar| (bar.observed_at, bar.value.close)).collect() }
    }
}
