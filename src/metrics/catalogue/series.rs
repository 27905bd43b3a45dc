use std::cmp::Reverse;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Bar, Metric, Period, SeriesKey, Source, TimeRange, Timestamp, Unit, Version, Vintage};
use crate::market::{ColumnView, MarketView, Point};
use crate::metrics::liveness::{Liveness, true_at};
use crate::metrics::provenance::{Derivation, Provenance, known_asset};
use crate::metrics::statements::DatedRow;
use crate::metrics::{Answer, Context, Freshness, Moment, Paged, Query, QueryError, WarningCode, Window};

/// Which series to list.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct CatalogueParams {
    /// Only of this metric.
    pub metric: Option<Metric>,
    /// Only of this asset.
    pub asset: Option<Asset>,
    /// Only from this source.
    pub source: Option<Source>,
}

/// One series of the log.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SeriesEntry {
    /// Its key.
    pub key: SeriesKey,
    /// What is measured.
    pub metric: Metric,
    /// Of what.
    pub asset: Asset,
    /// Which part of it: a fund, a side, an option.
    pub part: Option<String>,
    /// Who says so.
    pub source: Source,
    /// The unit of the values.
    pub unit: Unit,
    /// The span of one row; absent for readings at an instant.
    pub period: Option<Period>,
    /// The first instant it speaks of.
    pub first_observed_at: Timestamp,
    /// The last instant it speaks of.
    pub last_observed_at: Timestamp,
    /// How many points were known at the cutoff.
    pub n_obs: u64,
    /// How far apart rows should be, seconds.
    pub expected_every_seconds: i64,
    /// Whether it is as young as it should be.
    pub state: Freshness,
}

impl Paged<CatalogueParams> for SeriesEntry {
    type Position = SeriesKey;

    fn position(&self, _: &CatalogueParams) -> SeriesKey {
        self.key.clone()
    }
}
impl DatedRow for SeriesEntry {}

/// Which rows of one series to list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeriesParams {
    /// The series.
    pub key: SeriesKey,
    /// Which span.
    pub window: Window,
    /// Every vintage instead of the last known one.
    pub include_history: bool,
    /// Only rows known after this moment.
    pub updated_after: Option<Moment>,
}

/// One row of a series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct SeriesRow {
    /// When it was true: the instant of a reading, the start of a period.
    pub observed_at: Timestamp,
    /// The value in the unit of the series; the close of a candle.
    pub value: f64,
    /// From when on it was known.
    pub known_at: Timestamp,
    /// First price, of candles only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<f64>,
    /// Highest price, of candles only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Lowest price, of candles only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Traded amount in coins or shares, of candles only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<f64>,
}

impl DatedRow for SeriesRow {}

/// Which corrections to list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RevisionsParams {
    /// Only those known after this moment.
    pub since: Moment,
    /// Only of this series.
    pub series: Option<SeriesKey>,
}

/// One correction of a value that had been known.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Revision {
    /// The series.
    pub series: SeriesKey,
    /// The instant whose value was corrected.
    pub observed_at: Timestamp,
    /// What had been known; of candles the close.
    pub old_value: f64,
    /// What is known since; of candles the close.
    pub new_value: f64,
    /// New less old.
    pub change: f64,
    /// Since when.
    pub known_at: Timestamp,
}

impl Paged<RevisionsParams> for Revision {
    type Position = (Reverse<Timestamp>, SeriesKey, Timestamp);

    fn position(&self, _: &RevisionsParams) -> Self::Position {
        (Reverse(self.known_at), self.series.clone(), self.observed_at)
    }
}
impl DatedRow for Revision {}

/// The series with anything known at the cutoff, by key.
///
/// # Errors
/// [`QueryError::UnknownAsset`].
pub fn catalogue(view: &MarketView, question: &CatalogueParams) -> Result<Answer<Vec<SeriesEntry>>, QueryError> {
    question.asset.as_ref().map_or(Ok(()), |asset| known_asset(view, asset))?;
    let mut trail = Provenance::new(view);
    let mut rows = entries(view, &mut trail, |key| {
        question.metric.is_none_or(|metric| key.metric == metric)
            && question.asset.as_ref().is_none_or(|asset| key.asset == *asset)
            && question.source.as_ref().is_none_or(|source| key.source == *source)
    });
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    let stale = rows.iter().filter(|row| row.state == Freshness::Stale).count();
    if stale > 0 {
        trail.warn(
            WarningCode::StaleInput,
            format!("{stale} of {} series have had no row for long, see their `state`", rows.len()),
        );
    }
    Ok(trail.answer(rows, Derivation::default()))
}

/// The series that are wanted of those with anything known at the cutoff, each key once, noted as read.
pub(in crate::metrics) fn entries<'a>(
    view: &'a MarketView,
    trail: &mut Provenance<'a>,
    wanted: impl Fn(&SeriesKey) -> bool,
) -> Vec<SeriesEntry> {
    let mut rows = Vec::new();
    let mut liveness = Liveness::new(view, view.as_of());
    for (metric, _) in Metric::ALL {
        for (key, column) in view.all_readings(metric).filter(|(key, _)| wanted(key)) {
            trail.list(key, column);
            rows.extend(entry(&mut liveness, key, column));
        }
    }
    for (key, column) in view.all_candles().filter(|(key, _)| wanted(key)) {
        trail.list(key, column);
        rows.extend(entry(&mut liveness, key, column));
    }
    // A series of published sums is what a question about its key reads.
    for (key, column) in view.tallies().filter(|(key, _)| wanted(key) && view.reading(key).is_none()) {
        trail.list(key, column);
        rows.extend(entry(&mut liveness, key, column));
    }
    rows
}

fn entry<P: Point>(liveness: &mut Liveness<'_>, key: &SeriesKey, column: ColumnView<'_, P>) -> Option<SeriesEntry> {
    let (first, last) = column.first().zip(column.last())?;
    Some(SeriesEntry {
        key: key.clone(),
        metric: key.metric,
        asset: key.asset.clone(),
        part: key.part.as_deref().map(str::to_owned),
        source: key.source.clone(),
        unit: key.metric.unit(),
        period: (!key.period.is_instant()).then_some(key.period),
        first_observed_at: first.observed_at,
        last_observed_at: last.observed_at,
        n_obs: column.count(TimeRange::all()),
        expected_every_seconds: key.expected_every_ms() / 1_000,
        state: liveness.state(key, true_at(key, last.observed_at)),
    })
}

/// The rows of one series.
///
/// # Errors
/// [`QueryError::UnknownSeries`] when nothing of the series is ever known,
/// [`QueryError::EmptyWindow`] when the window ends before it starts.
pub fn series_rows(view: &MarketView, question: &SeriesParams) -> Result<Answer<Vec<SeriesRow>>, QueryError> {
    let span = question.window.resolve(view.as_of())?;
    let range = span.rows(question.key.period);
    let mut trail = Provenance::new(view);
    let mut rows: Vec<SeriesRow> = Vec::new();
    if let Some(column) = view.reading(&question.key) {
        trail.read(&question.key, column);
        rows = vintages(column, range, question.include_history).iter().map(reading_row).collect();
    } else if let Some(column) = view.candles(&question.key) {
        trail.read(&question.key, column);
        rows = vintages(column, range, question.include_history).iter().map(candle_row).collect();
    } else if let Some(column) = view.tally(&question.key) {
        trail.read(&question.key, column);
        let usd = |v: Vintage<crate::market::LiquidationBucket>| Vintage {
            observed_at: v.observed_at,
            known_at: v.known_at,
            value: v.value.usd,
        };
        rows = vintages(column, range, question.include_history).into_iter().map(|v| reading_row(&usd(v))).collect();
    } else if !view.is_ever_known(&question.key) {
        return Err(QueryError::UnknownSeries { key: question.key.to_string() });
    }
    if let Some(after) = question.updated_after.map(|moment| moment.resolve(view.as_of())) {
        rows.retain(|row| row.known_at > after);
    }
    let n_obs = Some(rows.len() as u64);
    Ok(trail.answer(rows, Derivation { span: Some(span), n_obs, ..Derivation::default() }))
}

fn vintages<P: Point>(column: ColumnView<'_, P>, range: TimeRange, include_history: bool) -> Vec<Vintage<P>> {
    if include_history { column.vintages(range) } else { column.points(range) }
}

const fn reading_row(row: &Vintage<f64>) -> SeriesRow {
    SeriesRow {
        observed_at: row.observed_at,
        value: row.value,
        known_at: row.known_at,
        open: None,
        high: None,
        low: None,
        volume: None,
    }
}

const fn candle_row(row: &Vintage<Bar>) -> SeriesRow {
    let Vintage { observed_at, known_at, value: bar } = *row;
    SeriesRow {
        observed_at,
        value: bar.close,
        known_at,
        open: Some(bar.open),
        high: Some(bar.high),
        low: Some(bar.low),
        volume: bar.volume,
    }
}

/// The corrections known since a moment, newest first.
#[must_use]
pub fn revisions(view: &MarketView, question: &RevisionsParams) -> Answer<Vec<Revision>> {
    let since = question.since.resolve(view.as_of());
    let wanted = |key: &SeriesKey| question.series.as_ref().is_none_or(|series| key == series);
    let mut trail = Provenance::new(view);
    let mut reads: Vec<(SeriesKey, Version)> = Vec::new();
    let mut rows = Vec::new();
    for (metric, _) in Metric::ALL {
        for (key, column) in view.all_readings(metric).filter(|(key, _)| wanted(key)) {
            reads.push((key.clone(), column.version()));
            rows.extend(column.corrections(since).into_iter().map(|(old, new)| revision(key, &old, &new, |value| *value)));
        }
    }
    for (key, column) in view.all_candles().filter(|(key, _)| wanted(key)) {
        reads.push((key.clone(), column.version()));
        rows.extend(column.corrections(since).into_iter().map(|(old, new)| revision(key, &old, &new, |bar| bar.close)));
    }
    rows.sort_by(|a, b| {
        b.known_at.cmp(&a.known_at).then_with(|| a.series.cmp(&b.series)).then(a.observed_at.cmp(&b.observed_at))
    });
    if question.series.is_some() && reads.is_empty() {
        trail.warn(WarningCode::NoData, "nothing of this series was known by the cutoff");
    }
    let mut answer = trail.answer(rows, Derivation::default());
    answer.warnings.retain(|warning| question.series.is_some() || warning.code != WarningCode::NoData);
    answer.reads = reads;
    answer
}

fn revision<P>(key: &SeriesKey, old: &Vintage<P>, new: &Vintage<P>, value: impl Fn(&P) -> f64) -> Revision {
    let (old_value, new_value) = (value(&old.value), value(&new.value));
    Revision {
        series: key.clone(),
        observed_at: new.observed_at,
        old_value,
        new_value,
        change: new_value - old_value,
        known_at: new.known_at,
    }
}

/// Catalogue of the series.
#[derive(Debug)]
pub enum CatalogueQuery {}

impl Query for CatalogueQuery {
    type Params = CatalogueParams;
    type Answer = Vec<SeriesEntry>;
    const NAME: &'static str = "series";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        catalogue(cx.view, params)
    }
}

/// Parameters of [`SeriesRowsQuery`]: those of [`SeriesParams`], with the key as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeriesRowsParams {
    /// Key of the series.
    pub key: String,
    /// Span of the rows.
    pub window: Window,
    /// True if every vintage is a row, false if only the last known one of each point is.
    pub include_history: bool,
    /// Only rows known after this time.
    pub updated_after: Option<Moment>,
}

impl Paged<SeriesRowsParams> for SeriesRow {
    /// The second time tells the vintages of a point apart. Without history a point has one row, which may be of another
    /// vintage on the next page.
    type Position = (Timestamp, Option<Timestamp>);

    fn position(&self, params: &SeriesRowsParams) -> Self::Position {
        (self.observed_at, params.include_history.then_some(self.known_at))
    }
}

/// Rows of one series.
#[derive(Debug)]
pub enum SeriesRowsQuery {}

impl Query for SeriesRowsQuery {
    type Params = SeriesRowsParams;
    type Answer = Vec<SeriesRow>;
    const NAME: &'static str = "series/{key}";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        let SeriesRowsParams { ref key, window, include_history, updated_after } = *params;
        // A text that is not a key names no series.
        let key = key.parse().map_err(|_| QueryError::UnknownSeries { key: key.clone() })?;
        series_rows(cx.view, &SeriesParams { key, window, include_history, updated_after })
    }
}

/// Revisions: values that were replaced.
#[derive(Debug)]
pub enum RevisionsQuery {}

impl Query for RevisionsQuery {
    type Params = RevisionsParams;
    type Answer = Vec<Revision>;
    const NAME: &'static str = "revisions";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        Ok(revisions(cx.view, params))
    }
}
