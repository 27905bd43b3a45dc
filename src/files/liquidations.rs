use crate::domain::{Asset, Metric, Observation, Period, SeriesKey, Side, Source};
use crate::files::column::Need;
use crate::files::import::RowReader;
use crate::files::keys::knowledge;
use crate::files::row::Row;
use crate::files::{Column, ParsedRow, RowError};

/// Reads sums of liquidations by period, both sides in one row. A blank side states nothing.
#[derive(Debug)]
pub(super) struct Liquidations {
    long: SeriesKey,
    short: SeriesKey,
}

impl Liquidations {
    pub(super) fn new(asset: &Asset, source: &Source, interval: Period) -> Self {
        let key =
            |side: Side| SeriesKey::new(Metric::Liquidation, asset.clone(), source.clone(), interval).with_part(side.as_str());
        Self { long: key(Side::Long), short: key(Side::Short) }
    }
}

impl Liquidations {
    /// The columns it looks for.
    pub(super) const COLUMNS: &'static [(Column, Need)] = &[
        (Column::Time, Need::Required),
        (Column::Long, Need::Required),
        (Column::Short, Need::Required),
        (Column::KnownAt, Need::Optional),
    ];
}

impl RowReader for Liquidations {
    fn read(&mut self, row: &Row<'_>) -> Result<ParsedRow, RowError> {
        let observed_at = row.observed_at()?;
        let known_at = row.known_at()?;
        let long = row.plausible_number(Column::Long, Metric::Liquidation, &self.long.asset)?;
        let short = row.plausible_number(Column::Short, Metric::Liquidation, &self.long.asset)?;
        if long.or(short).is_none() {
            return Ok(ParsedRow::Nothing);
        }
        let sides = [(&self.long, long), (&self.short, short)].into_iter().filter_map(|(key, value)| {
            let knowledge = knowledge(key, observed_at, known_at);
            value.map(|value| (key.clone(), Observation { observed_at, knowledge, value }))
        });
        Ok(ParsedRow::Readings(sides.collect()))
    }
}
