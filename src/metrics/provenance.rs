use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::domain::{Asset, Metric, Period, SeriesKey, Source, SourceKind, Timestamp, TradingCalendar, Version, Vintage};
use crate::market::{Bars, ColumnView, MarketView, Point};
use crate::metrics::summed_sources::{Reach, summed_sources};
use crate::metrics::{Answer, Coverage, Freshness, Meta, Method, QueryError, SourceReading, Span, Warning, WarningCode};

/// The longest pause of a trading calendar that is no fault of a feed: a weekend with a holiday.
pub(super) const CLOSED_MARKET_MS: i64 = 4 * Period::DAY.ms();
/// How long no order may be forced before that looks like a fault of a feed.
pub(super) const QUIET_MARKET_MS: i64 = Period::DAY.ms();
/// Rows that may be overdue before a series counts as stale.
const LATE_ROWS: i64 = 3;

/// What was read on the way to an answer: becomes its `sources`, its warnings and the ground of its `ETag`.
#[derive(Debug)]
pub(super) struct Provenance<'a> {
    view: &'a MarketView,
    sources: Vec<SourceReading>,
    reads: BTreeMap<SeriesKey, Version>,
    warnings: Vec<Warning>,
    next_expected_at: Option<Timestamp>,
    /// The first instant that any series read speaks of.
    first_at: Option<Timestamp>,
}

/// What an answer says of how it was computed, beside the figures.
#[derive(Debug, Clone, Default)]
pub(super) struct Derivation {
    pub(super) span: Option<Span>,
    pub(super) method: Option<Method>,
    pub(super) n_obs: Option<u64>,
    pub(super) coverage: Option<Coverage>,
}

impl<'a> Provenance<'a> {
    pub(super) const fn new(view: &'a MarketView) -> Self {
        Self { view, sources: Vec::new(), reads: BTreeMap::new(), warnings: Vec::new(), next_expected_at: None, first_at: None }
    }

    /// Notes that a column was read.
    pub(super) fn read<P: Point>(&mut self, key: &SeriesKey, column: ColumnView<'_, P>) {
        if self.list(key, column) {
            self.warn_of_stale();
        }
    }

    /// Notes that a column was read for an answer that tells of each series how young it is: that one is
    /// stale is then no warning. True where the column is noted for the first time.
    pub(super) fn list<P: Point>(&mut self, key: &SeriesKey, column: ColumnView<'_, P>) -> bool {
        let Some(newest) = column.last() else { return false };
        self.note_first(column.first().map(|row| row.observed_at));
        self.note(key, &newest, column.version())
    }

    /// Notes that bars were read: the newest bar as far as it goes.
    pub(super) fn read_bars(&mut self, bars: &Bars<'_>) {
        let newest = self.view.candles(bars.key).and_then(|column| column.last());
        if let Some(newest) = newest {
            self.note_first(bars.first().map(|bar| bar.observed_at));
            if self.note(bars.key, &newest, bars.version()) {
                self.warn_of_stale();
            }
        }
    }

    fn note_first(&mut self, first_at: Option<Timestamp>) {
        self.first_at = self.first_at.into_iter().chain(first_at).min();
    }

    /// Notes that the answer rests on a series beside the figures' own.
    pub(super) fn depends_on(&mut self, key: &SeriesKey, version: Version) {
        self.reads.insert(key.clone(), version);
    }

    pub(super) fn warn(&mut self, code: WarningCode, detail: impl Into<String>) {
        let warning = Warning { code, detail: detail.into() };
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Takes over what another answer of the same view was read from and warns of; gives its figures.
    pub(super) fn merge<T>(&mut self, answer: Answer<T>) -> T {
        // What an answer merely rests on is no source of another's figures, so whatever was read is told already.
        self.sources.extend(answer.sources.into_iter().filter(|reading| !self.reads.contains_key(&reading.series)));
        self.reads.extend(answer.reads);
        for Warning { code, detail } in answer.warnings {
            self.warn(code, detail);
        }
        self.next_expected_at = self.next_expected_at.into_iter().chain(answer.next_expected_at).min();
        self.note_first(answer.meta.window.map(|window| window.from));
        answer.data
    }

    /// The answer, once the figures are there.
    pub(super) fn answer<T>(mut self, data: T, working: Derivation) -> Answer<T> {
        if self.sources.is_empty() {
            self.warn(WarningCode::NoData, format!("no row of this question was known by {}", self.view.as_of()));
        }
        Answer {
            data,
            meta: Meta {
                as_of: self.view.as_of(),
                as_of_defaulted: false,
                data_version: self.view.version(),
                window: working.span.map(|span| span.bounds(self.first_at)),
                method: working.method,
                n_obs: working.n_obs,
                coverage: working.coverage,
            },
            sources: self.sources,
            warnings: self.warnings,
            reads: self.reads.into_iter().collect(),
            next_expected_at: self.next_expected_at,
            words: None,
        }
    }

    /// Adds a series to the sources; false where it is among them already.
    fn note<P>(&mut self, key: &SeriesKey, newest: &Vintage<P>, version: Version) -> bool {
        let Entry::Vacant(read) = self.reads.entry(key.clone()) else { return false };
        read.insert(version);
        let observed_at = newest.observed_at.plus_ms(key.period.ms());
        let as_of = self.view.as_of();
        let state = freshness(key, observed_at, as_of);
        let note = self.view.source_info(&key.source).map(|info| info.note.clone()).filter(|note| !note.is_empty());
        let next = observed_at.plus_ms(key.expected_every_ms());
        self.next_expected_at = Some(self.next_expected_at.map_or(next, |earlier| earlier.min(next)));
        self.sources.push(SourceReading {
            series: key.clone(),
            source: key.source.clone(),
            observed_at,
            known_at: newest.known_at,
            age_seconds: as_of.ms_since(observed_at) / 1_000,
            state,
            note,
        });
        true
    }

    /// Warns of the source noted last where it is stale: nothing like it was said before, since each is noted once.
    fn warn_of_stale(&mut self) {
        if let Some(SourceReading { series, observed_at, .. }) = self.sources.last().filter(|last| last.state == Freshness::Stale)
        {
            let detail = format!("{series} has had no row since {observed_at}");
            self.warnings.push(Warning { code: WarningCode::StaleInput, detail });
        }
    }
}

/// How the age of a series' newest row, which ended at `observed_at`, compares with its rhythm.
pub(super) fn freshness(key: &SeriesKey, observed_at: Timestamp, as_of: Timestamp) -> Freshness {
    let every = key.expected_every_ms();
    let publication = (key.publication_lag_ms() - key.period.ms()).max(0);
    let overdue = as_of.ms_since(observed_at) - publication - max_expected_gap_ms(key);
    match overdue {
        ms if ms <= every => Freshness::Fresh,
        ms if ms <= (LATE_ROWS + 1) * every => Freshness::Late,
        _ => Freshness::Stale,
    }
}

/// How long a series may have nothing to say without anything being wrong.
pub(super) fn max_expected_gap_ms(key: &SeriesKey) -> i64 {
    match key.metric {
        Metric::EtfFlow | Metric::EtfFlowTotal | Metric::EtfUnreadable | Metric::EtfAssets => CLOSED_MARKET_MS,
        Metric::Liquidation if key.period.is_instant() => QUIET_MARKET_MS,
        _ if key.asset.calendar() == TradingCalendar::TradingDays => CLOSED_MARKET_MS,
        _ => 0,
    }
}

/// The order in which sources are asked when a question names none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceOrder(Vec<Source>);

impl SourceOrder {
    /// Sources from the first to be asked to the last; those not named come after, by name.
    #[must_use]
    pub const fn new(sources: Vec<Source>) -> Self {
        Self(sources)
    }

    /// Where a source stands: smaller is asked earlier.
    #[must_use]
    pub fn rank(&self, source: &Source) -> usize {
        self.0.iter().position(|named| named == source).unwrap_or(self.0.len())
    }

    /// The source that answers: the one asked for, which must be among the candidates, or else the
    /// first of them in this order, that of a scenario only where nothing real is known. `None` when
    /// there are no candidates and none was asked for.
    ///
    /// # Errors
    /// [`QueryError::UnknownSource`] when the one asked for is not among the candidates.
    pub fn choose(
        &self,
        view: &MarketView,
        asked: Option<&Source>,
        candidates: impl IntoIterator<Item = Source>,
    ) -> Result<Option<Source>, QueryError> {
        let known = self.sorted(view, candidates);
        match asked {
            None => Ok(known.into_iter().next()),
            Some(source) if known.contains(source) => Ok(Some(source.clone())),
            Some(source) => Err(QueryError::UnknownSource { source_name: source.clone(), known }),
        }
    }

    /// The sources whose figures are added up, each taken to tell of all that is asked about; see [`summed_sources`].
    ///
    /// # Errors
    /// As [`summed_sources`].
    pub(super) fn choose_summed(
        &self,
        view: &MarketView,
        asked: &[Source],
        candidates: impl IntoIterator<Item = Source>,
    ) -> Result<Vec<Source>, QueryError> {
        summed_sources(self, view, asked, candidates, |_| Reach::End)
    }

    /// The candidates in this order, each once; those of a scenario last whatever the order says.
    fn sorted(&self, view: &MarketView, candidates: impl IntoIterator<Item = Source>) -> Vec<Source> {
        let mut known: Vec<Source> = candidates.into_iter().collect();
        known.sort_by_cached_key(|source| (kind(view, source) == SourceKind::Scenario, self.rank(source), source.clone()));
        known.dedup();
        known
    }
}

/// The kind of a source; one without a description counts as a venue.
fn kind(view: &MarketView, source: &Source) -> SourceKind {
    view.source_info(source).map_or(SourceKind::Venue, |info| info.kind)
}

/// The assets every installation knows by name, whether or not it holds data of them.
const WELL_KNOWN: [&str; 14] =
    ["btc", "eth", "sol", "xrp", "bnb", "doge", "total", "sp500", "nasdaq", "gold", "silver", "wti", "vix", "dxy"];

/// Lets the `asset` of a question pass that is well known or of which anything is known at any time.
///
/// # Errors
/// [`QueryError::UnknownAsset`] naming the known ones.
pub(super) fn known_asset(view: &MarketView, asset: &Asset) -> Result<(), QueryError> {
    known_asset_of(view, "asset", asset)
}

/// The same of an asset that another parameter names.
///
/// # Errors
/// As [`known_asset`].
pub(super) fn known_asset_of(view: &MarketView, parameter: &'static str, asset: &Asset) -> Result<(), QueryError> {
    if WELL_KNOWN.contains(&asset.as_str()) {
        return Ok(());
    }
    let mut known = view.ever_known_assets();
    if known.contains(asset) {
        return Ok(());
    }
    known.extend(WELL_KNOWN.iter().filter_map(|symbol| symbol.parse().ok()));
    Err(QueryError::UnknownAsset { parameter, asset: asset.clone(), known: known.into_iter().collect() })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::metrics::fixture::{Fixture, at};

    #[rstest]
    #[case("candle.btc@x:1h", "2026-02-03T23:00:00Z", Freshness::Fresh)]
    #[case("candle.btc@x:1h", "2026-02-03T22:59:59Z", Freshness::Late)]
    #[case("candle.btc@x:1h", "2026-02-03T19:59:59Z", Freshness::Stale)]
    #[case::no_order_for_hours("liquidation.btc.long@x", "2026-02-03T08:00:00Z", Freshness::Fresh)]
    #[case::no_order_for_days("liquidation.btc.long@x", "2026-02-02T08:00:00Z", Freshness::Stale)]
    #[case::over_the_weekend("candle.sp500@x:1d", "2026-01-31", Freshness::Fresh)]
    fn a_series_is_overdue_by_its_own_rhythm(#[case] key: &str, #[case] observed_at: &str, #[case] expected: Freshness) {
        assert_eq!(freshness(&key.parse().unwrap(), at(observed_at), at("2026-02-04")), expected);
    }

    #[test]
    fn a_made_up_source_is_asked_last_whatever_the_order_says() {
        let view = Fixture::new().source("demo", SourceKind::Scenario, "made up").cut("2026-02-04");
        let named = |name: &str| name.parse::<Source>().unwrap();
        let order = SourceOrder::new(vec![named("demo"), named("venue")]);
        let choose = |asked, candidates: &[&str]| {
            let chosen = order.choose(&view, asked, candidates.iter().map(|name| named(name))).unwrap();
            chosen.map(|source| source.to_string())
        };
        assert_eq!(choose(None, &["demo", "venue"]).as_deref(), Some("venue"));
        assert_eq!(choose(None, &["demo", "unranked"]).as_deref(), Some("unranked"));
        assert_eq!(choose(None, &["demo"]).as_deref(), Some("demo"));
        assert_eq!(choose(Some(&named("demo")), &["demo", "venue"]).as_deref(), Some("demo"));
    }
}
