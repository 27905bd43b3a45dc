use std::collections::BTreeSet;

use market_stress::domain::{Asset, Timestamp};
use market_stress::ingest::farside;

use super::{Case, visit};

/// Files that hold nothing this service reads, by prefix.
pub(super) const NOT_READ: &[&str] =
    &["farside/btc_normalised", "farside/btc_row_fill", "farside/eth_normalised", "farside/sol_normalised", "farside/wp_json"];

/// Every other file.
pub(super) const CASES: &[Case] = &[
    ("farside/cell_grammar.csv", cell_grammar, &["every cell as stated"]),
    (
        "farside/btc_table_2026-07.html",
        etf_page,
        &[
            "first 2026-07-06",
            "last 2026-07-22",
            "2026-07-06 GBTC -44500000",
            "2026-07-06 sum 265700000",
            "2026-07-22 sum 69100000",
            "funds IBIT FBTC BITB ARKB BTCO EZBC BRRR HODL BTCW MSBT GBTC BTC",
        ],
    ),
];

/// Each raw cell of the table put into a page of its own.
fn cell_grammar(body: &[u8]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut reader = csv::Reader::from_reader(body);
    for record in reader.records().map(Result::unwrap) {
        let page = format!("<table><tr><td></td><td>IBIT</td></tr><tr><td>02 Feb 2026</td><td>{}</td></tr></table>", &record[0]);
        let parsed = farside::parse_table(page.as_bytes(), &Asset::btc(), &visit()).unwrap();
        let usd = parsed.batch.readings.values().flatten().next().map(|row| row.value);
        let expected = record[1].parse::<f64>().ok().map(|millions| (millions * 1e6).round());
        if usd.map(f64::to_bits) != expected.map(f64::to_bits) || !parsed.refused.is_empty() {
            wrong.push(format!("{}: {usd:?}", &record[0]));
        }
    }
    if wrong.is_empty() { vec!["every cell as stated".to_owned()] } else { wrong }
}

fn etf_page(body: &[u8]) -> Vec<String> {
    let parsed = farside::parse_table(body, &Asset::btc(), &visit()).unwrap();
    assert!(parsed.refused.is_empty(), "{:?}", parsed.refused);
    let flow = |day: Timestamp, fund: &str| {
        let key = format!("etf_flow.btc.{fund}@farside").parse().unwrap();
        parsed.batch.readings[&key].iter().find(|row| row.observed_at == day).map(|row| row.value)
    };
    let order = ["IBIT", "FBTC", "BITB", "ARKB", "BTCO", "EZBC", "BRRR", "HODL", "BTCW", "MSBT", "GBTC", "BTC"];
    let funds: BTreeSet<_> = parsed.batch.readings.keys().filter_map(|key| key.part.as_deref()).collect();
    assert_eq!(funds, BTreeSet::from(order));
    let days: BTreeSet<_> = parsed.batch.readings.values().flatten().map(|row| row.observed_at).collect();
    let july = |day: &str| format!("2026-07-{day}").parse::<Timestamp>().unwrap();
    let sum = |day| order.iter().filter_map(|fund| flow(day, fund)).sum::<f64>();
    vec![
        format!("first {}", days.first().unwrap().date()),
        format!("last {}", days.last().unwrap().date()),
        format!("2026-07-06 GBTC {}", flow(july("06"), "GBTC").unwrap()),
        format!("2026-07-06 sum {}", sum(july("06"))),
        format!("2026-07-22 sum {}", sum(july("22"))),
        format!("funds {}", order.join(" ")),
    ]
}
