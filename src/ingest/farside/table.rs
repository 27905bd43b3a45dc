use std::collections::BTreeSet;

use chrono::NaiveDate;
use scraper::{ElementRef, Html, Selector};

use crate::domain::{Asset, Metric, Period, SeriesKey, Source, Timestamp};
use crate::ingest::{ParseError, Parsed, PollContext};

/// How long after its start a trading day is marked as readable too, so that an earlier mark does not stay.
const MARKED_MS: i64 = 7 * Period::DAY.ms();
/// Cells hold millions of dollars.
const UNIT_USD: f64 = 1e6;

/// Reads a page: for every fund and trading day with a number, its net flow in USD.
///
/// Columns are found by their ticker, since funds are added in the middle of the table. A blank or
/// dashed cell gives no row, a zero does. A cell that is no amount is refused, and marked as unreadable until
/// it can be read again. Rows that are no trading day (fees, seed money, totals) are passed over. The column
/// of totals is a series of its own: it is never marked as incomplete.
///
/// # Errors
/// [`ParseError::Malformed`] when the page holds no such table.
pub fn parse_table(body: &[u8], asset: &Asset, visit: &PollContext) -> Result<Parsed, ParseError> {
    let page = Html::parse_document(&String::from_utf8_lossy(body));
    let rows = page.select(&selector("table")).map(cells).find(|rows| rows.iter().any(|row| trading_day(row).is_some()));
    let rows = rows.ok_or_else(|| malformed("no table has a row that starts with a date such as 06 Jul 2026"))?;
    let Columns { funds, total, width } = columns(&rows)?;
    let mut parsed = Parsed::new(source());
    for row in &rows {
        let Some(day) = trading_day(row).map(Timestamp::from_date) else { continue };
        if row.len() != width {
            let reason = format!("the row has {} cells where the header has {width}", row.len());
            parsed.refuse(format!("etf_flow.{asset}"), day, reason);
            continue;
        }
        for (column, ticker) in &funds {
            let key = series(Metric::EtfFlow, asset).with_part(ticker);
            let is_readable = push_flow(&mut parsed, key, day, &row[*column], visit);
            if !is_readable || visit.now.ms_since(day) < MARKED_MS {
                let mark = series(Metric::EtfUnreadable, asset).with_part(ticker);
                let knowledge = visit.knowledge(day.plus_ms(mark.publication_lag_ms()));
                parsed.push(mark, day, knowledge, if is_readable { 0.0 } else { 1.0 });
            }
        }
        if let Some(total) = total {
            push_flow(&mut parsed, series(Metric::EtfFlowTotal, asset), day, &row[total], visit);
        }
    }
    Ok(parsed)
}

fn series(metric: Metric, asset: &Asset) -> SeriesKey {
    SeriesKey::new(metric, asset.clone(), source(), Period::INSTANT)
}

/// Adds the amount of a cell, where it holds one; false where it cannot be read.
fn push_flow(parsed: &mut Parsed, key: SeriesKey, day: Timestamp, cell: &str, visit: &PollContext) -> bool {
    match flow_usd(cell) {
        Ok(Some(value)) => {
            let knowledge = visit.knowledge(day.plus_ms(key.publication_lag_ms()));
            parsed.push(key, day, knowledge, value);
        }
        Ok(None) => {}
        Err(reason) => {
            parsed.refuse(key.to_string(), day, reason);
            return false;
        }
    }
    true
}

pub(super) fn source() -> Source {
    crate::ingest::settings::source("farside")
}

/// The text of every cell of a table, by row.
fn cells(table: ElementRef<'_>) -> Vec<Vec<String>> {
    let cell = selector("td, th");
    let text = |cell: ElementRef<'_>| cell.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    table.select(&selector("tr")).map(|row| row.select(&cell).map(text).collect()).collect()
}

/// Where a table has what.
struct Columns {
    /// The columns of funds, with their tickers.
    funds: Vec<(usize, String)>,
    /// The column of totals.
    total: Option<usize>,
    /// How many columns there are.
    width: usize,
}

/// The columns of a table. Its header has several rows; that of the tickers is the one with the most of them.
fn columns(rows: &[Vec<String>]) -> Result<Columns, ParseError> {
    let header = rows.iter().take_while(|row| trading_day(row).is_none());
    let tickers = |row: &Vec<String>| row.iter().filter(|text| is_ticker(text)).collect::<BTreeSet<_>>().len();
    let row = header.max_by_key(|row| tickers(row)).filter(|row| tickers(row) > 0);
    let row = row.ok_or_else(|| malformed("no row above the first date names the funds"))?;
    let funds = row.iter().enumerate().filter(|(_, text)| is_ticker(text));
    let funds = funds.map(|(column, text)| (column, text.clone())).collect();
    let total = row.iter().position(|text| text.eq_ignore_ascii_case("total"));
    Ok(Columns { funds, total, width: row.len() })
}

/// The date a row begins with.
fn trading_day(row: &[String]) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(row.first()?, "%d %b %Y").ok().filter(|day| Timestamp::from_date(*day).is_acceptable())
}

/// Fund tickers are capital letters and digits.
fn is_ticker(text: &str) -> bool {
    (2..=6).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && text.starts_with(|first: char| first.is_ascii_uppercase())
}

/// A cell in USD: `209.4`, `(44.5)` for an outflow, `1,373.8`, `0.0*` with a footnote; `None` where
/// nothing is reported.
fn flow_usd(cell: &str) -> Result<Option<f64>, String> {
    let text = cell.trim_end_matches('*').trim();
    if matches!(text, "" | "-" | "–") {
        return Ok(None);
    }
    let (digits, sign) = match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        Some(digits) => (digits, -1.0),
        None => (text, 1.0),
    };
    let millions: f64 = digits.replace(',', "").parse().map_err(|_| format!("`{cell}` is no amount"))?;
    if !millions.is_finite() {
        return Err(format!("`{cell}` is no amount"));
    }
    // The table has one decimal; whole dollars undo the noise of the multiplication.
    Ok(Some((sign * millions * UNIT_USD).round() + 0.0))
}

#[expect(clippy::expect_used, reason = "the selectors are literals of this file, and the tests use every one of them")]
fn selector(text: &'static str) -> Selector {
    Selector::parse(text).expect("a valid selector")
}

fn malformed(reason: &str) -> ParseError {
    ParseError::Malformed { expected: "page with a table of flows", reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("209.4", Ok(Some(209_400_000.0)))]
    #[case("(44.5)", Ok(Some(-44_500_000.0)))]
    #[case("1,373.8", Ok(Some(1_373_800_000.0)))]
    #[case("(1,113.7)", Ok(Some(-1_113_700_000.0)))]
    #[case("0.0", Ok(Some(0.0)))]
    #[case("0.0*", Ok(Some(0.0)))]
    #[case("-", Ok(None))]
    #[case("", Ok(None))]
    #[case("(0.0)", Ok(Some(0.0)))]
    #[case("tbc", Err("`tbc` is no amount".to_owned()))]
    #[case("inf", Err("`inf` is no amount".to_owned()))]
    fn cells_are_millions_with_outflows_in_brackets(#[case] cell: &str, #[case] usd: Result<Option<f64>, String>) {
        assert_eq!(flow_usd(cell), usd);
    }

    fn page(header: &str, rows: &[&str]) -> String {
        let row = |text: &str| {
            let cells: Vec<_> = text.split('|').map(|cell| format!("<td><span> {cell} </span></td>")).collect();
            format!("<tr>{}</tr>", cells.concat())
        };
        let rows: String = rows.iter().map(|text| row(text)).collect();
        format!("<p>x</p><table><tr><td>menu</td></tr></table><table class=etf>{}{rows}</table>", row(header))
    }

    fn read(html: &str) -> Parsed {
        let visit = PollContext { seen_until: None, now: "2026-02-04T02:00:00Z".parse().unwrap() };
        parse_table(html.as_bytes(), &Asset::btc(), &visit).unwrap()
    }

    fn flows(parsed: &Parsed) -> Vec<String> {
        let of_funds = parsed.batch.readings.iter().filter(|(key, _)| key.metric == Metric::EtfFlow);
        let rows = of_funds.flat_map(|(key, rows)| rows.iter().map(move |row| (key, row)));
        rows.map(|(key, row)| format!("{} {} {}", key, row.observed_at.date(), row.value)).collect()
    }

    #[test]
    fn a_column_added_in_the_middle_moves_no_other() {
        let before = read(&page("|IBIT|GBTC|Total", &["02 Feb 2026|561.8|(10.0)|551.8"]));
        let after = read(&page("|IBIT|MSBT|GBTC|Total", &["02 Feb 2026|561.8|-|(10.0)|551.8"]));
        assert_eq!(flows(&before), flows(&after));
        assert_eq!(
            flows(&after),
            ["etf_flow.btc.GBTC@farside 2026-02-02 -10000000", "etf_flow.btc.IBIT@farside 2026-02-02 561800000"]
        );
    }

    #[test]
    fn blanks_are_not_zeros_and_sums_are_not_rows() {
        let rows = [
            "Fee|0.25%|1.5%|",
            "Seed|10.6|2.0|12.6",
            "19 Jan 2026|||0.0",
            "03 Feb 2026|-|0.0|0.0",
            "Total|1|2|3",
            "Minimum|(1)|2|3",
        ];
        assert_eq!(flows(&read(&page("|IBIT|GBTC|Total", &rows))), ["etf_flow.btc.GBTC@farside 2026-02-03 0"]);
    }

    #[test]
    fn a_row_that_does_not_fit_the_header_is_refused_and_the_others_land() {
        let parsed = read(&page("|IBIT|GBTC|Total", &["02 Feb 2026|1.0|2.0", "03 Feb 2026|1.0|?|1.0"]));
        assert_eq!(flows(&parsed), ["etf_flow.btc.IBIT@farside 2026-02-03 1000000"]);
        assert_eq!(parsed.refused.len(), 2);
    }

    #[test]
    fn a_cell_that_cannot_be_read_is_marked_until_it_can_and_the_total_is_a_series() {
        let marks = |cell: &str| {
            let parsed = read(&page("|IBIT|GBTC|Total", &["03 Feb 2026|1.0|?|9.0", &format!("12 Jan 2026|1.0|{cell}|9.0")]));
            let told = parsed.batch.readings.iter().filter(|(key, _)| key.metric != Metric::EtfFlow);
            let rows = told
                .flat_map(|(key, rows)| rows.iter().map(move |row| format!("{key} {} {}", row.observed_at.date(), row.value)));
            rows.collect::<Vec<_>>()
        };
        let totals = ["etf_flow_total.btc@farside 2026-02-03 9000000", "etf_flow_total.btc@farside 2026-01-12 9000000"];
        let week = ["etf_unreadable.btc.GBTC@farside 2026-02-03 1", "etf_unreadable.btc.IBIT@farside 2026-02-03 0"];
        assert_eq!(marks("2.0"), [totals[0], totals[1], week[0], week[1]]);
        assert_eq!(marks("?"), [totals[0], totals[1], week[0], "etf_unreadable.btc.GBTC@farside 2026-01-12 1", week[1]]);
    }

    #[test]
    fn an_old_day_is_known_by_rule_and_a_day_that_is_filling_in_on_commit() {
        use crate::domain::KnownAtRule;
        let parsed = read(&page("|IBIT|GBTC|Total", &["02 Feb 2026|1.0|-|1.0", "03 Feb 2026|2.0|-|2.0"]));
        let rows = &parsed.batch.readings[&"etf_flow.btc.IBIT@farside".parse().unwrap()];
        assert_eq!(rows[0].knowledge, KnownAtRule::AtPublication("2026-02-03T05:00:00Z".parse().unwrap()));
        assert_eq!(rows[1].knowledge, KnownAtRule::OnCommit);
    }

    #[test]
    fn a_page_without_the_table_is_an_error() {
        let visit = PollContext { seen_until: None, now: Timestamp::default() };
        for html in ["", "<html>Just a moment...</html>", "<table><tr><td>02 Feb 2026</td></tr></table>"] {
            assert!(parse_table(html.as_bytes(), &Asset::btc(), &visit).is_err(), "{html}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, cells in proptest::collection::vec("[0-9A-Z(),.* -]{0,12}", 0..30)) {
            let visit = PollContext { seen_until: None, now: Timestamp::default() };
            let rows: Vec<_> = cells.chunks(4).map(|row| format!("<tr><td>{}</td></tr>", row.join("</td><td>"))).collect();
            let head = "<tr><th></th><th>IBIT</th></tr><tr><td>02 Feb 2026</td></tr>";
            let table = format!("<table>{head}{}</table>", rows.concat());
            let _ = parse_table(&body, &Asset::btc(), &visit);
            let _ = parse_table(table.as_bytes(), &Asset::btc(), &visit);
        }
    }
}
