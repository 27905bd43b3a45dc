//! The stress index of real days, read in place: the episodes of METHODOLOGY section 11.4 stand out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use market_stress::domain::{Delta, Knowledge, Observation, Period, SourceInfo, SourceKind, Timestamp, Vintage};
use market_stress::files::{FileKind, ImportOptions, read};
use market_stress::market::Market;
use market_stress::metrics::{SourceOrder, StressBook, StressRow, StressSeriesQuestion, Window, stress, stress_series};

/// Days around a peak in which no other counts.
const DECLUSTER_DAYS: f64 = 30.0;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let found = folder.is_dir();
    crate::harness::say(if found { "REAL STRESS: read in place" } else { "REAL STRESS: not there, its test did not run" });
    found.then_some(folder)
}

fn vintages<P: Copy>(rows: &[Observation<P>]) -> Vec<Vintage<P>> {
    let known_at = |row: &Observation<P>| match row.knowledge {
        Knowledge::Published(at) | Knowledge::Vintage(at) => at,
        Knowledge::OnCommit => row.observed_at,
    };
    let mut rows: Vec<Vintage<P>> =
        rows.iter().map(|row| Vintage { observed_at: row.observed_at, known_at: known_at(row), value: row.value }).collect();
    rows.sort_by_key(|row| (row.observed_at, row.known_at));
    rows.dedup_by_key(|row| (row.observed_at, row.known_at));
    rows
}

/// Everything the index reads, in one commit.
fn market(folder: &Path) -> Arc<Market> {
    let mut delta = Delta {
        version: 1,
        recorded_at: at("2017-01-01"),
        source: "import".parse().unwrap(),
        readings: BTreeMap::new(),
        candles: BTreeMap::new(),
        orders: Vec::new(),
    };
    let kinds = [
        ("candles", FileKind::Candles),
        ("series", FileKind::Series),
        ("etf_flows", FileKind::EtfFlows),
        ("liquidations", FileKind::Liquidations),
    ];
    for (part, kind) in kinds {
        for entry in std::fs::read_dir(folder.join(part)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if name.contains("orders") || name.ends_with("-2026.csv") || name.contains("perp") {
                continue;
            }
            let options = ImportOptions { unsorted: true, skip_bad: true, ..ImportOptions::default() };
            let batch = read(kind, std::fs::File::open(&path).unwrap(), Some(&path), &options).unwrap().batch;
            delta.readings.extend(batch.readings.into_iter().map(|(key, rows)| (key, vintages(&rows))));
            delta.candles.extend(batch.candles.into_iter().map(|(key, rows)| (key, vintages(&rows))));
        }
    }
    let yahoo = SourceInfo { source: "yahoo".parse().unwrap(), kind: SourceKind::Aggregator, note: String::new() };
    Arc::new(Market::default().next(&delta).with_sources([yahoo]))
}

/// The place of the highest day between two dates among all peaks, the highest first.
fn rank(rows: &[StressRow], of: fn(&StressRow) -> Option<f64>, from: &str, to: &str) -> usize {
    let mut days: Vec<(f64, Timestamp)> = rows.iter().filter_map(|row| Some((of(row)?, row.time))).collect();
    days.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut peaks: Vec<(f64, Timestamp)> = Vec::new();
    for (value, day) in days {
        if peaks.iter().all(|(_, peak)| peak.days_since(day).abs() > DECLUSTER_DAYS) {
            peaks.push((value, day));
        }
    }
    let inside = |(_, day): &(f64, Timestamp)| (at(from)..at(to)).contains(day);
    peaks.iter().position(inside).map_or(usize::MAX, |place| place + 1)
}

#[test]
fn the_known_episodes_stand_out() {
    let Some(folder) = data() else { return };
    let (market, book, order) = (market(&folder), StressBook::default(), SourceOrder::default());
    let cutoff = at("2026-06-25");
    let started = std::time::Instant::now();
    let question = StressSeriesQuestion { window: Window::ALL, max_points: None };
    let rows = stress_series(&market.at(cutoff), &order, &question, &book).unwrap().data;
    crate::harness::say(&format!("REAL STRESS: {} days in {:?}", rows.len(), started.elapsed()));
    let systemic = |from, to| rank(&rows, |row| row.systemic, from, to);
    let acute = |from, to| rank(&rows, |row| row.acute, from, to);
    let episodes = [
        ("2020-03", "2020-03-01", "2020-05-01"),
        ("2021-05", "2021-05-01", "2021-07-15"),
        ("2022-06", "2022-06-01", "2022-07-15"),
        ("2022-11", "2022-11-01", "2022-12-15"),
        ("2025-10", "2025-10-08", "2025-11-01"),
        ("2026-02", "2026-01-25", "2026-03-10"),
    ];
    for (name, from, to) in episodes {
        crate::harness::say(&format!("REAL STRESS: {name} systemic {} acute {}", systemic(from, to), acute(from, to)));
    }
    assert!(systemic("2020-03-01", "2020-05-01") <= 6 && systemic("2021-05-01", "2021-07-15") <= 6);
    assert!(systemic("2022-06-01", "2022-07-15") <= 6 && systemic("2026-01-25", "2026-03-10") <= 6);
    assert!(systemic("2022-11-01", "2022-12-15") <= 10);
    assert!(acute("2025-10-08", "2025-11-01") <= 6 && acute("2026-01-25", "2026-03-10") <= 6);
    let leverage =
        rows.iter().filter(|row| row.time >= at("2025-10-10") && row.time < at("2025-10-13")).filter_map(|row| row.leverage);
    assert!(leverage.fold(0.0, f64::max) >= 99.0);

    let at_cutoff = stress(&market.at(at("2026-02-04T08:00:00Z")), &order, &book).unwrap().data;
    let sum: f64 = at_cutoff.segments.iter().filter_map(|segment| segment.contribution).sum();
    assert!((sum - at_cutoff.systemic.unwrap()).abs() < 1e-9);
    crate::harness::say(&format!("REAL STRESS: 2026-02-04 {:?} {:?}", at_cutoff.systemic, at_cutoff.band));
    let alone = stress(&market.at(at("2021-05-20T12:00:00Z")), &order, &StressBook::default()).unwrap();
    assert_eq!(alone, stress(&market.at(at("2021-05-20T12:00:00Z")), &order, &book).unwrap());
    assert!(rows.windows(2).all(|pair| pair[1].time.ms_since(pair[0].time) == Period::DAY.ms()));
}
