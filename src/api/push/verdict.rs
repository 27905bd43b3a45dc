use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{
    Asset, Delta, KnownAtRule, LiquidationOrder, Observation, RejectedRow, Side, Source, TimeRange, Timestamp, Vintage,
};
use crate::files::{ParsedRow, Reading, RowError};
use crate::market::{ColumnView, MarketView, Point};

/// What became of one row of a push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RowVerdict {
    /// Its place among the rows, from 1; the header line of CSV does not count.
    pub row: u64,
    /// What became of it.
    pub verdict: RowStatus,
    /// The field to blame, of refused rows where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong with it, of refused rows only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What can become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Fate)]
pub enum RowStatus {
    /// It said something about a point of which nothing was known.
    New,
    /// It said what was known already; nothing was written.
    Unchanged,
    /// It said something else than what was known; the older vintage stays.
    Revised,
    /// It said nothing, because its value is blank or null.
    Empty,
    /// It cannot be taken, and so nothing of the push was written.
    Refused,
    /// It could be taken, and was not written because another row was refused.
    NotWritten,
}

/// What a push did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Pushed {
    /// Rows in the body.
    pub rows: u64,
    /// Rows about points of which nothing was known.
    pub new: u64,
    /// Rows that said what was known already.
    pub unchanged: u64,
    /// Rows that said something else than what was known.
    pub revised: u64,
    /// Rows that said nothing.
    pub empty: u64,
    /// What became of every row, in their order.
    pub verdicts: Vec<RowVerdict>,
}

impl RowVerdict {
    /// A verdict that needs no words.
    fn plain(row: u64, verdict: RowStatus) -> Self {
        Self { row, verdict, field: None, detail: None }
    }

    /// A row that is refused.
    fn refused(row: u64, blame: RowFault) -> Self {
        Self { field: blame.field, detail: Some(blame.detail), ..Self::plain(row, RowStatus::Refused) }
    }

    /// The row in words.
    pub(super) fn place(&self) -> String {
        match &self.field {
            Some(field) => format!("row {}, {field}", self.row),
            None => format!("row {}", self.row),
        }
    }
}

impl Pushed {
    /// Counts verdicts.
    pub(super) fn new(verdicts: &[RowStatus]) -> Self {
        let count = |wanted: RowStatus| verdicts.iter().filter(|verdict| **verdict == wanted).count() as u64;
        Self {
            rows: verdicts.len() as u64,
            new: count(RowStatus::New),
            unchanged: count(RowStatus::Unchanged),
            revised: count(RowStatus::Revised),
            empty: count(RowStatus::Empty),
            verdicts: (1..).zip(verdicts).map(|(row, verdict)| RowVerdict::plain(row, *verdict)).collect(),
        }
    }
}

/// What is wrong with a row.
#[derive(Debug)]
pub(super) struct RowFault {
    /// The field that is to blame, where one is.
    pub(super) field: Option<String>,
    /// What is wrong with it, in words.
    pub(super) detail: String,
}

impl From<RowError> for RowFault {
    fn from(error: RowError) -> Self {
        Self { field: error.column, detail: error.fault.to_string() }
    }
}

/// The verdicts of a push that is not taken, from what is wrong with its rows.
pub(super) fn not_taken(rows: impl IntoIterator<Item = Option<RowFault>>) -> Vec<RowVerdict> {
    let verdict = |(row, blame): (u64, Option<RowFault>)| match blame {
        None => RowVerdict::plain(row, RowStatus::NotWritten),
        Some(blame) => RowVerdict::refused(row, blame),
    };
    (1..).zip(rows).map(verdict).collect()
}

/// What the store has against a row.
pub(super) fn refusal_of(stated: &ParsedRow, refusals: &[RejectedRow]) -> Option<RowFault> {
    let (subject, at) = subject(stated)?;
    let refusal = refusals.iter().find(|refusal| refusal.observed_at == at && refusal.subject == subject)?;
    Some(RowFault { field: None, detail: refusal.reason.clone() })
}

/// What a row speaks of, in the words of the store's refusals.
fn subject(stated: &ParsedRow) -> Option<(String, Timestamp)> {
    match stated {
        ParsedRow::Nothing => None,
        ParsedRow::Reading((key, reading)) => Some((key.to_string(), reading.observed_at)),
        ParsedRow::Readings(readings) => readings.first().map(|(key, reading)| (key.to_string(), reading.observed_at)),
        ParsedRow::Candle(key, candle) => Some((key.to_string(), candle.observed_at)),
        ParsedRow::Order(order) => Some((format!("{} {}", order.source, order.symbol.escape_default()), order.occurred_at)),
    }
}

/// The verdicts of a push that was taken: `delta` holds what it added, `view` everything known after.
pub(super) fn taken(rows: &[ParsedRow], delta: Option<&Delta>, view: &MarketView) -> Vec<RowStatus> {
    let Some(delta) = delta else {
        return rows.iter().map(|row| if *row == ParsedRow::Nothing { RowStatus::Empty } else { RowStatus::Unchanged }).collect();
    };
    let mut orders = added_orders(delta);
    let reading = |(key, row): &Reading| of_point(row, delta.readings.get(key), view.reading(key));
    rows.iter()
        .map(|stated| match stated {
            ParsedRow::Nothing => RowStatus::Empty,
            ParsedRow::Reading(row) => reading(row),
            ParsedRow::Readings(readings) => {
                readings.iter().map(reading).find(|it| *it != RowStatus::Unchanged).unwrap_or(RowStatus::Unchanged)
            }
            ParsedRow::Candle(key, row) => of_point(row, delta.candles.get(key), view.candles(key)),
            ParsedRow::Order(order) => match orders.get_mut(&content(order)).filter(|left| **left > 0) {
                Some(left) => {
                    *left -= 1;
                    RowStatus::New
                }
                None => RowStatus::Unchanged,
            },
        })
        .collect()
}

/// The verdict of a row about a point: whether its vintage was added, and whether an older one is there.
fn of_point<P: Point + PartialEq>(
    row: &Observation<P>,
    added: Option<&Vec<Vintage<P>>>,
    known: Option<ColumnView<'_, P>>,
) -> RowStatus {
    let is_ours = |vintage: &&Vintage<P>| match row.knowledge {
        KnownAtRule::Vintage(at) => vintage.known_at == at,
        KnownAtRule::OnCommit | KnownAtRule::AtPublication(_) => vintage.value == row.value,
    };
    let added = added.map_or(&[][..], Vec::as_slice);
    let first = added.partition_point(|vintage| vintage.observed_at < row.observed_at);
    let of_the_point = added[first..].iter().take_while(|vintage| vintage.observed_at == row.observed_at);
    let Some(ours) = of_the_point.clone().find(is_ours) else { return RowStatus::Unchanged };
    let instant = TimeRange::new(row.observed_at, row.observed_at.plus_ms(1)).unwrap_or(TimeRange::all());
    let is_older = |vintage: &Vintage<P>| vintage.observed_at == row.observed_at && vintage.known_at < ours.known_at;
    let has_older = known.is_some_and(|column| column.vintages(instant).iter().any(is_older));
    if has_older { RowStatus::Revised } else { RowStatus::New }
}

/// Everything an order says: those that say the same are the same.
type Content = (Source, String, Timestamp, Asset, Side, [u64; 3]);

fn content(order: &LiquidationOrder) -> Content {
    let numbers = [order.price_usd, order.quantity, order.usd].map(|number| (number + 0.0).to_bits());
    (order.source.clone(), order.symbol.clone(), order.occurred_at, order.asset.clone(), order.side, numbers)
}

/// How many orders of each content were added.
fn added_orders(delta: &Delta) -> HashMap<Content, u64> {
    let mut added = HashMap::new();
    for recorded in &delta.orders {
        *added.entry(content(&recorded.order)).or_default() += 1;
    }
    added
}
