use crate::domain::{Bar, Batch, KnownAtRule, LiquidationOrder, Observation, SeriesKey};

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
