use std::path::Path;

use crate::domain::{Asset, Batch, Metric, Period, Source, Timestamp};
use crate::files::instant::{DateOrder, TimeUnit, Zone};
use crate::files::plan::{MoneyScale, Origin, Plan, VolumeUnit};
use crate::files::reading::read_table;
use crate::files::row::Row;
use crate::files::sighting::Sighting;
use crate::files::table::Table;
use crate::files::{BadRows, ColumnNames, DecimalMark, FileError, Input, ParsedRow, RowError, SideMeaning, layout, presets};

/// The kinds of file that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Bars: time, open, high, low, close and perhaps volume.
    Candles,
    /// Readings: time and value.
    Series,
    /// ETF flows: trading day, fund, flow.
    EtfFlows,
    /// Sums of liquidations: time, long, short.
    Liquidations,
    /// Single forced orders.
    Orders,
    /// Snapshots of option chains: time, instrument, volatility, forward and perhaps coins.
    Options,
}

/// What the caller says about a file. What is left out is taken from its content or its name.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The kind of file.
    pub kind: Option<FileKind>,
    /// The preset that reads it.
    pub preset: Option<String>,
    /// Columns named by the caller.
    pub columns: ColumnNames,
    /// The names of all columns, of a file without a header.
    pub names: Option<Vec<String>>,
    /// The asset of every row.
    pub asset: Option<Asset>,
    /// Who said it.
    pub source: Option<Source>,
    /// The span of one row; rows are then known at its end.
    pub interval: Option<Period>,
    /// What a series measures.
    pub metric: Option<Metric>,
    /// Which part of the asset a series is about.
    pub part: Option<String>,
    /// The symbol of every order.
    pub symbol: Option<String>,
    /// What `BUY` and `SELL` mean.
    pub side_means: SideMeaning,
    /// The instant of every row.
    pub at: Option<Timestamp>,
    /// The order of day and month.
    pub date_order: Option<DateOrder>,
    /// The unit of Unix times.
    pub times_in: Option<TimeUnit>,
    /// The zone of times without one.
    pub zone: Option<Zone>,
    /// The zone whose date a row belongs to.
    pub day_of: Option<Zone>,
    /// The byte between two cells.
    pub delimiter: Option<u8>,
    /// The decimal mark.
    pub decimal: Option<DecimalMark>,
    /// What a value of 1 stands for.
    pub values_in: Option<MoneyScale>,
    /// The unit of a volume whose column states none.
    pub volume_means: Option<VolumeUnit>,
    /// Whether the newest bar is stored although it may still have been running, or left out in any case.
    pub keep_last: Option<bool>,
    /// Whether bad rows are left out instead of refusing the file.
    pub skip_bad: bool,
    /// The present, after which no row can lie; `None` does not look.
    pub now: Option<Timestamp>,
}

/// A file that was read and understood.
#[derive(Debug)]
pub struct Parsed {
    /// The rows to be stored.
    pub batch: Batch,
    /// What kind of file it is.
    pub kind: FileKind,
    /// The preset that recognised it.
    pub preset: Option<&'static str>,
    /// Rows in the file, the header not counted.
    pub rows: u64,
    /// Rows that state nothing.
    pub empty: u64,
    /// Rows that repeat others and count once.
    pub doubles: u64,
    /// Rows that are no points: sums at the end, a bar that is not over.
    pub left_out: u64,
    /// Rows that were refused.
    pub bad: BadRows,
    /// What no flag stated, and where it was found.
    pub inferred: Vec<(String, Origin)>,
    /// What else happened on the way, in words.
    pub told: Vec<String>,
    /// The columns that were not read.
    pub unread: Vec<String>,
}

/// Understands the rows of one kind of file.
pub(super) trait RowReader {
    /// What a row states.
    fn read(&mut self, row: &Row<'_>) -> Result<ParsedRow, RowError>;

    /// What the report must mention when all rows are read.
    fn told(&self) -> Vec<String> {
        Vec::new()
    }
}

impl FileKind {
    /// Every kind, by the word of the command line.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Candles, "candles"),
        (Self::Series, "series"),
        (Self::EtfFlows, "etf-flows"),
        (Self::Liquidations, "liquidations"),
        (Self::Orders, "orders"),
        (Self::Options, "options"),
    ];

    /// The word of the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// A file name that says what the rows are about.
    #[must_use]
    pub const fn example_name(self) -> &'static str {
        match self {
            Self::Candles => "btc-binance-perp-30m.csv",
            Self::Series => "open_interest-btc-coinglass-4h.csv",
            Self::EtfFlows => "btc-farside.csv",
            Self::Liquidations => "btc-binance-4h.csv",
            Self::Orders => "orders-binance.csv",
            Self::Options => "btc-deribit-2026-04-28.csv",
        }
    }
}

impl std::fmt::Display for FileKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads a whole file; `path` is where it came from, if it has a name.
///
/// # Errors
/// [`FileError`] when the file as a whole makes no sense, or when a row is bad and bad rows are not
/// to be skipped.
pub fn read(input: Input<'_>, path: Option<&Path>, options: &ImportOptions) -> Result<Parsed, FileError> {
    input.unpack(|content, member| {
        let mut table = Table::open(content, options.delimiter)?;
        if let Some(names) = &options.names {
            (table.head.names, table.head.has_names) = (names.clone(), true);
        }
        let name = member.map(Path::new).or(path);
        let plan = {
            let stem = name.and_then(stem).unwrap_or_default();
            plan(&Sighting { head: &table.head, stem, path, options })?
        };
        read_table(table, &plan, name, options)
    })
}

/// The preset's plan, or that of a table of nobody's layout.
fn plan(seen: &Sighting<'_>) -> Result<Plan, FileError> {
    let Some(plan) = presets::plan(seen)? else { return layout::plan(seen) };
    match (plan.preset, seen.options.kind) {
        (_, None) => Ok(plan),
        (_, Some(kind)) if kind == plan.kind => Ok(plan),
        // Who names the columns wants them read, whatever the publisher meant by them.
        (Some(preset), Some(_)) if seen.options.columns.is_empty() => Err(FileError::OtherKind { preset, kind: plan.kind }),
        _ => layout::plan(seen),
    }
}

/// A file's name without the endings of its form and its container.
fn stem(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zip")).unwrap_or(name);
    let endings = [".csv", ".tsv", ".txt", ".json", ".ndjson", ".parquet"];
    Some(endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::domain::{Bar, KnownAtRule, Observation, Side, Timestamp};
    use crate::files::Column;

    fn btc_daily() -> ImportOptions {
        ImportOptions {
            asset: Some(Asset::btc()),
            source: "test".parse().ok(),
            interval: Some(Period::DAY),
            metric: Some(Metric::OpenInterest),
            ..ImportOptions::default()
        }
    }

    fn read_as(kind: FileKind, text: &[u8], path: Option<&Path>, options: &ImportOptions) -> Result<Parsed, FileError> {
        let options = ImportOptions { kind: Some(kind), ..options.clone() };
        read(Input::Stream(Box::new(text)), path, &options)
    }

    fn parse(kind: FileKind, text: &str) -> Result<Parsed, FileError> {
        read_as(kind, text.as_bytes(), None, &btc_daily())
    }

    fn bars(parsed: &Parsed) -> &[Observation<Bar>] {
        parsed.batch.candles.values().next().unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const HEADER: &str = "open_time,open,high,low,close,volume\n";

    #[test]
    fn a_byte_order_mark_windows_line_ends_and_quotes_change_nothing() {
        let plain = "open_time,open,high,low,close\n2026-01-01T00:00:00Z,1,2,0.5,1.5\n";
        let dressed = "\u{feff}\"open_time\",\"open\",high,low,close\r\n\"2026-01-01T00:00:00Z\",\"1\",2,0.5,1.5\r\n";
        let (plain, dressed) = (parse(FileKind::Candles, plain).unwrap(), parse(FileKind::Candles, dressed).unwrap());
        assert_eq!(plain.batch, dressed.batch);
        assert_eq!(bars(&plain)[0].knowledge, KnownAtRule::AtPublication(at("2026-01-02T00:00:00Z")));
    }

    #[rstest]
    #[case::empty("", "the file is empty")]
    #[case::only_a_mark("\u{feff}", "the file is empty")]
    #[case::header_only(HEADER, "no rows")]
    #[case::missing_column("open_time,open,high,low\n", "line 1: no column `close` in the header (open_time, open, high, low)")]
    #[case::repeated("open_time,open,open,high,low,close\n", "line 1: the column `open` stands twice")]
    #[case::zero_byte("open_time,open,high,low,close\n\0\0\n", "line 2: this is not a text file")]
    #[case::open_quote("open_time,open,high,low,close\n\"2026-01-01,1,2,0.5,1\n", "line 2: a quoted field does not end")]
    fn a_file_that_makes_no_sense_is_refused_as_a_whole(#[case] text: &str, #[case] message: &str) {
        let error = parse(FileKind::Candles, text).unwrap_err().to_string();
        assert!(error.starts_with(message) || error.contains(message), "{error}");
    }

    #[test]
    fn an_endless_line_is_refused_before_it_fills_the_memory() {
        let endless = std::io::Read::chain(HEADER.as_bytes(), std::io::repeat(b'7'));
        let options = ImportOptions { kind: Some(FileKind::Candles), ..btc_daily() };
        let error = read(Input::Stream(Box::new(endless)), None, &options).unwrap_err().to_string();
        assert!(error.starts_with("line 2 is longer than 65536 bytes"), "{error}");
    }

    #[rstest]
    #[case::coins("volume", Some(30.0))]
    #[case::usd("volume_usd", Some(20.0))]
    fn volume_is_kept_in_coins(#[case] column: &str, #[case] coins: Option<f64>) {
        let parsed =
            parse(FileKind::Candles, &format!("date,open,high,low,close,{column}\n2026-01-01,1,2,0.5,1.5,30\n")).unwrap();
        assert_eq!(bars(&parsed)[0].value.volume, coins);
    }

    #[rstest]
    #[case::truncated("2026-01-01,1,2\n", "line 3: 3 fields where the header has 6")]
    #[case::nan("2026-01-01,1,NaN,0.5,1,\n", "line 3, column high: is blank")]
    #[case::infinite("2026-01-01,1,inf,0.5,1,\n", "line 3, column high: inf is not a finite number")]
    #[case::word("2026-01-01,1,two,0.5,1,\n", "line 3, column high: `two` is not a number")]
    #[case::impossible_date("2026-02-30,1,2,0.5,1,\n", "line 3, column open_time: `2026-02-30` is not an RFC 3339 time")]
    #[case::no_time(",1,2,0.5,1,\n", "line 3, column open_time: is blank")]
    #[case::half_a_bar("2026-01-01,1,,0.5,1,\n", "line 3, column high: is blank")]
    #[case::disordered("2026-01-01,1,2,0.5,9,\n", "line 3: open 1, high 2, low 0.5, close 9 do not make a bar")]
    #[case::absurd("2026-01-01,1,2e12,0.5,1,\n", "line 3, column high: 2000000000000 is outside of")]
    #[case::negative_volume("2026-01-01,1,2,0.5,1,-3\n", "line 3: volume -3 is negative")]
    #[case::contradiction("2025-12-31,1,2,0.5,2,\n", "line 3: 2025-12-31T00:00:00Z was stated otherwise in line 2")]
    #[case::off_grid(
        "2026-01-01T16:00:00Z,1,2,0.5,1,\n",
        "line 3, column open_time: 2026-01-01T16:00:00Z is not where a row of 1d begins"
    )]
    fn a_bad_row_is_named_by_line_and_column(#[case] row: &str, #[case] message: &str) {
        let text = format!("{HEADER}2025-12-31,1,2,0.5,1,\n{row}2026-01-02,1,2,0.5,1,\n");
        let error = parse(FileKind::Candles, &text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("1 bad row:\n  {message}")), "{error}");

        let skipping = ImportOptions { skip_bad: true, ..btc_daily() };
        let parsed = read_as(FileKind::Candles, text.as_bytes(), None, &skipping).unwrap();
        assert_eq!((parsed.rows, parsed.bad.count, bars(&parsed).len()), (3, 1, 2));
    }

    #[test]
    fn only_the_first_twenty_bad_rows_are_described() {
        let text = format!("{HEADER}{}", "2026-01-01,x,2,0.5,1,\n".repeat(25));
        let error = parse(FileKind::Candles, &text).unwrap_err().to_string();
        assert!(error.starts_with("25 bad rows:"), "{error}");
        assert!(error.contains("line 21,") && !error.contains("line 22,") && error.contains("and 5 more"), "{error}");
    }

    #[test]
    fn rows_are_sorted_and_repeated_ones_count_once() {
        let text =
            format!("{HEADER}2026-01-02,1,2,0.5,1,\n2026-01-01,1,2,0.5,1,\n2026-01-03,1,2,0.5,1,\n2026-01-02,1,2,0.5,1,\n");
        let parsed = parse(FileKind::Candles, &text).unwrap();
        assert_eq!((parsed.rows, parsed.doubles, bars(&parsed).len()), (4, 1, 3));
        assert!(bars(&parsed).is_sorted_by_key(|bar| bar.observed_at));
        assert!(parsed.told.contains(&"2 rows out of place: sorted by time".to_owned()), "{:?}", parsed.told);
    }

    #[test]
    fn a_row_without_a_bar_states_nothing() {
        let parsed = parse(FileKind::Candles, &format!("{HEADER}2026-01-01,,,,0.0,12\n2026-01-02,,,,,\n2026-01-03,1,2,0.5,1,\n"));
        let parsed = parsed.unwrap();
        assert_eq!((parsed.rows, parsed.empty, bars(&parsed).len()), (3, 2, 1));
    }

    #[test]
    fn columns_are_named_by_the_caller_where_the_header_is_not_ours() {
        let columns = ColumnNames::from([(Column::Time, "Date".to_owned()), (Column::Value, "OFR FSI".to_owned())]);
        let options = ImportOptions { columns, interval: None, ..btc_daily() };
        let parsed = read_as(FileKind::Series, "Date,OFR FSI\n2026-01-02,2.14\n".as_bytes(), None, &options).unwrap();
        let (key, rows) = parsed.batch.readings.first_key_value().unwrap();
        assert_eq!(key.to_string(), "open_interest.btc@test");
        assert_eq!(rows[0].knowledge, KnownAtRule::AtPublication(at("2026-01-02")));

        let columns = ColumnNames::from([(Column::Value, "OFR FSL".to_owned())]);
        let error = read_as(FileKind::Series, "date,OFR FSI\n".as_bytes(), None, &ImportOptions { columns, ..btc_daily() });
        assert!(error.unwrap_err().to_string().ends_with("did you mean `OFR FSI`?"));
    }

    #[test]
    fn the_file_name_says_what_the_flags_do_not() {
        let path = Path::new("data/btc-binance-perp-30m.csv");
        let text = format!("{HEADER}2026-01-01,1,2,0.5,1,\n");
        let parsed = read_as(FileKind::Candles, text.as_bytes(), Some(path), &ImportOptions::default()).unwrap();
        assert_eq!(parsed.batch.candles.keys().next().unwrap().to_string(), "candle.btc@binance-perp:30m");
        let by_name = |what: &str| (what.to_owned(), Origin::Name);
        assert_eq!(parsed.inferred[..3], ["asset btc", "source binance-perp", "interval 30m"].map(by_name));
        assert_eq!(parsed.inferred[3..], [("volume in coins".to_owned(), Origin::Layout)]);

        let error = read_as(FileKind::Candles, text.as_bytes(), None, &ImportOptions::default()).unwrap_err().to_string();
        assert_eq!(error, "which asset? give --asset, or name the file like btc-binance-perp-30m.csv");
    }

    #[test]
    fn flows_keep_their_vintages_and_follow_the_publication_rule_without_one() {
        let text = "trading_day,fund,flow_usd,known_at\n2026-02-03,IBIT,0,2026-02-04T02:00:00Z\n\
                    2026-02-03,IBIT,-5e6,2026-02-04T05:00:00Z\n2026-02-03,FBTC,1,\n2026-02-04,FBTC,,\n";
        let parsed = parse(FileKind::EtfFlows, text).unwrap();
        assert_eq!((parsed.rows, parsed.empty), (4, 1));
        let known: Vec<_> =
            parsed.batch.readings.iter().map(|(key, rows)| (key.to_string(), rows.len(), rows[0].knowledge)).collect();
        assert_eq!(
            known,
            [
                ("etf_flow.btc.FBTC@test".to_owned(), 1, KnownAtRule::AtPublication(at("2026-02-04T05:00:00Z"))),
                ("etf_flow.btc.IBIT@test".to_owned(), 2, KnownAtRule::Vintage(at("2026-02-04T02:00:00Z"))),
            ]
        );
    }

    #[test]
    fn both_sides_of_a_sum_become_series_of_their_own() {
        let parsed = parse(FileKind::Liquidations, "observed_at,long_usd,short_usd\n2026-01-01,7,\n").unwrap();
        let keys: Vec<_> = parsed.batch.readings.keys().map(ToString::to_string).collect();
        assert_eq!(keys, ["liquidation.btc.long@test:1d"]);
    }

    #[rstest]
    #[case(SideMeaning::Order, "SELL", Side::Long)]
    #[case(SideMeaning::Order, "BUY", Side::Short)]
    #[case(SideMeaning::Position, "BUY", Side::Long)]
    #[case(SideMeaning::Position, "short", Side::Short)]
    #[case(SideMeaning::Order, "long", Side::Long)]
    fn the_side_of_an_order_becomes_the_position_it_closed(#[case] meaning: SideMeaning, #[case] word: &str, #[case] side: Side) {
        let text = format!("time,symbol,side,filled_qty,avg_price,usd\n2026-01-01,1000PEPE,{word},2,3,6\n");
        let options = ImportOptions { side_means: meaning, ..btc_daily() };
        let parsed = read_as(FileKind::Orders, text.as_bytes(), None, &options).unwrap();
        let order = &parsed.batch.orders[0];
        assert_eq!((order.side, order.asset.as_str(), order.symbol.as_str()), (side, "pepe", "1000PEPE"));
        assert!(
            (order.quantity - 2000.0).abs() < 1e-9 && (order.price_usd - 0.003).abs() < 1e-12 && (order.usd - 6.0).abs() < 1e-12
        );
    }

    #[test]
    fn rows_that_name_their_series_need_no_flags_and_take_none() {
        let text = "series,observed_at,value,known_at\nfear_greed.total@x:1d,2026-01-01,9,2026-01-02\n\
                    funding_rate.btc@x,2026-01-01,0.1,2026-01-01\n";
        let parsed = read_as(FileKind::Series, text.as_bytes(), None, &ImportOptions::default()).unwrap();
        assert_eq!(parsed.batch.readings.len(), 2);
        assert!(matches!(parse(FileKind::Series, text), Err(FileError::NamedTwice)));
        let error = read_as(
            FileKind::Series,
            "series,time,value\ncandle.btc@x:1h,2026-01-01,9\n".as_bytes(),
            None,
            &ImportOptions::default(),
        );
        assert!(error.unwrap_err().to_string().contains("whose rows have open, high, low and close"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_an_import_fall(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(Input::File(Box::new(std::io::Cursor::new(bytes))), None, &ImportOptions::default());
        }

        #[test]
        fn no_table_makes_an_import_fall(
            header in "(time|date|Date|open_time|<DATE>|fng_value),(open|value|IBIT|fng_classification|symbol),(high|FBTC|date|long_usd|side),\
                       (low|GBTC|short_usd|price),(close|Total|quantity|Volume USD)",
            rows in prop::collection::vec("[-0-9.,:/ TZ()KMB+e\"]{0,40}", 0..6),
            kind in 0_usize..6,
        ) {
            let text = format!("{header}\n{}", rows.join("\n"));
            let options = ImportOptions { kind: Some(FileKind::ALL[kind].0), ..btc_daily() };
            let _ = read(Input::Stream(Box::new(text.as_bytes())), None, &options);
        }
    }
}
