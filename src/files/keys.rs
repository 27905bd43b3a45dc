use crate::domain::{InvalidSeriesKey, KnownAtRule, Metric, SeriesKey, Timestamp};
use crate::files::row::Row;
use crate::files::{Column, RowError, RowFault};

/// Says which series a row belongs to: always the same one, or the one its `series` column names.
#[derive(Debug)]
pub(super) enum Keys {
    Fixed(SeriesKey),
    Column { candles: bool, last: Option<(String, SeriesKey)> },
}

impl Keys {
    /// Keys read from the `series` column, which must (not) be of candles.
    pub(super) const fn from_column(candles: bool) -> Self {
        Self::Column { candles, last: None }
    }

    /// The one series of all rows, if there is one.
    pub(super) const fn fixed(&self) -> Option<&SeriesKey> {
        match self {
            Self::Fixed(key) => Some(key),
            Self::Column { .. } => None,
        }
    }

    /// The series of a row.
    pub(super) fn of(&mut self, row: &Row<'_>) -> Result<SeriesKey, RowError> {
        match self {
            Self::Fixed(key) => Ok(key.clone()),
            Self::Column { candles, last } => {
                let text = row.required_text(Column::Series)?;
                if let Some((_, key)) = last.as_ref().filter(|(known, _)| known == text) {
                    return Ok(key.clone());
                }
                let key = parse(text, *candles).map_err(|error| row.blame(Column::Series, RowFault::Name(error.to_string())))?;
                *last = Some((text.to_owned(), key.clone()));
                Ok(key)
            }
        }
    }
}

fn parse(text: &str, candles: bool) -> Result<SeriesKey, InvalidSeriesKey> {
    let key: SeriesKey = text.parse()?;
    let refuse = |reason: &str| Err(InvalidSeriesKey { text: text.to_owned(), reason: reason.to_owned() });
    match key.metric {
        Metric::Candle if !candles => refuse("it is one of candles, whose rows have open, high, low and close"),
        Metric::Candle if key.period.is_instant() => refuse("candles need an interval"),
        Metric::Candle => Ok(key),
        _ if candles => refuse("it is not one of candles, so its rows have a value"),
        _ => Ok(key),
    }
}

/// When a row counts as known: at its own vintage, else by the publication rule of its series.
pub(super) fn knowledge(key: &SeriesKey, observed_at: Timestamp, known_at: Option<Timestamp>) -> KnownAtRule {
    known_at.map_or_else(|| KnownAtRule::AtPublication(observed_at.plus_ms(key.publication_lag_ms())), KnownAtRule::Vintage)
}
