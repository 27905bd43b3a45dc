use serde_json::{Map, Value};

use crate::domain::Timestamp;
use crate::files::candles::Candles;
use crate::files::column::{Header, Need};
use crate::files::etf_flows::EtfFlows;
use crate::files::import::RowReader;
use crate::files::json::{JsonRow, kind};
use crate::files::keys::Keys;
use crate::files::orders::Orders;
use crate::files::row::{CellFormat, Row};
use crate::files::sequence::OrderChecker;
use crate::files::series::Series;
use crate::files::table::Table;
use crate::files::{Column, FileError, ParsedRow, Place, RowError, RowFault, SideMeaning};

/// How the rows of a body are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    /// One JSON object whose `rows` is a list of objects.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// CSV with a header line; all rows are of one kind.
    Csv,
}

/// What a row is about, which its columns tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowKind {
    Reading,
    Candle,
    EtfFlow,
    Order,
}

/// How the cells of a push are read. No instant is judged here: what lies ahead is refused where the present is known.
const fn format() -> CellFormat {
    CellFormat::plain(Timestamp::MAX)
}

/// The readers of all kinds; each row names its own series.
struct Readers {
    series: Series,
    candles: Candles,
    flows: EtfFlows,
    orders: Orders,
    seen: OrderChecker,
}

/// Reads the body of a push: what each row states or why it cannot be taken, in their order.
///
/// Rows may come in any order of time. A row that brings no vintage is known when it is committed.
///
/// # Errors
/// [`FileError`] when the body as a whole makes no sense, or holds more than `limit` rows.
pub fn read_body(format: BodyFormat, body: &[u8], limit: usize) -> Result<Vec<Result<ParsedRow, RowError>>, FileError> {
    let rows = match format {
        BodyFormat::Json => read_values(json_rows(body)?, limit),
        BodyFormat::Ndjson => read_values(ndjson_rows(body, limit)?, limit),
        BodyFormat::Csv => read_csv(body, limit),
    }?;
    if rows.is_empty() { Err(FileError::NoRows) } else { Ok(rows) }
}

fn json_rows(body: &[u8]) -> Result<Vec<(Place, Value)>, FileError> {
    let mut whole: Value = serde_json::from_slice(body).map_err(|error| FileError::json(error.line(), &error))?;
    match (whole.as_object().map(Map::len), whole.get_mut("rows").map(Value::take)) {
        (Some(1), Some(Value::Array(rows))) => Ok((1..).map(Place::Row).zip(rows).collect()),
        _ => Err(FileError::NoBatch),
    }
}

fn ndjson_rows(body: &[u8], limit: usize) -> Result<Vec<(Place, Value)>, FileError> {
    let lines = (1..).zip(body.split(|byte| *byte == b'\n')).filter(|(_, line)| !line.trim_ascii().is_empty());
    // One more than are taken, so that too many are noticed without being read.
    lines
        .take(limit.saturating_add(1))
        .map(|(number, line)| {
            let value = serde_json::from_slice(line).map_err(|error| FileError::json(number, &error))?;
            Ok((Place::Line(number as u64), value))
        })
        .collect()
}

fn read_values(values: Vec<(Place, Value)>, limit: usize) -> Result<Vec<Result<ParsedRow, RowError>>, FileError> {
    if values.len() > limit {
        return Err(FileError::TooManyRows { limit });
    }
    let mut readers = Readers::new();
    let rows = values.into_iter().map(|(place, value)| match value {
        Value::Object(object) => readers.read_object(&object, place),
        other => {
            let fault = RowFault::Type { found: kind(&other), expected: "an object" };
            Err(RowError { place, column: None, fault })
        }
    });
    Ok(rows.collect())
}

fn read_csv(body: &[u8], limit: usize) -> Result<Vec<Result<ParsedRow, RowError>>, FileError> {
    let table = Table::of_csv(body)?;
    let row_kind = RowKind::of(|column| table.head.names.iter().any(|name| column.is_called(name)));
    let header = Header::resolve_all(table.head.names.clone(), row_kind.columns())?;
    let (mut readers, format) = (Readers::new(), format());
    let mut rows = Vec::new();
    table.for_each(&mut |cells, place| {
        if rows.len() == limit {
            return Err(FileError::TooManyRows { limit });
        }
        let row = Row { cells, header: &header, place, format: &format };
        rows.push(row.check_width().and_then(|()| readers.read(row_kind, &row)));
        Ok(())
    })?;
    Ok(rows)
}

impl RowKind {
    /// The kind of a row that `has` some columns.
    fn of(has: impl Fn(Column) -> bool) -> Self {
        if [Column::Open, Column::High, Column::Low, Column::Close].into_iter().any(&has) {
            Self::Candle
        } else if has(Column::Fund) {
            Self::EtfFlow
        } else if has(Column::Symbol) {
            Self::Order
        } else {
            Self::Reading
        }
    }

    const fn columns(self) -> &'static [(Column, Need)] {
        match self {
            Self::Reading => Series::COLUMNS,
            Self::Candle => Candles::COLUMNS,
            Self::EtfFlow => EtfFlows::COLUMNS,
            Self::Order => Orders::COLUMNS,
        }
    }
}

impl Readers {
    fn new() -> Self {
        Self {
            series: Series { keys: Keys::from_column(false), factor: 1.0 },
            candles: Candles { keys: Keys::from_column(true), volumes: None },
            flows: EtfFlows::new(None, 1.0),
            orders: Orders { source: None, meaning: SideMeaning::Nothing, symbol: None, contract_usd: None },
            seen: OrderChecker::default(),
        }
    }

    fn read_object(&mut self, object: &Map<String, Value>, place: Place) -> Result<ParsedRow, RowError> {
        let row_kind = RowKind::of(|column| object.keys().any(|name| column.is_called(name)));
        self.read(row_kind, &JsonRow::new(object, row_kind.columns(), place)?.row(&format()))
    }

    fn read(&mut self, row_kind: RowKind, row: &Row<'_>) -> Result<ParsedRow, RowError> {
        let stated = match row_kind {
            RowKind::Reading => self.series.read(row),
            RowKind::Candle => self.candles.read(row),
            RowKind::EtfFlow => self.flows.read(row),
            RowKind::Order => self.orders.read(row),
        }?;
        stated.check().map_err(|fault| row.blame(fault.column(), fault))?;
        self.seen.admit(&stated, row.place).map_err(|fault| row.blame(Column::Time, fault))?;
        Ok(stated.live())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::domain::KnownAtRule;

    fn read(format: BodyFormat, body: &str) -> Result<Vec<Result<ParsedRow, RowError>>, FileError> {
        read_body(format, body.as_bytes(), 100)
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The rows of a body that must all be good.
    fn stated(format: BodyFormat, body: &str) -> Vec<ParsedRow> {
        read(format, body).unwrap().into_iter().map(Result::unwrap).collect()
    }

    const READING: &str = r#"{"series": "price.btc@desk", "observed_at": "2026-02-03T12:00:00Z", "value": 76000.5}"#;
    const CANDLE: &str = r#"{"series": "candle.btc@desk:1h", "open_time": "2026-02-03T12:00:00Z", "open": 1, "high": 3, "low": 1,
        "close": 2, "volume": null}"#;
    const FLOW: &str = r#"{"source": "desk", "asset": "btc", "fund": "IBIT", "trading_day": "2026-02-03", "flow_usd": -1e6}"#;
    const ORDER: &str = r#"{"source": "desk", "symbol": "BTCUSDT", "side": "long", "at": "2026-02-03T12:00:00Z",
        "price_usd": 2, "quantity": 3}"#;

    #[test]
    fn the_fields_of_a_row_tell_its_kind() {
        let rows = stated(BodyFormat::Json, &format!("{{\"rows\": [{READING}, {CANDLE}, {FLOW}, {ORDER}]}}"));
        let [
            ParsedRow::Reading((price, _)),
            ParsedRow::Candle(candle, bar),
            ParsedRow::Reading((flow, _)),
            ParsedRow::Order(order),
        ] = rows.as_slice()
        else {
            panic!("{rows:?}")
        };
        let keys = [price, candle, flow].map(ToString::to_string);
        assert_eq!(keys, ["price.btc@desk", "candle.btc@desk:1h", "etf_flow.btc.IBIT@desk"]);
        assert_eq!((bar.value.volume, order.asset.as_str()), (None, "btc"));
        assert!((order.usd - 6.0).abs() < 1e-12);
    }

    #[test]
    fn a_body_says_the_same_in_every_format() {
        let line = READING.replace('\n', " ");
        let csv = "series,observed_at,value\nprice.btc@desk,2026-02-03T12:00:00Z,76000.5\n";
        let json = stated(BodyFormat::Json, &format!("{{\"rows\": [{READING}]}}"));
        assert_eq!(json, stated(BodyFormat::Ndjson, &format!("\n{line}\r\n\n")));
        assert_eq!(json, stated(BodyFormat::Csv, csv));
    }

    #[rstest]
    #[case::live("", KnownAtRule::OnCommit)]
    #[case::null(r#", "known_at": null"#, KnownAtRule::OnCommit)]
    #[case::dated(r#", "known_at": "2026-02-04""#, KnownAtRule::Vintage(at("2026-02-04")))]
    fn a_row_is_known_on_commit_unless_it_says_since_when(#[case] said: &str, #[case] expected: KnownAtRule) {
        let with = |row: &str| row.replacen('}', &format!("{said}}}"), 1).replace('\n', " ");
        for row in [READING, CANDLE, FLOW, ORDER] {
            let knowledge = match &stated(BodyFormat::Ndjson, &with(row))[0] {
                ParsedRow::Reading((_, reading)) => reading.knowledge,
                ParsedRow::Candle(_, candle) => candle.knowledge,
                ParsedRow::Order(order) => order.knowledge,
                other => panic!("{other:?}"),
            };
            assert_eq!(knowledge, expected, "{row}");
        }
    }

    #[rstest]
    #[case::unknown(r#"{"series": "price.btc@desk", "observed_at": "2026-02-03", "valeu": 1}"#, "valeu", "did you mean `value`?")]
    #[case::missing(r#"{"series": "price.btc@desk", "observed_at": "2026-02-03"}"#, "", "`value` is missing")]
    #[case::twice(
        r#"{"series": "a", "time": "2026-02-03", "date": "2026-02-03", "value": 1}"#,
        "date",
        "`time` and `date` mean the same"
    )]
    #[case::text(
        r#"{"series": "price.btc@desk", "observed_at": "2026-02-03", "value": "1"}"#,
        "value",
        "text stands where a number is needed"
    )]
    #[case::number(r#"{"series": 7, "observed_at": "2026-02-03", "value": 1}"#, "series", "a number stands where text is needed")]
    #[case::list(r#"{"series": ["a"], "observed_at": "2026-02-03", "value": 1}"#, "series", "a list stands where")]
    #[case::blank(r#"{"series": " ", "observed_at": "2026-02-03", "value": 1}"#, "series", "is blank")]
    #[case::null(r#"{"series": null, "observed_at": "2026-02-03", "value": 1}"#, "series", "is blank")]
    #[case::metric(r#"{"series": "mood.btc@desk", "observed_at": "2026-02-03", "value": 1}"#, "series", "the metric is one of")]
    #[case::asset(r#"{"series": "price.BTC@desk", "observed_at": "2026-02-03", "value": 1}"#, "series", "not an asset")]
    #[case::date(r#"{"series": "price.btc@desk", "observed_at": "2026-02-30", "value": 1}"#, "observed_at", "RFC 3339")]
    #[case::absurd(r#"{"series": "price.btc@desk", "observed_at": "2026-02-03", "value": 1e12}"#, "value", "is outside of")]
    #[case::candle(
        r#"{"series": "candle.btc@desk:1h", "observed_at": "2026-02-03", "value": 1}"#,
        "series",
        "whose rows have open"
    )]
    #[case::no_candle(
        r#"{"series": "price.btc@desk", "open_time": "2026-02-03", "open": 1, "high": 1, "low": 1, "close": 1}"#,
        "series",
        "its rows have a value"
    )]
    #[case::no_asset(r#"{"source": "desk", "fund": "IBIT", "trading_day": "2026-02-03", "flow_usd": 1}"#, "asset", "is blank")]
    #[case::order_side(
        r#"{"source": "desk", "symbol": "BTC", "side": "SELL", "at": "2026-02-03", "price_usd": 2, "quantity": 3}"#,
        "side",
        "long or short"
    )]
    #[case::no_object("7", "", "a number stands where an object is needed")]
    fn a_bad_row_is_told_by_its_field(#[case] row: &str, #[case] column: &str, #[case] message: &str) {
        let rows = read(BodyFormat::Ndjson, &format!("{row}\n{FLOW}\n")).unwrap();
        let error = rows[0].as_ref().unwrap_err();
        assert_eq!(error.column.as_deref().unwrap_or_default(), column, "{error}");
        assert!(error.fault.to_string().contains(message), "{error}");
        assert!(rows[1].is_ok(), "a bad row spoils the next");
    }

    #[rstest]
    #[case::json(BodyFormat::Json, format!("{{\"rows\": [{READING}, {READING}]}}"), "row 1")]
    #[case::ndjson(BodyFormat::Ndjson, format!("{READING}\n\n{READING}"), "line 1")]
    #[case::csv(BodyFormat::Csv, "series,date,value\nprice.btc@desk,2026-02-03,1\nprice.btc@desk,2026-02-03,1\n".to_owned(), "line 2")]
    fn a_repeated_point_names_the_first(#[case] format: BodyFormat, #[case] body: String, #[case] place: &str) {
        let error = read(format, &body).unwrap().pop().unwrap().unwrap_err();
        assert!(error.fault.to_string().ends_with(&format!("was already stated in {place}")), "{error}");
    }

    #[rstest]
    #[case::no_json(BodyFormat::Json, "{\"rows\": [", "line 1, column 10: EOF while parsing")]
    #[case::nan(BodyFormat::Json, "{\"rows\": [{\"value\": NaN}]}", "line 1, column 21: expected value")]
    #[case::infinite(BodyFormat::Json, "{\"rows\": [{\"value\": 1e999}]}", "number out of range")]
    #[case::other_field(BodyFormat::Json, "{\"rows\": [], \"x\": 1}", "whose only field is `rows`")]
    #[case::no_field(BodyFormat::Json, "{}", "whose only field is `rows`")]
    #[case::bare_list(BodyFormat::Json, "[[]]", "whose only field is `rows`")]
    #[case::no_list(BodyFormat::Json, "{\"rows\": {}}", "whose only field is `rows`")]
    #[case::no_rows(BodyFormat::Json, "{\"rows\": []}", "no rows")]
    #[case::nothing(BodyFormat::Json, "", "EOF while parsing")]
    #[case::no_lines(BodyFormat::Ndjson, "\n\n", "no rows")]
    #[case::bad_line(BodyFormat::Ndjson, "{}\n\n{\"a\":", "line 3, column 5: EOF while parsing")]
    #[case::no_text(BodyFormat::Csv, "", "is empty")]
    #[case::header_alone(BodyFormat::Csv, "series,observed_at,value\n", "no rows")]
    #[case::no_value(BodyFormat::Csv, "series,observed_at\na,b\n", "line 1: no column `value`")]
    #[case::unknown_column(BodyFormat::Csv, "series,observed_at,value,know_at\n", "did you mean `known_at`?")]
    #[case::zero_byte(BodyFormat::Csv, "series,observed_at,value\n\0\n", "line 2: this is not a text file")]
    fn a_body_that_makes_no_sense_is_refused_as_a_whole(#[case] format: BodyFormat, #[case] body: &str, #[case] message: &str) {
        let error = read(format, body).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }

    #[rstest]
    #[case(BodyFormat::Json, format!("{{\"rows\": [{}1]}}", "1,".repeat(100)))]
    #[case(BodyFormat::Ndjson, "1\n".repeat(101))]
    #[case(BodyFormat::Csv, format!("series,observed_at,value\n{}", "a,b,c\n".repeat(101)))]
    fn too_many_rows_are_refused(#[case] format: BodyFormat, #[case] body: String) {
        assert!(matches!(read(format, &body), Err(FileError::TooManyRows { limit: 100 })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_reader_fall(body in prop::collection::vec(any::<u8>(), 0..200)) {
            for format in [BodyFormat::Json, BodyFormat::Ndjson, BodyFormat::Csv] {
                let _ = read_body(format, &body, 10);
            }
        }
    }
}
