use crate::domain::{Bar, Batch, KnownAtRule, LiquidationOrder, Observation, SeriesKey, Timestamp};
use crate::files::RowFault;
use crate::files::series::is_settlement;

/// One reading or flow and its series.
pub type Reading = (SeriesKey, Observation<f64>);

/// What a row states.
#[derive(Debug, Clone, PartialEq)]
pub enum ParsedRow {
    /// Nothing: what would hold its value is blank.
    Nothing,
    /// A reading or a flow.
    Reading(Reading),
    /// Readings of several series that stand in one row, each where it is stated.
    Readings(Vec<Reading>),
    /// A bar.
    Candle(SeriesKey, Observation<Bar>),
    /// A forced order.
    Order(LiquidationOrder),
}

impl ParsedRow {
    /// Adds it to a batch.
    pub fn add_to(self, batch: &mut Batch) {
        match self {
            Self::Nothing => {}
            Self::Reading((key, reading)) => batch.push_reading(key, reading),
            Self::Readings(readings) => readings.into_iter().for_each(|(key, reading)| batch.push_reading(key, reading)),
            Self::Candle(key, candle) => batch.push_candle(key, candle),
            Self::Order(order) => batch.orders.push(order),
        }
    }

    /// Refuses what no row can state: a start between two starts of its interval, a vintage before its end.
    pub(super) fn check(&self) -> Result<(), RowFault> {
        match self {
            Self::Nothing => Ok(()),
            Self::Reading((key, reading)) => check(key, reading),
            Self::Readings(readings) => readings.iter().try_for_each(|(key, reading)| check(key, reading)),
            Self::Candle(key, candle) => check(key, candle),
            Self::Order(order) => not_before(order.knowledge, order.occurred_at),
        }
    }

    /// The same, with an arrival that lies before the end of what it speaks of moved there, and whether it was.
    pub(super) fn after_end(mut self) -> (Self, bool) {
        let mut is_moved = false;
        let mut settle = |knowledge: &mut KnownAtRule, over_at: Timestamp| {
            if not_before(*knowledge, over_at).is_err() {
                *knowledge = KnownAtRule::Vintage(over_at);
                is_moved = true;
            }
        };
        match &mut self {
            Self::Nothing => {}
            Self::Reading((key, row)) => settle(&mut row.knowledge, over_at(key, row.observed_at)),
            Self::Readings(rows) => {
                for (key, row) in rows {
                    settle(&mut row.knowledge, over_at(key, row.observed_at));
                }
            }
            Self::Candle(key, row) => settle(&mut row.knowledge, over_at(key, row.observed_at)),
            Self::Order(order) => settle(&mut order.knowledge, order.occurred_at),
        }
        (self, is_moved)
    }

    /// The same, known when it is committed unless it brings its real vintage.
    #[must_use]
    pub fn live(mut self) -> Self {
        let settle = |knowledge: &mut KnownAtRule| {
            if matches!(knowledge, KnownAtRule::AtPublication(_)) {
                *knowledge = KnownAtRule::OnCommit;
            }
        };
        match &mut self {
            Self::Nothing => {}
            Self::Reading((_, reading)) => settle(&mut reading.knowledge),
            Self::Readings(readings) => readings.iter_mut().for_each(|(_, reading)| settle(&mut reading.knowledge)),
            Self::Candle(_, candle) => settle(&mut candle.knowledge),
            Self::Order(order) => settle(&mut order.knowledge),
        }
        self
    }
}

fn check<P>(key: &SeriesKey, row: &Observation<P>) -> Result<(), RowFault> {
    let (at, interval) = (row.observed_at, key.period);
    let start = if is_settlement(key.metric) { at } else { interval.start_of(at) };
    if start != at {
        return Err(RowFault::OffGrid { at, interval, start });
    }
    not_before(row.knowledge, over_at(key, at))
}

/// When what a row speaks of is over. A settlement is a reading: its interval is what it pays for.
const fn over_at(key: &SeriesKey, at: Timestamp) -> Timestamp {
    if is_settlement(key.metric) { at } else { at.plus_ms(key.period.ms()) }
}

fn not_before(knowledge: KnownAtRule, over_at: Timestamp) -> Result<(), RowFault> {
    match knowledge {
        KnownAtRule::Vintage(known_at) if known_at < over_at => Err(RowFault::KnownTooEarly { known_at, over_at }),
        _ => Ok(()),
    }
}
