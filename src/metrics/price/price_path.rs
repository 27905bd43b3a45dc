use crate::domain::{Asset, Period, SeriesKey, Source, Timestamp, TradingCalendar};
use crate::market::{BarSummary, Bars, ColumnView, MarketView};
use crate::metrics::provenance::Provenance;
use crate::metrics::source_order::{Need, price_candidates, price_metric};
use crate::metrics::{QueryError, SourceOrder, Span};
use crate::stats::drawdown::MaxDrawdown;
use serde::Serialize;

/// Which prices a fall is measured between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
pub enum Basis {
    /// From close to close.
    #[default]
    Close,
    /// From high to low.
    Intraday,
}

/// The way a price went: bars of one length, or readings where a source has no bars.
#[derive(Debug)]
pub(in crate::metrics) enum PricePath<'a> {
    Bars(Bars<'a>),
    Readings(&'a SeriesKey, ColumnView<'a, f64>),
}

impl Basis {
    /// `close` or `intraday`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::Intraday => "intraday",
        }
    }
}

impl<'a> PricePath<'a> {
    /// The path of an asset over a span, according to the source asked for or the one that the order chooses. For
    /// the whole market the path is that of its value.
    pub(in crate::metrics) fn find(
        view: &'a MarketView,
        trail: &mut Provenance<'_>,
        order: &SourceOrder,
        asset: &Asset,
        asked: Option<&Source>,
        (interval, span): (Period, Span),
    ) -> Result<Option<Self>, QueryError> {
        let candidates = price_candidates(view, asset, trail.at());
        let Some(choice) = order.choose(trail, &candidates, asked, Need::of(span))? else { return Ok(None) };
        let (source, metric) = (choice.source, price_metric(asset));
        if let Some(bars) = view.bars(asset, &source, interval) {
            trail.read_bars(&bars);
            return Ok(Some(Self::Bars(bars)));
        }
        if view.candle_series(asset).any(|(key, _)| key.source == source) {
            return Err(coarser(view, asset, &source, interval));
        }
        let readings = view.readings(metric, asset).find(|(key, _)| key.source == source);
        Ok(readings.map(|(key, column)| {
            trail.read(key, column);
            Self::Readings(key, column)
        }))
    }

    /// Who says so.
    pub(in crate::metrics) fn source(&self) -> &Source {
        match self {
            Self::Readings(key, _) => &key.source,
            Self::Bars(bars) => &bars.key.source,
        }
    }

    /// The highest point, the lowest since, and the deepest fall inside the span.
    pub(in crate::metrics) fn extremes(&self, span: Span, basis: Basis) -> MaxDrawdown {
        match self {
            Self::Readings(_, column) => column.fold(span.readings()),
            Self::Bars(bars) => {
                let BarSummary { close, intraday_drawdown, .. } = bars.summary_with_running(span.rows(bars.interval));
                if basis == Basis::Intraday { intraday_drawdown } else { close.drawdown }
            }
        }
    }

    /// The closes inside the span with their labels, in the order of time.
    pub(in crate::metrics) fn closes(&self, span: Span) -> Vec<(Timestamp, f64)> {
        match self {
            Self::Readings(_, column) => column.points(span.readings()).iter().map(|p| (p.observed_at, p.value)).collect(),
            Self::Bars(bars) => bars.closes(span.rows(bars.interval)),
        }
    }

    /// The last row inside the span: its label and price.
    pub(in crate::metrics) fn last(&self, span: Span) -> Option<(Timestamp, f64)> {
        match self {
            Self::Readings(_, column) => column.at_or_before(span.to).map(|p| (p.observed_at, p.value)),
            Self::Bars(bars) => bars.last_in(span.rows(bars.interval)).map(|bar| (bar.observed_at, bar.value.close)),
        }
    }

    /// The first row of all.
    pub(in crate::metrics) fn first_at(&self) -> Option<Timestamp> {
        match self {
            Self::Readings(_, column) => column.first().map(|p| p.observed_at),
            Self::Bars(bars) => bars.first().map(|b| b.observed_at),
        }
    }

    /// Whether the last row inside the span is a bar that is still running.
    pub(in crate::metrics) fn is_running(&self, span: Span) -> bool {
        match self {
            Self::Readings(..) => false,
            Self::Bars(bars) => bars.running.is_some_and(|bar| span.rows(bars.interval).contains(bar.observed_at)),
        }
    }

    /// How many bars a market that never closes should have between the first and the last inside the
    /// span, beyond the `present` ones; `None` of exchanges and of readings, whose rhythm says little.
    pub(in crate::metrics) fn missing(&self, span: Span, present: u64) -> Option<u64> {
        let Self::Bars(bars) = self else { return None };
        if bars.key.asset.calendar() != TradingCalendar::Continuous {
            return None;
        }
        let from = if span.is_all() { span.from } else { bars.interval.start_of(span.from.plus_ms(bars.interval.ms() - 1)) };
        let first = self.first_at()?.max(from);
        let (last, _) = self.last(span)?;
        let expected = u64::try_from(last.ms_since(first) / bars.interval.ms() + 1).ok()?;
        expected.checked_sub(present)
    }

    /// The length of a row as an answer names it.
    pub(in crate::metrics) fn interval(&self) -> String {
        match self {
            Self::Readings(..) => Period::INSTANT.to_string(),
            Self::Bars(bars) => bars.interval.to_string(),
        }
    }
}

fn coarser(view: &MarketView, asset: &Asset, source: &Source, interval: Period) -> QueryError {
    let periods = view.candle_series(asset).filter(|(key, _)| key.source == *source).map(|(key, _)| key.period.to_string());
    QueryError::Parameter {
        parameter: "interval",
        given: interval.to_string(),
        reason: format!("{source} has no bars of {asset} that bars of {interval} could be made of"),
        allowed: periods.collect(),
    }
}
