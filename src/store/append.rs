//! Writes one batch inside an open transaction.

use std::collections::{BTreeMap, HashMap};

use futures_util::TryStreamExt;
use sqlx::SqlSafeStr;

use super::dialect::{Argument, ChangedSeries, ColumnValues, Columns, Commit, Dialect, Rows};
use super::log::sql;
use super::payload::{self, Payload};
use super::{Appended, OnRefusal, StoreError, order_list, orders, read, reconcile};
use crate::domain::{
    Batch, CommitReport, Delta, LiquidationOrder, Observation, RecordedOrder, RejectedRow, SeriesKey, Timestamp, Version, Vintage,
};

/// Points compared with the stored ones at a time.
const POINTS_AT_A_TIME: usize = 5_000;

/// A series that exists in the log.
#[derive(Clone, Copy)]
struct Known {
    id: i64,
    /// Its newest `observed_at`: later points need not be looked up.
    newest: Option<Timestamp>,
}

/// A batch while it is written.
pub(super) struct Append<'a, D: Dialect> {
    link: &'a mut D::Connection,
    now: Timestamp,
    report: CommitReport,
    delta: Delta,
    /// Existing series of the batch, by key.
    known: HashMap<String, Known>,
    /// Rows of one table, of any series, not written yet.
    pending: Option<Rows>,
    touched: Vec<ChangedSeries>,
    /// Number of rows added.
    rows: usize,
}

impl<'a, D: Dialect> Append<'a, D> {
    /// Starts the next version. The transaction must hold the writer's lock.
    pub(super) async fn begin(link: &'a mut D::Connection, batch: &Batch, now: Timestamp) -> Result<Self, StoreError> {
        let (latest, known) = what_is_known::<D>(link, batch).await?;
        let delta = Delta {
            version: latest + 1,
            recorded_at: now,
            source: batch.source.clone(),
            readings: BTreeMap::new(),
            candles: BTreeMap::new(),
            orders: Vec::new(),
        };
        Ok(Self { link, now, report: CommitReport::default(), delta, known, pending: None, touched: Vec::new(), rows: 0 })
    }

    /// Writes the rows that add something. If the result has no delta, the transaction must be rolled back.
    pub(super) async fn run(mut self, batch: &Batch, on_refusal: OnRefusal) -> Result<Appended, StoreError> {
        for (key, rows) in &batch.readings {
            self.series(key, rows).await?;
        }
        for (key, rows) in &batch.candles {
            self.series(key, rows).await?;
        }
        self.write_pending().await?;
        self.delta.orders = self.new_orders(&batch.orders).await?;
        self.rows += self.delta.orders.len();
        if on_refusal == OnRefusal::Abort && !self.report.refused.is_empty() {
            let report = CommitReport { new: 0, revised: 0, ..self.report };
            return Ok(Appended { report, delta: None });
        }
        if self.rows == 0 {
            return Ok(Appended { report: self.report, delta: None });
        }
        self.commit_rows().await?;
        Ok(Appended { report: self.report, delta: Some(self.delta) })
    }

    /// Adds the vintages of one series that are not stored yet.
    async fn series<P: Payload>(&mut self, key: &SeriesKey, rows: &[Observation<P>]) -> Result<(), StoreError> {
        let admitted = match unreadable(key) {
            None => reconcile::validate(key, rows, &mut self.report),
            Some(reason) => {
                let refusal = |row: &Observation<P>| RejectedRow {
                    subject: key.to_string(),
                    observed_at: row.observed_at,
                    reason: reason.clone(),
                };
                self.report.refused.extend(rows.iter().map(refusal));
                Vec::new()
            }
        };
        if admitted.is_empty() {
            return Ok(());
        }
        let known = match self.known.get(&key.to_string()) {
            Some(known) => *known,
            None => Known { id: self.add_series(key).await?, newest: None },
        };
        let mut added = Vec::new();
        let mut rest = admitted.as_slice();
        while !rest.is_empty() {
            let (piece, later) = rest.split_at(piece_length(rest, |a, b| a.observed_at == b.observed_at));
            let stored = self.stored::<P>(known, piece).await?;
            let vintages = reconcile::reconcile(key, &stored, piece, self.now, &mut self.report);
            self.write(payload::rows(known.id, self.delta.version, &vintages)).await?;
            added.extend(vintages);
            rest = later;
        }
        if let (Some(first), Some(last)) = (added.first(), added.last()) {
            self.touched.push(ChangedSeries { series_id: known.id, first: first.observed_at, last: last.observed_at });
            self.rows += added.len();
            P::of(&mut self.delta).insert(key.clone(), added);
        }
        Ok(())
    }

    /// Collects rows of a table over several series, so that a batch of many series does not need a
    /// statement for each.
    async fn write(&mut self, rows: Rows) -> Result<(), StoreError> {
        match &mut self.pending {
            Some(pending) if pending.table == rows.table => pending.append(rows),
            _ => {
                self.write_pending().await?;
                self.pending = Some(rows);
            }
        }
        if self.pending.as_ref().is_some_and(|pending| pending.len() >= POINTS_AT_A_TIME) {
            self.write_pending().await?;
        }
        Ok(())
    }

    async fn write_pending(&mut self) -> Result<(), StoreError> {
        match self.pending.take() {
            Some(rows) if rows.len() > 0 => Ok(D::insert(self.link, rows).await?),
            _ => Ok(()),
        }
    }

    /// Returns every stored vintage of the points in `piece`.
    async fn stored<P: Payload>(&mut self, series: Known, piece: &[Observation<P>]) -> Result<Vec<Vintage<P>>, StoreError> {
        let mut instants: Vec<i64> =
            piece.iter().filter(|row| Some(row.observed_at) <= series.newest).map(|row| row.observed_at.unix_ms()).collect();
        instants.dedup();
        if instants.is_empty() {
            return Ok(Vec::new());
        }
        let arguments = vec![Argument::Integer(series.id), Argument::Several(ColumnValues::Integers(instants))];
        let mut rows = D::rows(self.link, sql(P::TABLE.select_points::<D>()), arguments);
        let mut stored = Vec::with_capacity(piece.len());
        while let Some(row) = rows.try_next().await? {
            stored.push(read::vintage(&row, 0)?);
        }
        Ok(stored)
    }

    async fn add_series(&mut self, key: &SeriesKey) -> Result<i64, StoreError> {
        let sql = "INSERT INTO series (key, metric, asset, part, source, period_ms) \
                   VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
        let arguments = vec![
            Argument::Text(key.to_string()),
            Argument::Text(key.metric.to_string()),
            Argument::Text(key.asset.to_string()),
            Argument::OptionalText(key.part.as_deref().map(str::to_owned)),
            Argument::Text(key.source.to_string()),
            Argument::Integer(key.period.ms()),
        ];
        let row = D::rows(self.link, sql.into_sql_str(), arguments).try_next().await?.ok_or(sqlx::Error::RowNotFound)?;
        Ok(row.integer(0)?)
    }

    /// Returns the orders that are not stored yet.
    async fn new_orders(&mut self, orders: &[LiquidationOrder]) -> Result<Vec<RecordedOrder>, StoreError> {
        let admitted = orders::validate(orders, &mut self.report);
        let mut added = Vec::new();
        for orders in admitted.chunk_by(|a, b| (&a.source, &a.symbol) == (&b.source, &b.symbol)) {
            let mut rest = orders;
            while !rest.is_empty() {
                let (piece, later) = rest.split_at(piece_length(rest, |a, b| a.occurred_at == b.occurred_at));
                let stored = order_list::orders_at::<D>(self.link, piece).await?;
                added.extend(orders::reconcile(&stored, piece, self.now, &mut self.report));
                rest = later;
            }
        }
        Ok(added)
    }

    /// Writes the commit, the series it changed, and its orders.
    async fn commit_rows(&mut self) -> Result<(), StoreError> {
        let commit = Commit {
            version: self.delta.version,
            recorded_at: self.now,
            source: self.delta.source.to_string(),
            row_count: i64::try_from(self.rows).unwrap_or(i64::MAX),
            touched: std::mem::take(&mut self.touched),
        };
        D::record(self.link, commit).await?;
        for piece in self.delta.orders.chunks(POINTS_AT_A_TIME) {
            D::insert(self.link, orders::rows(self.delta.version, piece)).await?;
        }
        Ok(())
    }
}

/// Reads the number of the last commit and the existing series of a batch, by key. One statement,
/// because each needs a round trip.
async fn what_is_known<D: Dialect>(
    link: &mut D::Connection,
    batch: &Batch,
) -> Result<(Version, HashMap<String, Known>), StoreError> {
    let keys: Vec<String> = batch.readings.keys().chain(batch.candles.keys()).map(SeriesKey::to_string).collect();
    let text = format!(
        "SELECT latest.version, key, id, (SELECT MAX(last_observed_at) FROM batch_series WHERE series_id = series.id) \
         FROM (SELECT MAX(version) AS version FROM batch) AS latest LEFT JOIN series ON key {}",
        D::any_of(1)
    );
    let mut rows = D::rows(link, sql(text), vec![Argument::Several(ColumnValues::Texts(keys))]);
    let (mut latest, mut known) = (0, HashMap::new());
    while let Some(row) = rows.try_next().await? {
        latest = row.optional_integer(0)?.unwrap_or(0);
        if let Some(key) = row.optional_text(1)? {
            known.insert(key, Known { id: row.integer(2)?, newest: row.optional_integer(3)?.map(Timestamp::from_unix_ms) });
        }
    }
    Ok((latest, known))
}

/// Returns the reason if a key could not be read back from the log.
fn unreadable(key: &SeriesKey) -> Option<String> {
    match key.to_string().parse::<SeriesKey>() {
        Ok(read_back) if read_back == *key => None,
        Ok(_) => Some("its key parses as another series; use valid names".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

/// Returns how many of the first `rows` to process at once: about [`POINTS_AT_A_TIME`], without splitting a point.
fn piece_length<T>(rows: &[T], same_point: impl Fn(&T, &T) -> bool) -> usize {
    let mut length = POINTS_AT_A_TIME.min(rows.len());
    while length > 0 && length < rows.len() && same_point(&rows[length - 1], &rows[length]) {
        length += 1;
    }
    length
}
