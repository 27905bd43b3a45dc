//! The recorded and documented payloads beside the project, parsed to what their index says.
//!
//! They are read in place and are no part of the project; without them the test says so.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use market_stress::ingest::{Message, ParseError, Parsed, PollContext};

mod alternative_me;
mod binance;
mod bybit;
mod coingecko;
mod coinglass;
mod defillama;
mod deribit;
mod farside;
mod fred;
mod hyperliquid;
mod kraken_futures;
mod okx;
mod sosovalue;
mod yahoo;

/// One payload and what must come of it.
type Case = (&'static str, fn(&[u8]) -> Vec<String>, &'static [&'static str]);

/// What is known of the files of each provider: those that are parsed, and by prefix those that hold
/// nothing this service reads.
const PROVIDERS: &[(&[Case], &[&str])] = &[
    (alternative_me::CASES, &[]),
    (binance::CASES, binance::NOT_READ),
    (bybit::CASES, bybit::NOT_READ),
    (coingecko::CASES, coingecko::NOT_READ),
    (coinglass::CASES, coinglass::NOT_READ),
    (defillama::CASES, defillama::NOT_READ),
    (deribit::CASES, deribit::NOT_READ),
    (farside::CASES, farside::NOT_READ),
    (fred::CASES, fred::NOT_READ),
    (hyperliquid::CASES, hyperliquid::NOT_READ),
    (kraken_futures::CASES, kraken_futures::NOT_READ),
    (okx::CASES, okx::NOT_READ),
    (sosovalue::CASES, &[]),
    (yahoo::CASES, yahoo::NOT_READ),
];

fn visit() -> PollContext {
    PollContext { seen_until: None, now: "2026-11-22T00:00:00Z".parse().unwrap() }
}

fn describe(parsed: Result<Parsed, ParseError>) -> Vec<String> {
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(ParseError::Upstream { code, .. }) => return vec![format!("refused by the upstream: {code}")],
        Err(error) => return vec![error.to_string()],
    };
    let refused = parsed.refused.iter().map(|refusal| format!("refused row: {}", refusal.reason));
    let readings = parsed
        .batch
        .readings
        .iter()
        .flat_map(|(key, rows)| rows.iter().map(move |row| format!("{key} {} {}", row.observed_at, row.value)));
    let candles = parsed
        .batch
        .candles
        .iter()
        .flat_map(|(key, rows)| rows.iter().map(move |row| format!("{key} {} {}", row.observed_at, row.value.close)));
    let orders = parsed.batch.orders.iter().map(|order| {
        format!("{} {} {} {:.6} {:.2}", order.asset, order.side.as_str(), order.occurred_at, order.quantity, order.usd)
    });
    let cut = parsed.truncated.then(|| "the answer is cut".to_owned());
    readings.chain(candles).chain(orders).chain(refused).chain(cut).collect()
}

fn describe_message(message: Result<Message, ParseError>) -> Vec<String> {
    match message {
        Ok(Message::Rows(parsed)) => describe(Ok(parsed)),
        Ok(Message::Control) => vec!["control".to_owned()],
        Ok(Message::Reply(text)) => vec![format!("reply: {text}")],
        Ok(Message::Narrowed { refused, .. }) => vec![format!("narrowed: {refused:?}")],
        Ok(Message::Refused(reason)) => vec![format!("refused: {reason}")],
        Err(error) => describe(Err(error)),
    }
}

/// Settlements in one line; their intervals must all be the same.
fn settlements(source: &str, parsed: Result<Parsed, ParseError>) -> Vec<String> {
    let parsed = parsed.unwrap();
    let rates = &parsed.batch.readings[&format!("funding_rate.btc@{source}").parse().unwrap()];
    let hours = &parsed.batch.readings[&format!("funding_interval.btc@{source}").parse().unwrap()];
    assert!(hours.iter().all(|row| row.value.to_bits() == hours[0].value.to_bits()));
    vec![format!("{} rows, first {} {} every {} h", rates.len(), rates[0].observed_at, rates[0].value, hours[0].value)]
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/payloads"))
}

#[test]
fn every_payload_parses_to_what_its_index_says() {
    let folder = folder();
    let mut out = std::io::stderr();
    if !folder.is_dir() {
        writeln!(out, "payloads: NOT RUN, there is no ../shared/payloads beside the project").unwrap();
        return;
    }
    let second_index = std::fs::read_to_string(folder.join("INDEX-2.md")).unwrap_or_default();
    let mut pending = BTreeSet::new();
    let wrong: Vec<_> =
        PROVIDERS.iter().flat_map(|(cases, not_read)| check(&folder, cases, not_read, &second_index, &mut pending)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    writeln!(out, "payloads: {} files of the second index have no parser yet", pending.len()).unwrap();
    let files: usize = PROVIDERS.iter().map(|(cases, _)| cases.len()).sum();
    writeln!(out, "payloads: RAN, {files} files of {} providers", PROVIDERS.len()).unwrap();
}

/// Faults in the files of one provider. A file that only the second index names may lack a parser: it goes to `pending`.
fn check(folder: &Path, cases: &[Case], not_read: &[&str], second_index: &str, pending: &mut BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (file, parse, expected) in cases {
        let given = parse(&std::fs::read(folder.join(file)).unwrap());
        if given != *expected {
            wrong.push(format!("{file}\n  expected {expected:#?}\n  given {given:#?}"));
        }
    }
    let provider = cases[0].0.split('/').next().unwrap();
    for entry in std::fs::read_dir(folder.join(provider)).unwrap() {
        let file = format!("{provider}/{}", entry.unwrap().file_name().display());
        let known = cases.iter().any(|(name, ..)| *name == file) || not_read.iter().any(|prefix| file.starts_with(prefix));
        if !known && second_index.contains(&format!("`{file}`")) {
            pending.insert(file);
        } else if !known {
            wrong.push(format!("{file} is neither parsed nor listed as not read"));
        }
    }
    wrong
}
