use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Write};

use serde_json::{Map, Value};

use crate::domain::{Bar, Metric, RecordedOrder, SeriesKey, TimeRange, Timestamp, Version, Vintage, nearest};
use crate::store::LoadSink;

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExportFormat {
    /// RFC 4180 with a header line: what `import` reads.
    #[default]
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// What is exported. Rows of one file share their columns, so candles, series and orders go apart.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// These candles; all of them where none is named.
    Candles(BTreeSet<SeriesKey>),
    /// These readings and flows; all of them where none is named.
    Series(BTreeSet<SeriesKey>),
    /// Every liquidation order.
    Orders,
}

/// Candles and other series were asked for at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("candles and other series have different columns; export them into two files")]
pub struct MixedSelection;

/// Writes every vintage of the selected rows as the store reads its log back, so that an import of
/// the file into an empty store holds the same rows.
#[derive(Debug)]
pub struct Exporter<W: Write> {
    selection: Selection,
    range: TimeRange,
    lines: Lines<W>,
    rows: u64,
    seen: BTreeSet<SeriesKey>,
    failed: Option<io::Error>,
}

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Rows in the file.
    pub rows: u64,
    /// Series asked for by name of which the store holds nothing, each with the one most like it.
    pub missing: Vec<(SeriesKey, Option<SeriesKey>)>,
}

/// The open file in one of the formats.
#[derive(Debug)]
enum Lines<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Ndjson(W),
}

/// One field of a row.
#[derive(Debug, Clone, Copy)]
enum Field<'a> {
    Text(&'a str),
    Time(Timestamp),
    Number(f64),
    Blank,
}

impl Selection {
    /// These series, which must be all of candles or all of readings and flows.
    ///
    /// # Errors
    /// [`MixedSelection`] when they are of both.
    pub fn of(keys: BTreeSet<SeriesKey>) -> Result<Self, MixedSelection> {
        let (candles, series): (BTreeSet<_>, BTreeSet<_>) = keys.into_iter().partition(|key| key.metric == Metric::Candle);
        match (candles.is_empty(), series.is_empty()) {
            (false, false) => Err(MixedSelection),
            (false, true) => Ok(Self::Candles(candles)),
            (true, _) => Ok(Self::Series(series)),
        }
    }

    /// The columns of the file.
    #[must_use]
    pub const fn columns(&self) -> &'static [&'static str] {
        match self {
            Self::Candles(_) => &["series", "open_time", "open", "high", "low", "close", "volume", "known_at"],
            Self::Series(_) => &["series", "observed_at", "value", "known_at"],
            Self::Orders => &["source", "symbol", "asset", "side", "occurred_at", "price_usd", "quantity", "usd", "known_at"],
        }
    }

    /// The series that were asked for by name.
    #[must_use]
    pub fn named(&self) -> Option<&BTreeSet<SeriesKey>> {
        match self {
            Self::Candles(keys) | Self::Series(keys) => Some(keys).filter(|keys| !keys.is_empty()),
            Self::Orders => None,
        }
    }
}

impl<W: Write> Exporter<W> {
    /// Begins an export of the rows observed in `range`; a CSV file gets its header line.
    #[must_use]
    pub fn new(selection: Selection, range: TimeRange, format: ExportFormat, out: W) -> Self {
        let (lines, failed) = match format {
            ExportFormat::Csv => {
                let mut writer = csv::Writer::from_writer(out);
                let failed = writer.write_record(selection.columns()).err().map(io_error);
                (Lines::Csv(Box::new(writer)), failed)
            }
            ExportFormat::Ndjson => (Lines::Ndjson(out), None),
        };
        Self { selection, range, lines, rows: 0, seen: BTreeSet::new(), failed }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The first failure to write; the file is then incomplete.
    pub fn finish(mut self) -> io::Result<Exported> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        match &mut self.lines {
            Lines::Csv(writer) => writer.flush()?,
            Lines::Ndjson(out) => out.flush()?,
        }
        let missing = self.selection.named().into_iter().flatten().filter(|key| !self.seen.contains(key));
        Ok(Exported { rows: self.rows, missing: missing.map(|key| (key.clone(), most_alike(key, &self.seen))).collect() })
    }

    /// Writes a row unless an earlier one failed.
    fn write(&mut self, fields: &[Field<'_>]) {
        if self.failed.is_none() {
            self.failed = self.lines.write(self.selection.columns(), fields).err();
            self.rows += 1;
        }
    }

    fn vintages<P>(&mut self, key: &SeriesKey, rows: &[Vintage<P>], values: impl Fn(&P) -> Vec<Field<'static>>) {
        let name = key.to_string();
        let range = self.range;
        for row in rows.iter().filter(|row| range.contains(row.observed_at)) {
            let mut fields = vec![Field::Text(&name), Field::Time(row.observed_at)];
            fields.extend(values(&row.value));
            fields.push(Field::Time(row.known_at));
            self.write(&fields);
        }
    }
}

impl<W: Write> Lines<W> {
    /// Writes one row.
    fn write(&mut self, columns: &[&str], fields: &[Field<'_>]) -> io::Result<()> {
        match self {
            Self::Csv(writer) => writer.write_record(fields.iter().map(|field| field.to_text().into_owned())).map_err(io_error),
            Self::Ndjson(out) => {
                let row: Map<String, Value> =
                    columns.iter().map(|column| (*column).to_owned()).zip(fields.iter().map(|field| field.to_json())).collect();
                serde_json::to_writer(&mut *out, &row)?;
                out.write_all(b"\n")
            }
        }
    }
}

impl<'a> Field<'a> {
    fn to_text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Time(at) => Cow::Owned(at.to_string()),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Blank => Cow::Borrowed(""),
        }
    }

    fn to_json(self) -> Value {
        match self {
            Self::Text(text) => Value::from(text),
            Self::Time(at) => Value::from(at.to_string()),
            Self::Number(number) => Value::from(number),
            Self::Blank => Value::Null,
        }
    }
}

/// The operating system's own error from under the CSV writer.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// The series of those seen that is named most like one that was asked for.
fn most_alike(key: &SeriesKey, seen: &BTreeSet<SeriesKey>) -> Option<SeriesKey> {
    let names: Vec<String> = seen.iter().map(SeriesKey::to_string).collect();
    nearest(&key.to_string(), names.iter().map(String::as_str))?.parse().ok()
}

impl<W: Write + Send> LoadSink for Exporter<W> {
    fn readings(&mut self, key: &SeriesKey, rows: Vec<Vintage<f64>>) {
        self.seen.insert(key.clone());
        if matches!(&self.selection, Selection::Series(keys) if keys.is_empty() || keys.contains(key)) {
            self.vintages(key, &rows, |value| vec![Field::Number(*value)]);
        }
    }

    fn candles(&mut self, key: &SeriesKey, rows: Vec<Vintage<Bar>>) {
        self.seen.insert(key.clone());
        if matches!(&self.selection, Selection::Candles(keys) if keys.is_empty() || keys.contains(key)) {
            self.vintages(key, &rows, |bar| {
                let volume = bar.volume.map_or(Field::Blank, Field::Number);
                vec![Field::Number(bar.open), Field::Number(bar.high), Field::Number(bar.low), Field::Number(bar.close), volume]
            });
        }
    }

    fn orders(&mut self, rows: Vec<RecordedOrder>) {
        if self.selection != Selection::Orders {
            return;
        }
        let range = self.range;
        for RecordedOrder { order, known_at, .. } in rows.iter().filter(|row| range.contains(row.order.occurred_at)) {
            self.write(&[
                Field::Text(order.source.as_str()),
                Field::Text(&order.symbol),
                Field::Text(order.asset.as_str()),
                Field::Text(order.side.as_str()),
                Field::Time(order.occurred_at),
                Field::Number(order.price_usd),
                Field::Number(order.quantity),
                Field::Number(order.usd),
                Field::Time(*known_at),
            ]);
        }
    }

    fn commits(&mut self, _rows: Vec<(Version, Timestamp)>) {}
}
