use crate::domain::{Asset, Period, TimeRange, Timestamp, TradingCalendar};
use crate::market::MarketView;
use crate::metrics::daily_bars::{LONGEST_PAUSE_MS, daily};
use crate::metrics::trail::Trail;
use crate::metrics::{SourceOrder, WarningCode};
use crate::stats::correlation::{PairedReturn, paired_log_returns};

/// The daily closes of one asset, finished days only.
#[derive(Debug, Clone)]
pub(super) struct DailyCloses {
    asset: Asset,
    /// (start of the day, close) in the order of time; none where no source has bars.
    closes: Vec<(Timestamp, f64)>,
}

impl DailyCloses {
    /// The closes known at the cutoff, from the first source in the configured order.
    pub(super) fn read(view: &MarketView, trail: &mut Trail<'_>, order: &SourceOrder, asset: &Asset) -> Self {
        let days = daily(view, trail, order, asset, None).ok().flatten();
        let closes = days.map(|days| days.finished_closes(TimeRange::all())).unwrap_or_default();
        Self { asset: asset.clone(), closes }
    }

    /// The log returns of both between the days on which both traded. A return over more days than
    /// a market is ever closed is left out, with a warning.
    pub(super) fn shared_with(&self, trail: &mut Trail<'_>, other: &Self) -> Vec<PairedReturn<Timestamp>> {
        let continuous = [&self.asset, &other.asset].iter().all(|asset| asset.calendar() == TradingCalendar::Continuous);
        let longest_ms = if continuous { Period::DAY.ms() } else { LONGEST_PAUSE_MS };
        let (kept, over_gaps): (Vec<_>, Vec<_>) = paired_log_returns(&self.closes, &other.closes)
            .into_iter()
            .partition(|pair| pair.date.ms_since(pair.since) <= longest_ms);
        if let Some(last) = over_gaps.last() {
            let (count, from, to) = (over_gaps.len(), last.since.date(), last.date.date());
            let detail = format!(
                "{count} returns of {} and {} over gaps are left out, the last from {from} to {to}",
                self.asset, other.asset
            );
            trail.warn(WarningCode::Gap, detail);
        }
        kept
    }
}
