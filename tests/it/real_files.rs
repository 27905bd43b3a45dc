//! The files that people really have, read in place where they exist; the test says whether it ran.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Program, Ran};

/// The flags of a file that needs some, after the name of the file.
const FLAGS: [(&str, &[&str]); 17] = [
    ("BTC_USDT-1h.json", &["--source", "mine"]),
    ("Bitcoin Historische Daten.csv", &[]),
    ("SOL-USD page copy.tsv", &["--asset", "sol"]),
    ("ambiguous-dates.csv", &["--metric", "fear_greed", "--asset", "total", "--source", "mine", "--date-order", "dmy"]),
    ("decided-dates.csv", &["--metric", "fear_greed", "--asset", "total", "--source", "mine"]),
    ("bars-ns.csv", &["--asset", "btc", "--source", "mine", "--interval", "1h"]),
    ("btc_etf_flows.csv", &["--asset", "btc", "--source", "farside"]),
    ("etf_flow.csv", &["--asset", "btc", "--source", "mine"]),
    ("btcusdt_1d.parquet", &["--asset", "btc", "--source", "mine", "--interval", "1d"]),
    ("deribit_btc_options.csv", &["--at", "2025-12-05T01:10:00Z"]),
    ("Bitstamp_BTCUSD_d.csv", &["--skip-bad"]),
    ("btc.csv", &[]),
    ("btc_flows.csv", &[]),
    ("farside page copy.tsv", &[]),
    ("stablecoins.csv", &[]),
    ("fng.csv", &[]),
    ("candles.ndjson", &[]),
];

/// The kinds of a file that can be read as several.
const KINDS: [(&str, &[&str]); 1] = [("Bitcoin_10_1_2025-10_31_2025_historical_data_coinmarketcap.csv", &["candles", "series"])];

/// The folder of the files, told about on the real standard error either way.
fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/files");
    let found = folder.is_dir();
    crate::harness::say(if found { "REAL FILES: read in place" } else { "REAL FILES: not there, their tests did not run" });
    found.then_some(folder)
}

fn flags_of(name: &str) -> &'static [&'static str] {
    FLAGS.iter().find(|(file, _)| *file == name).map_or(&[], |(_, flags)| flags)
}

/// Imports a file with some flags more.
fn import(program: &Program, folder: &Path, kind: Option<&str>, name: &str, more: &[&str]) -> Ran {
    let path = folder.join(name).display().to_string();
    let mut arguments = vec!["import"];
    arguments.extend(kind);
    arguments.extend(flags_of(name));
    arguments.extend(more);
    arguments.push(&path);
    program.run(&arguments)
}

fn close(a: &Value, b: f64) -> bool {
    a.as_f64().is_some_and(|a| (a - b).abs() <= 1e-6 * a.abs().max(1e-9))
}

/// The rows of a CSV export by column name.
fn exported(program: &Program, what: &str) -> Vec<serde_json::Map<String, Value>> {
    let text = program.succeed(&["export", what, "--format", "ndjson"]);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What is wrong with one series, in words; one row less is right where the newest bar was not over.
fn differences(program: &Program, key: &str, expected: &Value, may_lack_last: bool, may_lack_volume: bool) -> String {
    let rows = exported(program, key);
    let mut wrong = String::new();
    let count = expected["rows"].as_u64().unwrap();
    let lacks_last = may_lack_last && rows.len() as u64 + 1 == count;
    if rows.len() as u64 != count && !lacks_last {
        let _ = write!(wrong, " rows {} instead of {count};", rows.len());
    }
    let ends = [("first", rows.first(), true), ("last", rows.last(), !lacks_last)];
    for (end, row, is_judged) in ends.into_iter().filter_map(|(end, row, judged)| Some((end, row?, judged))) {
        let stated = expected[end].as_object().unwrap().iter().filter(|_| is_judged);
        for (field, value) in stated {
            let own = match field.as_str() {
                "at" => row.get("open_time").or_else(|| row.get("observed_at")),
                "volume_coins" => row.get("volume"),
                field => row.get(field),
            };
            let own = own.cloned().unwrap_or_default();
            let agrees = match value.as_f64() {
                Some(number) => close(&own, number) || (field == "volume_coins" && may_lack_volume && own.is_null()),
                None => own == *value,
            };
            if !agrees {
                let _ = write!(wrong, " {end} {field} {own} instead of {value};");
            }
        }
    }
    let sum_of = |field: &str| rows.iter().filter_map(|row| row.get(field)?.as_f64()).sum::<f64>();
    for (sum, field) in [("sum_close", "close"), ("sum_value", "value")] {
        if let Some(stated) = expected[sum].as_f64().filter(|_| !lacks_last)
            && (sum_of(field) - stated).abs() > 1e-6 * stated.abs().max(1.0)
        {
            let _ = write!(wrong, " {sum} {} instead of {stated};", sum_of(field));
        }
    }
    wrong
}

fn order_differences(program: &Program, expected: &[Value]) -> String {
    let rows = exported(program, "orders");
    let mut wrong = String::new();
    if rows.len() != expected.len() {
        let _ = write!(wrong, " orders {} instead of {};", rows.len(), expected.len());
    }
    for (row, order) in rows.iter().zip(expected) {
        let fields = [
            ("occurred_at", "at"),
            ("symbol", "symbol"),
            ("asset", "asset"),
            ("source", "source"),
            ("side", "position_closed"),
            ("price_usd", "price_usd"),
            ("quantity", "quantity_coins"),
            ("usd", "usd"),
            ("known_at", "known_at"),
        ];
        for (own, stated) in fields {
            let own_value = row.get(own).or_else(|| row.get("time")).cloned().unwrap_or_default();
            let agrees = order[stated].as_f64().map_or_else(|| own_value == order[stated], |number| close(&own_value, number));
            if !agrees {
                let _ = write!(wrong, " {stated} {own_value} instead of {};", order[stated]);
            }
        }
    }
    wrong
}

/// What is wrong with one file, in words.
fn judge(folder: &Path, name: &str, expected: &Value) -> String {
    let program = Program::new();
    let kinds: Vec<Option<&str>> = match KINDS.iter().find(|(file, _)| *file == name) {
        Some((_, kinds)) => kinds.iter().copied().map(Some).collect(),
        None if name.ends_with("dates.csv") => vec![Some("series")],
        None if name.contains("etf_flow") => vec![Some("etf-flows")],
        None => vec![None],
    };
    let mut wrong = String::new();
    for kind in kinds {
        let ran = import(&program, folder, kind, name, &[]);
        let must_fail = expected["refused"] == "whole file";
        if (ran.code == 0) == must_fail {
            let _ = write!(wrong, " exit {}: {}{}", ran.code, ran.stdout, ran.stderr);
        }
    }
    if let Some(orders) = expected["orders"].as_array() {
        wrong.push_str(&order_differences(&program, orders));
    }
    let may_lack_last = expected["newest_unfinished"] == true || name == "BTC_USDT-1h.json";
    let may_lack_volume = ["bars-ns.csv", "btcusdt_1d.parquet"].contains(&name);
    for (key, series) in expected["lands"].as_object().unwrap() {
        if exported(&program, "series").is_empty() && exported(&program, "candles").is_empty() {
            return format!("{wrong} nothing landed");
        }
        if !program.run(&["export", key]).stderr.is_empty() {
            let _ = write!(wrong, " {key} is not there;");
            continue;
        }
        let differences = differences(&program, key, series, may_lack_last, may_lack_volume);
        if !differences.is_empty() {
            let _ = write!(wrong, " {key}:{differences}");
        }
    }
    wrong
}

#[test]
fn the_files_that_people_have_land_as_an_independent_reader_says() {
    let Some(folder) = folder() else { return };
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap();
    let files = expected.as_object().unwrap();
    let wrong: Vec<String> = files
        .iter()
        .map(|(name, expected)| (name, judge(&folder, name, expected)))
        .filter(|(_, wrong)| !wrong.is_empty())
        .map(|(name, wrong)| format!("{name}:{wrong}"))
        .collect();
    assert!(wrong.is_empty(), "{} of {} files:\n{}", wrong.len(), files.len(), wrong.join("\n"));
    crate::harness::say(&format!("real files checked: {}", files.len()));
}

/// The report of an import as JSON.
fn report(program: &Program, folder: &Path, name: &str, more: &[&str]) -> Value {
    let more: Vec<&str> = more.iter().copied().chain(["--json"]).collect();
    let ran = import(program, folder, None, name, &more);
    assert_eq!(ran.code, 0, "{name}: {}", ran.stderr);
    serde_json::from_str(ran.stdout.trim_end()).unwrap()
}

#[test]
fn intervals_that_name_and_rows_contradict_are_refused() {
    let Some(folder) = folder() else { return };
    for (name, interval) in [
        ("BTC-USD.csv", "1h"),
        ("BTCUSDT-1h-2024-11.csv", "1d"),
        ("XBTUSD_1440.csv", "5m"),
        ("coinglass_liquidation_history_Binance_BTCUSDT_4h.csv", "1d"),
    ] {
        let program = Program::new();
        let ran = import(&program, &folder, None, name, &["--interval", interval]);
        assert!(ran.code == 1 && ran.stderr.contains("apart"), "{name}: {}{}", ran.stdout, ran.stderr);
        assert!(exported(&program, "candles").is_empty(), "{name}: something was stored");
    }
}

#[test]
fn a_flag_against_a_mere_name_is_reported() {
    let Some(folder) = folder() else { return };
    let report = report(&Program::new(), &folder, "BTCUSDT-1h-2024-11.csv", &["--asset", "eth"]);
    assert!(report["inferred"].to_string().contains("asset eth and not btc of the file's name"), "{report}");
}

#[test]
fn a_column_in_dollars_gives_nearly_the_same_coins() {
    let Some(folder) = folder() else { return };
    let program = Program::new();
    report(&program, &folder, "Binance_BTCUSDT_d.csv", &["--volume-column", "Volume USDT"]);
    let last = exported(&program, "candles").pop().unwrap();
    assert!((last["volume"].as_f64().unwrap() - 17_778.6).abs() < 0.1, "{last:?}");
}

#[test]
fn a_second_reading_adds_nothing_and_a_trial_tells_the_same() {
    let Some(folder) = folder() else { return };
    let names: Vec<String> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let told_otherwise = ["md", "expected.json", "bookDepth", "aggTrades"];
    let mut checked = 0;
    for name in names.iter().filter(|name| !told_otherwise.iter().any(|part| name.contains(part))) {
        let program = Program::new();
        let kind = if name.ends_with("dates.csv") { Some("series") } else { None };
        let kind = if name.contains("etf_flow") { Some("etf-flows") } else { kind };
        let read = |more: &[&str]| {
            let ran = import(&program, &folder, kind, name, more);
            assert_eq!(ran.code, 0, "{name}: {}", ran.stderr);
            serde_json::from_str::<Value>(ran.stdout.trim_end()).unwrap()
        };
        let mut trial = read(&["--json", "--dry-run"]);
        let first = read(&["--json"]);
        trial["dry_run"] = false.into();
        assert_eq!(trial, first, "{name}");
        let again = read(&["--json"]);
        let points = ["new", "revised"].map(|count| first[count].as_u64().unwrap()).iter().sum::<u64>();
        assert_eq!((&again["new"], &again["revised"], &again["unchanged"]), (&0.into(), &0.into(), &points.into()), "{name}");
        checked += 1;
    }
    crate::harness::say(&format!("real files read twice: {checked}"));
}

#[test]
fn a_packed_file_says_the_same_as_the_plain_one() {
    let Some(folder) = folder() else { return };
    let program = Program::new();
    let plain = std::fs::read(folder.join("BTCUSDT-1h-2024-11.csv")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(&plain).unwrap();
    program.write("BTCUSDT-1h-2024-11.csv.gz", gz.finish().unwrap());
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("BTCUSDT-1h-2024-11.csv", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(&plain).unwrap();
    program.write("renamed.zip", zip.finish().unwrap().into_inner());
    assert_eq!(report(&program, &folder, "BTCUSDT-1h-2024-11.csv", &[])["new"], 48);
    for packed in ["BTCUSDT-1h-2024-11.csv.gz", "renamed.zip"] {
        let said = program.succeed(&["import", packed]);
        assert!(said.contains("read 48, new 0, unchanged 48, revised 0, refused 0"), "{said}");
    }
}

#[test]
fn editions_in_two_languages_agree() {
    let Some(folder) = folder() else { return };
    let program = Program::new();
    report(&program, &folder, "Bitcoin Historical Data - Investing.com.csv", &[]);
    let german = report(&program, &folder, "Bitcoin Historische Daten.csv", &[]);
    assert_eq!((&german["new"], &german["revised"]), (&0.into(), &0.into()), "{german}");
}

#[test]
fn each_file_of_a_command_has_the_facts_of_its_own_name() {
    let Some(folder) = folder() else { return };
    let program = Program::new();
    let files = ["BTCUSDT-1h-2024-11.csv", "BTCUSDT-30m-2026-02-05.csv"].map(|name| folder.join(name).display().to_string());
    let said = program.succeed(&["import", &files[0], &files[1]]);
    assert!(said.contains("candle.btc@binance-spot:1h") && said.contains("candle.btc@binance-perp:30m"), "{said}");
}

#[test]
fn a_file_that_is_cut_in_a_row_is_refused_by_line() {
    let Some(folder) = folder() else { return };
    let program = Program::new();
    let whole = std::fs::read_to_string(folder.join("Bitcoin Historische Daten.csv")).unwrap();
    program.write("Bitcoin Historische Daten.csv", &whole[..whole.len() - 20]);
    let ran = program.run(&["import", "Bitcoin Historische Daten.csv"]);
    assert!(ran.code == 1 && ran.stderr.contains("line 21"), "{}", ran.stderr);
}

#[test]
fn dates_that_nothing_decides_are_refused_with_both_readings() {
    let Some(folder) = folder() else { return };
    let path = folder.join("ambiguous-dates.csv").display().to_string();
    let ran = Program::new().run(&["import", "series", "--metric", "fear_greed", "--asset", "total", "--source", "mine", &path]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("`04/05/2024` is 2024-05-04 or 2024-04-05") && ran.stderr.contains("--date-order"),
        "{}",
        ran.stderr
    );
}

#[test]
fn an_export_of_an_imported_export_is_the_same_text() {
    let Some(folder) = folder() else { return };
    for (name, kind) in [("candles.ndjson", "candles"), ("series.ndjson", "series")] {
        let program = Program::new();
        report(&program, &folder, name, &[]);
        let exported = program.succeed(&["export", kind, "--format", "ndjson"]);
        assert_eq!(exported, std::fs::read_to_string(folder.join(name)).unwrap(), "{name}");
    }
}
