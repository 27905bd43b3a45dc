use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::domain::{Asset, Metric, SeriesKey, Source, Timestamp, Version, Vintage};
use crate::market::{Bars, ColumnView, MarketView, Point};
use crate::metrics::liveness::{Liveness, is_live, true_at};
use crate::metrics::statements::{StaleInput, StaleInputs, Statements};
use crate::metrics::{Answer, Coverage, Freshness, Meta, Method, QueryError, SourceReading, Span, Warning, WarningCode};

/// The longest detail of a warning, characters.
const LONGEST_DETAIL: usize = 300;
/// Inputs that a warning names; the others are counted.
const NAMED: usize = 3;

/// What was read on the way to an answer: becomes its `sources`, its warnings and the ground of its `ETag`.
#[derive(Debug)]
pub(super) struct Provenance<'a> {
    view: &'a MarketView,
    /// The states of series at the cutoff.
    states: Liveness<'a>,
    /// Those at the instant the statements are of.
    liveness: Liveness<'a>,
    /// What the statements follow from: the instant of its newest row, and whether it is live.
    inputs: BTreeMap<(Metric, Asset, Source), (Timestamp, bool)>,
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
    /// Of an answer about the cutoff.
    pub(super) const fn new(view: &'a MarketView) -> Self {
        Self::until(view, view.as_of())
    }

    /// Of an answer about an instant, such as the end of a window: its inputs must be live then.
    pub(super) const fn until(view: &'a MarketView, at: Timestamp) -> Self {
        Self {
            view,
            states: Liveness::new(view, view.as_of()),
            liveness: Liveness::new(view, at),
            inputs: BTreeMap::new(),
            sources: Vec::new(),
            reads: BTreeMap::new(),
            warnings: Vec::new(),
            next_expected_at: None,
            first_at: None,
        }
    }

    /// The market that is read.
    pub(super) const fn view(&self) -> &'a MarketView {
        self.view
    }

    /// The instant at which inputs must be live.
    pub(super) const fn at(&self) -> Timestamp {
        self.liveness.at()
    }

    /// Notes that a column was read.
    pub(super) fn read<P: Point>(&mut self, key: &SeriesKey, column: ColumnView<'_, P>) {
        let Some(newest) = column.last() else { return };
        self.list(key, column);
        self.rest_on(key, newest.observed_at);
    }

    /// Notes that a column was read for an answer that tells of each series how young it is: that one is
    /// stale withholds nothing then.
    pub(super) fn list<P: Point>(&mut self, key: &SeriesKey, column: ColumnView<'_, P>) {
        let Some(newest) = column.last() else { return };
        self.note_first(column.first().map(|row| row.observed_at));
        self.note(key, &newest, column.version());
    }

    /// Whether a series is live at the instant of the answer.
    pub(super) fn is_live<P: Point>(&mut self, key: &SeriesKey, column: ColumnView<'_, P>) -> bool {
        column.last().is_some_and(|newest| self.liveness.state(key, true_at(key, newest.observed_at)) != Freshness::Stale)
    }

    /// Notes that bars were read: the newest bar as far as it goes, and the newest finer one that the running bar
    /// is made of.
    pub(super) fn read_bars(&mut self, bars: &Bars<'_>) {
        let view = self.view;
        let Some(newest) = view.candles(bars.key).and_then(|column| column.last()) else { return };
        self.note_first(bars.first().map(|bar| bar.observed_at));
        self.note(bars.key, &newest, bars.version());
        self.rest_on(bars.key, newest.observed_at);
        if bars.running.is_some()
            && let Some((key, newest)) = view.last_bar(&bars.key.asset, &bars.key.source)
        {
            self.note(key, &newest, bars.version());
            self.rest_on(key, newest.observed_at);
        }
    }

    /// Notes an input of the statements by its newest row. Where a source has several series of a metric and
    /// asset, one that is live is enough.
    fn rest_on(&mut self, key: &SeriesKey, observed_at: Timestamp) {
        let since = true_at(key, observed_at);
        let live = self.liveness.state(key, since) != Freshness::Stale || self.has_live_bars(key);
        let input = self.inputs.entry((key.metric, key.asset.clone(), key.source.clone())).or_insert((since, live));
        *input = (input.0.max(since), input.1 || live);
    }

    /// Whether the source of bars has live ones of another length.
    fn has_live_bars(&self, key: &SeriesKey) -> bool {
        let others = self.view.candle_series(&key.asset).filter(|(other, _)| other.source == key.source);
        let live = |other: &SeriesKey, newest: Timestamp| is_live(other, true_at(other, newest), self.liveness.at());
        key.metric == Metric::Candle
            && others
                .filter_map(|(other, column)| Some((other, column.last()?)))
                .any(|(other, newest)| live(other, newest.observed_at))
    }

    fn note_first(&mut self, first_at: Option<Timestamp>) {
        self.first_at = self.first_at.into_iter().chain(first_at).min();
    }

    /// Notes that the answer rests on a series beside the figures' own.
    pub(super) fn depends_on(&mut self, key: &SeriesKey, version: Version) {
        self.reads.insert(key.clone(), version);
    }

    pub(super) fn warn(&mut self, code: WarningCode, detail: impl Into<String>) {
        let warning = Warning { code, detail: shortened(detail.into()) };
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
    pub(super) fn answer<T: Statements>(mut self, mut data: T, working: Derivation) -> Answer<T> {
        let inputs = std::mem::take(&mut self.inputs).into_iter().filter(|(_, (_, live))| !live);
        let stale: StaleInputs =
            inputs.map(|((metric, asset, source), (since, _))| StaleInput { metric, asset, source, since }).collect();
        if !stale.is_empty() {
            data.withhold(&stale);
            self.warn(WarningCode::StaleInput, stale_detail(&stale));
        }
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

    /// Adds a series to the sources, unless it is among them already.
    fn note<P>(&mut self, key: &SeriesKey, newest: &Vintage<P>, version: Version) {
        let Entry::Vacant(read) = self.reads.entry(key.clone()) else { return };
        read.insert(version);
        let as_of = self.view.as_of();
        let true_at = true_at(key, newest.observed_at);
        let observed_at = true_at.min(as_of);
        let state = self.states.state(key, true_at);
        let note = self.view.source_info(&key.source).map(|info| info.note.clone()).filter(|note| !note.is_empty());
        let next = true_at.plus_ms(key.expected_every_ms());
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
    }
}

/// Names inputs that are not live: the first few, and the count of all.
fn stale_detail(stale: &StaleInputs) -> String {
    let named: Vec<String> = stale
        .iter()
        .take(NAMED)
        .map(|StaleInput { metric, asset, source, since }| format!("{metric}.{asset}@{source} has had no row since {since}"))
        .collect();
    let others = stale.iter().len() - named.len();
    let others = if others > 0 { format!("; {others} more, see sources=full") } else { String::new() };
    format!("stale: {}{others}", named.join(", "))
}

/// A text that is no longer than the detail of a warning may be.
pub(super) fn shortened(text: String) -> String {
    if text.chars().count() <= LONGEST_DETAIL {
        return text;
    }
    text.chars().take(LONGEST_DETAIL - 1).chain(['…']).collect()
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
