use std::cell::OnceCell;

use crate::domain::{Asset, Period, SeriesKey, Source, TimeRange, Timestamp, TradingCalendar};
use crate::market::{Bars, MarketView};
use crate::metrics::SourceOrder;
use crate::metrics::price::daily_bars::{LONGEST_PAUSE_MS, daily};
use crate::metrics::provenance::Provenance;
use crate::metrics::source_order::Need;
use crate::stats::correlation::{PairedReturn, paired_log_returns};

/// The daily closes of one asset, finished days only.
#[derive(Debug)]
pub(in crate::metrics) struct DailyCloses<'a> {
    asset: Asset,
    /// `None` where no source has bars.
    days: Option<Bars<'a>>,
    /// (start of the day, close) in the order of time, read when they are needed first.
    closes: OnceCell<Vec<(Timestamp, f64)>>,
}

impl<'a> DailyCloses<'a> {
    /// The closes known at the cutoff, according to the source asked for where it has any of this asset, or else the
    /// one that the order chooses for what the question needs.
    pub(in crate::metrics) fn read(
        view: &'a MarketView,
        trail: &mut Provenance<'_>,
        order: &SourceOrder,
        asset: &Asset,
        (asked, need): (Option<&Source>, Need),
    ) -> Self {
        let asked = asked.filter(|asked| view.candle_series(asset).any(|(key, _)| key.source == **asked));
        let days = daily(view, trail, order, asset, (asked, need)).ok().flatten();
        Self { asset: asset.clone(), days, closes: OnceCell::new() }
    }

    /// The series and its last day, where all of it was known at the cutoff as it is known now.
    pub(in crate::metrics) fn closed_as_now(&self, view: &MarketView) -> Option<(&'a SeriesKey, Timestamp)> {
        let days = self.days.as_ref()?;
        let last = days.finished_at_or_before(Timestamp::MAX)?.observed_at;
        let known_by = days.known_by(TimeRange::new(Timestamp::MIN, last.plus_ms(1)).ok()?)?;
        (known_by <= view.as_of()).then_some((days.key, last))
    }

    /// The log returns of both between the days on which both traded. A return over more days than
    /// a market is ever closed is left out, and said beside.
    pub(in crate::metrics) fn shared_with(&self, other: &Self) -> (Vec<PairedReturn<Timestamp>>, Option<String>) {
        let continuous = [&self.asset, &other.asset].iter().all(|asset| asset.calendar() == TradingCalendar::Continuous);
        let longest_ms = if continuous { Period::DAY.ms() } else { LONGEST_PAUSE_MS };
        let (kept, over_gaps): (Vec<_>, Vec<_>) = paired_log_returns(self.closes(), other.closes())
            .into_iter()
            .partition(|pair| pair.date.ms_since(pair.since) <= longest_ms);
        let left_out = over_gaps.last().map(|last| {
            let (count, from, to) = (over_gaps.len(), last.since.date(), last.date.date());
            format!("{count} returns of {} and {} over gaps are left out, the last from {from} to {to}", self.asset, other.asset)
        });
        (kept, left_out)
    }

    fn closes(&self) -> &[(Timestamp, f64)] {
        let read = || self.days.as_ref().map(|days| days.finished_closes(TimeRange::all())).unwrap_or_default();
        self.closes.get_or_init(read)
    }
}
