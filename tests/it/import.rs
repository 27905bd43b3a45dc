//! `market-stress import` and `export`, run as a user would, on either engine.

use std::io::Write;
use std::path::Path;

use rstest::rstest;

use crate::harness::{Engine, Home, Program, Ran, Serving};

const BARS: &str = "open_time,open,high,low,close,volume\n\
                    2026-01-01T00:00:00Z,100,110,90,105,7\n\
                    2026-01-02T00:00:00Z,105,106,80,82,8\n";

const ORDERS: &str = "time,symbol,side,filled_qty,avg_price,usd\n\
                      2026-01-01T00:00:00.001Z,BTCUSDT,SELL,0.1,100,10\n\
                      2026-01-01T00:00:00.001Z,BTCUSDT,SELL,0.1,100,10\n\
                      2026-01-01T00:00:00.001Z,1000PEPE,BUY,300,0.005,1.5\n";

const FLOWS: &str = "trading_day,fund,flow_usd,known_at\n\
                     2026-02-03,IBIT,0,2026-02-04T02:00:00Z\n\
                     2026-02-03,IBIT,-60000000,2026-02-04T05:00:00Z\n\
                     2026-02-03,FBTC,1.25,2026-02-04T02:00:00Z\n";

#[test]
fn a_file_is_stored_once_however_often_it_is_read() {
    let program = Program::new();
    program.write("btc-test-1d.csv", BARS);
    let first = program.succeed(&["import", "candles", "btc-test-1d.csv"]);
    assert_eq!(
        first,
        "btc-test-1d.csv: read 2, new 2, unchanged 0, revised 0, refused 0\n  series: candle.btc@test:1d\n  \
         from 2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z\n  asset btc, source test, interval 1d by the file's name\n  \
         volume in coins by the layout of market-stress\n"
    );
    let second = program.succeed(&["import", "candles", "btc-test-1d.csv"]);
    assert!(second.starts_with("btc-test-1d.csv: read 2, new 0, unchanged 2, revised 0, refused 0\n"), "{second}");
}

#[test]
fn a_corrected_file_adds_vintages_and_keeps_the_old_ones() {
    let program = Program::new();
    program.write("btc-test-1d.csv", BARS);
    program.succeed(&["import", "candles", "btc-test-1d.csv"]);
    program.write("btc-test-1d.csv", BARS.replace(",82,8", ",83,8"));
    let report = program.succeed(&["import", "candles", "btc-test-1d.csv", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["revised"], &report["unchanged"]), (&1.into(), &1.into()), "{report}");

    let exported = program.succeed(&["export", "candle.btc@test:1d"]);
    let closes: Vec<&str> = exported.lines().skip(1).map(|line| line.split(',').nth(5).unwrap()).collect();
    assert_eq!(closes, ["105", "82", "83"]);
}

#[test]
fn an_imported_chain_answers_questions_about_options() {
    let row = |strike| {
        let (right, vol, coins) = if strike < 80 { ("P", 55, 2) } else { ("C", 50, 4) };
        format!("2026-05-01T08:00:00Z,BTC-29MAY26-{strike}000-{right},{vol},80000,{coins},\n")
    };
    let rows: String = (60..=100).step_by(5).map(row).collect();
    let chain = format!("time,instrument,mark_iv,underlying_price,open_interest,volume\n{rows}");
    let program = Program::new();
    program.write("btc-deribit-2026-05-01.csv", chain);
    let said = program.succeed(&["import", "options", "btc-deribit-2026-05-01.csv"]);
    assert!(said.starts_with("btc-deribit-2026-05-01.csv: read 9, "), "{said}");
    let forward = program.succeed(&["export", "option_forward.btc.29MAY26@deribit"]);
    assert!(forward.lines().count() == 2 && forward.contains(",80000"), "{forward}");

    let serving = Serving::start(&program, &["serve", "--no-feeds"]);
    serving.wait_for("/readyz", 200);
    let (status, body) = serving.get("/v1/options?as_of=2026-05-01T09:00:00Z").unwrap();
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
    let data = &answer["data"];
    assert_eq!((status, &data["snapshot_at"]), (200, &"2026-05-01T08:00:00Z".into()), "{body}");
    assert_eq!(data["put_call_oi_ratio"], 0.4, "{body}");
    assert_eq!((&data["by_expiry"][0]["n_options"], &data["by_expiry"][0]["forward_usd"]), (&9.into(), &80_000.0.into()));
}

#[test]
fn standard_input_is_a_file_without_a_name() {
    let program = Program::new();
    let ran = program.run_with(&["import", "-"], BARS.as_bytes());
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (2, "error: standard input: which asset? give --asset, or name the file like btc-binance-perp-30m.csv\n")
    );
    let flags = ["import", "candles", "--asset", "btc", "--source", "test", "--interval", "1d", "-"];
    let ran = program.run_with(&flags, BARS.as_bytes());
    assert!(ran.stdout.starts_with("standard input: read 2, new 2, unchanged 0, revised 0, refused 0\n"), "{}", ran.stderr);
}

/// Imports a file that must be refused, and proves that the store stayed empty.
fn refuse(name: &str, content: &[u8]) -> Ran {
    let program = Program::new();
    program.write(name, content);
    let ran = program.run(&["import", "candles", name]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert_eq!(program.succeed(&["export", "candles"]).lines().count(), 1, "something was stored");
    ran
}

#[rstest]
#[case::empty("", "the file is empty")]
#[case::header_only("open_time,open,high,low,close\n", "the file holds a header line and no rows")]
#[case::missing_column("open_time,open,high,low\n2026-01-01,1,2,1\n", "line 1: no column `close` in the header")]
#[case::half_a_bar("open_time,open,high,low,close\n2026-01-01,1,2,1,NaN\n", "line 2, column close: is blank")]
#[case::infinite("open_time,open,high,low,close\n2026-01-01,1,-inf,1,1\n", "line 2, column high: -inf is not a finite number")]
#[case::below_zero("open_time,open,high,low,close\n2026-01-01,1,2,-5,1\n", "line 2, column low: -5 is outside of")]
#[case::truncated("open_time,open,high,low,close\n2026-01-01,1,2,1,1\n2026-01-02,1,2", "line 3: 3 fields where the header has 5")]
#[case::contradiction(
    "open_time,open,high,low,close\n2026-01-01,1,2,1,1\n2026-01-01,1,2,1,2\n",
    "line 3: 2026-01-01T00:00:00Z was stated otherwise in line 2"
)]
#[case::windows_lines(
    "open_time,open,high,low,close\r\n2026-01-01,1,2,1,1\r\n\r\n2026-01-02,1,two,1,1\r\n",
    "line 4, column high: `two` is not a number"
)]
#[case::unclosed_quote(
    "open_time,open,high,low,close\n\"2026-01-01,1,2,1,1\n",
    "line 2: a quoted field does not end on this line"
)]
fn a_bad_file_changes_nothing_and_is_told_by_line(#[case] content: &str, #[case] message: &str) {
    let ran = refuse("btc-test-1d.csv", content.as_bytes());
    assert!(ran.stderr.contains(message), "{}", ran.stderr);
}

#[test]
fn a_binary_file_changes_nothing() {
    let ran = refuse("btc-test-1d.csv", b"open_time,open,high,low,close\n2026-01-01,1,\x00,1,1\n");
    assert!(ran.stderr.contains("line 2: this is not a text file"), "{}", ran.stderr);
}

#[rstest]
#[case::empty(b"", "the file is empty")]
#[case::spreadsheet(b"PK\x03\x04[Content_Types].xml", "the zip archive is damaged")]
#[case::pointer(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "this is a git-lfs pointer")]
#[case::page(b"<!DOCTYPE html>\n<html><body>503</body></html>\n", "this is a page (HTML or XML) and not a table")]
#[case::checksum(
    b"4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393  BTCUSDT-1h-2025-01.zip\n",
    "this is a list of checksums"
)]
fn what_is_no_table_is_refused_by_its_name(#[case] content: &[u8], #[case] message: &str) {
    let ran = refuse("btc-test-1d.csv", content);
    assert!(ran.stderr.contains(message), "{}", ran.stderr);
}

#[test]
fn a_folder_is_refused_by_its_name() {
    let program = Program::new();
    std::fs::create_dir(program.folder.path().join("folder")).unwrap();
    let ran = program.run(&["import", "folder"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (1, "error: folder: this is a folder; name the files in it, such as folder/*.csv\n")
    );
}

#[test]
fn a_trial_reports_the_same_and_stores_nothing() {
    let program = Program::new();
    program.write("btc-test-1d.csv", BARS);
    let trial = program.succeed(&["import", "--dry-run", "btc-test-1d.csv"]);
    assert_eq!(program.succeed(&["export", "candles"]).lines().count(), 1, "something was stored");
    let real = program.succeed(&["import", "btc-test-1d.csv"]);
    assert_eq!(trial.replace("  nothing was stored (--dry-run)\n", ""), real);
    let again = program.succeed(&["import", "--dry-run", "btc-test-1d.csv"]);
    assert!(again.starts_with("btc-test-1d.csv: read 2, new 0, unchanged 2, revised 0, refused 0\n"), "{again}");
}

#[test]
fn a_command_that_fails_tells_which_files_are_stored() {
    let program = Program::new();
    program.write("btc-test-1d.csv", BARS);
    program.write("eth-test-1d.csv", "open_time,open,high,low,close\n2026-01-01,1,2,x,1\n");
    program.write("sol-test-1d.csv", BARS);
    let ran = program.run(&["import", "btc-test-1d.csv", "eth-test-1d.csv", "sol-test-1d.csv"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("eth-test-1d.csv: 1 bad row"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("stored before it: btc-test-1d.csv\nnot read, as they come after it: sol-test-1d.csv"),
        "{}",
        ran.stderr
    );
    let stored = program.succeed(&["export", "candles"]);
    assert!(stored.contains("candle.btc@test:1d") && !stored.contains("candle.sol@test:1d"), "{stored}");
}

#[test]
fn a_file_of_bad_rows_alone_fails_with_skip_bad_too() {
    let program = Program::new();
    program.write("btc-test-1d.csv", "open_time,open,high,low,close\n2026-01-01,1,2,x,1\n2026-01-02,1,2,y,1\n");
    let ran = program.run(&["import", "--skip-bad", "btc-test-1d.csv"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("2 bad rows") && ran.stderr.contains("no row is left to store"), "{}", ran.stderr);
}

#[test]
fn the_presets_are_listed_and_a_wrong_one_names_the_nearest() {
    let program = Program::new();
    assert!(program.succeed(&["import", "--list-presets"]).contains("kraken "));
    program.write("btc-test-1d.csv", BARS);
    let ran = program.run(&["import", "--as", "krakn", "btc-test-1d.csv"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("there is no preset `krakn`; did you mean `kraken`?"), "{}", ran.stderr);
    let ran = program.run(&["import", "--as", "kraken", "btc-test-1d.csv"]);
    assert!(ran.stderr.contains("the file is not in the layout of kraken"), "{}", ran.stderr);
}

#[test]
fn an_interval_that_does_not_fit_the_rows_is_refused() {
    let program = Program::new();
    program.write("btc-test-1d.csv", format!("{BARS}2026-01-03T00:00:00Z,100,110,90,105,7\n"));
    let ran = program.run(&["import", "--interval", "1h", "btc-test-1d.csv"]);
    let message = "the rows are said to be 1h apart (flag), and most of them are 1d apart: line 3 follows line 2 by 1d";
    assert!(ran.code == 1 && ran.stderr.contains(message), "{}", ran.stderr);
    assert_eq!(program.succeed(&["export", "candles"]).lines().count(), 1, "something was stored");
}

#[test]
fn exchange_days_are_stored_under_their_date_and_the_later_of_two_holds() {
    let program = Program::new();
    let days = "open_time,open,high,low,close\n2026-01-04T16:00:00Z,1,2,1,1\n2026-01-05T16:00:00Z,1,2,1,1.5\n\
                2026-01-06T16:00:00Z,1,2,1,1\n2026-01-07T01:30:00Z,1,2,1,2\n";
    program.write("hsi-test-1d.csv", days);
    let ran = program.run(&["import", "hsi-test-1d.csv"]);
    assert!(ran.code == 1 && ran.stderr.contains("--day-of ZONE"), "{}", ran.stderr);
    let report = program.succeed(&["import", "--day-of", "Asia/Hong_Kong", "hsi-test-1d.csv"]);
    assert!(report.starts_with("hsi-test-1d.csv: read 4, new 3, unchanged 0, revised 0, refused 0, double 1\n"), "{report}");
    let stored = program.succeed(&["export", "candle.hsi@test:1d"]);
    assert!(stored.contains("2026-01-05T00:00:00Z") && stored.contains("2026-01-07T00:00:00Z,1,2,1,2,"), "{stored}");
}

#[test]
fn a_row_that_was_known_before_its_end_is_refused() {
    let program = Program::new();
    let text = "series,observed_at,value,known_at\nmarket_cap.btc@x:1d,2026-01-01,9,2026-01-01T12:00:00Z\n";
    program.write("rows.csv", text);
    let ran = program.run(&["import", "rows.csv"]);
    let message = "line 2, column known_at: known at 2026-01-01T12:00:00Z, before 2026-01-02T00:00:00Z";
    assert!(ran.code == 1 && ran.stderr.contains(message), "{}", ran.stderr);
}

#[test]
fn a_line_without_end_changes_nothing() {
    let mut content = b"open_time,open,high,low,close\n".to_vec();
    content.resize(200_000, b'1');
    let ran = refuse("btc-test-1d.csv", &content);
    assert!(ran.stderr.contains("line 2 is longer than 65536 bytes"), "{}", ran.stderr);
}

#[test]
fn bad_rows_are_left_out_when_asked_for() {
    let program = Program::new();
    program.write("btc-test-1d.csv", format!("{BARS}2026-01-03,1,inf,1,1,1\n2026-01-04,1,2,1,1,1\n"));
    let report = program.succeed(&["import", "candles", "btc-test-1d.csv", "--skip-bad"]);
    assert!(report.starts_with("btc-test-1d.csv: read 4, new 3, unchanged 0, revised 0, refused 1\n"), "{report}");
    assert!(report.ends_with("  refused: line 4, column high: inf is not a finite number\n"), "{report}");
}

#[test]
fn a_byte_order_mark_windows_line_ends_and_quotes_are_fine() {
    let program = Program::new();
    let dressed = format!("\u{feff}{}", BARS.replace("100,", "\"100\",").replace('\n', "\r\n"));
    program.write("plain-test-1d.csv", BARS);
    program.write("dressed-test-1d.csv", dressed);
    program.succeed(&["import", "candles", "plain-test-1d.csv", "dressed-test-1d.csv"]);
    let rows = |asset: &str| {
        let exported = program.succeed(&["export", &format!("candle.{asset}@test:1d")]);
        exported.lines().skip(1).map(|line| line.split_once(',').unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rows("plain"), rows("dressed"));
    assert_eq!(rows("plain").len(), 2);
}

#[rstest]
#[case(&["import"])]
#[case(&["import", "candles"])]
#[case(&["import", "candles", "--asset", "BTC", "x.csv"])]
#[case(&["import", "candles", "--interval", "soon", "x.csv"])]
#[case(&["import", "series", "--metric", "mood", "x.csv"])]
#[case(&["export", "nonsense"])]
#[case(&["export", "candle.btc@a:1d", "price.btc@a"])]
#[case(&["export", "series", "--since", "2026-01-02", "--until", "2026-01-01"])]
#[case(&["--database-url", "mysql://x", "export", "series"])]
#[case(&["--config", "nowhere.toml", "export", "series"])]
fn what_is_asked_wrongly_exits_with_two(#[case] arguments: &[&str]) {
    let ran = Program::new().run(arguments);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(!ran.stderr.is_empty());
}

#[test]
fn an_export_of_nothing_known_names_the_allowed_words() {
    let ran = Program::new().run(&["export", "foo"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("one of candles, series and orders"), "{}", ran.stderr);
}

#[test]
fn an_export_of_a_series_that_is_not_there_names_the_nearest() {
    let program = Program::new();
    program.write("btc-test-1d.csv", BARS);
    program.succeed(&["import", "candles", "btc-test-1d.csv"]);
    let ran = program.run(&["export", "candle.btc@test:1h"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (1, "error: the store has no rows of candle.btc@test:1h; did you mean candle.btc@test:1d?\n")
    );
}

#[test]
fn an_export_can_be_cut_by_time_and_written_as_json_lines() {
    let program = Program::new();
    program.write("btc-test-1d.csv", BARS);
    program.succeed(&["import", "candles", "btc-test-1d.csv"]);
    let lines = program.succeed(&["export", "candle.btc@test:1d", "--since", "2026-01-02", "--format", "ndjson"]);
    let row: serde_json::Value = serde_json::from_str(lines.trim_end()).unwrap();
    assert_eq!(
        row,
        serde_json::json!({
            "series": "candle.btc@test:1d", "open_time": "2026-01-02T00:00:00Z", "open": 105.0, "high": 106.0, "low": 80.0,
            "close": 82.0, "volume": 8.0, "known_at": "2026-01-03T00:00:00Z"
        })
    );
}

/// Exports everything from one store and imports it into another, which must then hold the same.
fn assert_reproduced(original: &Program, copy: &Program) {
    for kind in ["candles", "series", "orders"] {
        let file = copy.folder.path().join(format!("{kind}.csv")).display().to_string();
        original.succeed(&["export", kind, "--output", &file]);
        copy.succeed(&["import", kind, &file]);
        let exported = std::fs::read_to_string(&file).unwrap();
        assert!(exported.lines().count() > 1, "nothing of {kind} was exported");
        assert!(copy.succeed(&["export", kind]) == exported, "{kind} came back otherwise");
    }
}

#[rstest]
#[tokio::test]
async fn an_import_of_an_export_reproduces_the_store(
    #[values(Engine::Sqlite, Engine::Postgres)] from: Engine,
    #[values(Engine::Sqlite, Engine::Postgres)] to: Engine,
) {
    let (Some(from), Some(to)) = (Home::new(from).await, Home::new(to).await) else { return };
    let (original, copy) = (Program::on(from.address()), Program::on(to.address()));
    original.write("btc-test-1d.csv", BARS);
    original.write("orders-test.csv", ORDERS);
    original.write("btc-fund.csv", FLOWS);
    original.succeed(&["import", "candles", "btc-test-1d.csv"]);
    original.write("btc-test-1d.csv", BARS.replace(",82,8", ",83,"));
    original.succeed(&["import", "candles", "btc-test-1d.csv"]);
    original.succeed(&["import", "orders", "orders-test.csv"]);
    original.succeed(&["import", "etf-flows", "btc-fund.csv"]);
    assert_reproduced(&original, &copy);
}

/// The files of one folder of the real data, sorted; `None` where the data are not at hand.
fn real_files(folder: &str) -> Option<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(folder);
    let entries = std::fs::read_dir(folder).ok()?;
    let mut files: Vec<String> = entries.map(|entry| entry.unwrap().path().display().to_string()).collect();
    files.sort();
    Some(files)
}

/// Says past the capture of test output whether the real data were there.
fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

#[test]
fn the_real_files_are_imported_as_they_are_and_come_back_the_same() {
    let folders = ["candles", "series", "etf_flows", "liquidations"].map(real_files);
    let [Some(candles), Some(series), Some(flows), Some(liquidations)] = folders else {
        return say("REAL DATA NOT CHECKED: there is no ../shared/data");
    };
    let (orders, sums) = liquidations.into_iter().partition(|file| file.contains("orders-"));
    let kinds = [("candles", candles), ("series", series), ("etf-flows", flows), ("liquidations", sums), ("orders", orders)];
    let (original, copy) = (Program::new(), Program::new());
    let mut rows = 0;
    for (kind, files) in &kinds {
        let arguments: Vec<&str> = ["import", *kind, "--json"].into_iter().chain(files.iter().map(String::as_str)).collect();
        for line in original.succeed(&arguments).lines() {
            let report: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!((&report["refused"], &report["unchanged"]), (&0.into(), &0.into()), "{report}");
            rows += report["rows_read"].as_u64().unwrap();
        }
    }
    assert_reproduced(&original, &copy);
    say(&format!("real data checked: {rows} rows imported, exported and imported again"));
}
