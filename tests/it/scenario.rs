//! The states of the bundled scenario, measured by the formulas themselves: what the report states
//! without a figure.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use market_stress::domain::{Bar, Batch, Metric, Observation, SeriesKey, Timestamp};
use market_stress::scenario;
use market_stress::stats::open_interest::is_deleveraging;
use market_stress::stats::options::{Right, Smile, SmileQuote, TermStructure};
use market_stress::stats::rank::{median, mid_rank};
use market_stress::stats::safe_haven::{Protection, TailExposure};
use market_stress::stats::{regime, volatility};

static BATCHES: LazyLock<Vec<Batch>> = LazyLock::new(|| scenario::batches().unwrap());

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn readings(key: &str) -> &'static [Observation<f64>] {
    let key: SeriesKey = key.parse().unwrap();
    BATCHES.iter().find_map(|batch| batch.readings.get(&key)).unwrap_or_else(|| panic!("no rows of {key}"))
}

fn days(asset: &str) -> &'static [Observation<Bar>] {
    let key: SeriesKey = format!("candle.{asset}@scenario:1d").parse().unwrap();
    BATCHES.iter().find_map(|batch| batch.candles.get(&key)).unwrap_or_else(|| panic!("no rows of {key}"))
}

fn close(asset: &str, day: &str) -> f64 {
    days(asset).iter().find(|bar| bar.observed_at == at(day)).unwrap_or_else(|| panic!("no {asset} on {day}")).value.close
}

fn log_returns(values: &[f64]) -> Vec<f64> {
    values.windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect()
}

/// The yearly volatility of the last `n` daily returns up to each day, from the 30th return on.
fn realised(returns: &[f64], n: usize) -> Vec<f64> {
    (30..=returns.len()).map(|end| volatility::close_to_close(&returns[end - n..end], 365.0).unwrap()).collect()
}

fn bitcoin_returns() -> Vec<f64> {
    log_returns(&days("btc").iter().map(|day| day.value.close).collect::<Vec<_>>())
}

#[test]
fn s11_open_interest_at_the_cutoff_is_a_deleveraging() {
    let rows = readings("open_interest_native.btc@scenario");
    let hourly: Vec<f64> = rows.iter().filter(|row| row.observed_at >= at("2025-10-01")).map(|row| row.value).collect();
    let daily: Vec<f64> = hourly.windows(25).rev().step_by(24).map(|span| (span[24] / span[0]).ln()).take(91).collect();
    let prices = readings("open_interest.btc@scenario").iter().zip(rows).map(|(usd, coins)| usd.value / coins.value);
    let prices: Vec<f64> = prices.rev().take(25).collect();
    let sigma = volatility::close_to_close(&bitcoin_returns().iter().rev().take(30).copied().collect::<Vec<_>>(), 1.0);
    assert_eq!(is_deleveraging(daily[0], &daily[1..], (prices[0] / prices[24]).ln(), sigma.unwrap()), Some(true));
}

#[test]
fn s16_small_coins_lost_nearly_70_percent_in_a_year_and_large_ones_less() {
    let year = |asset: &str| (close(asset, "2026-02-03") / close(asset, "2025-02-03") - 1.0) * 100.0;
    let small = ["vet", "fil", "algo", "theta", "xtz", "sand", "mana", "gala", "axs", "chz", "flow", "egld", "icp", "atom"];
    let small = median(&small.map(year)).unwrap();
    assert!((small + 69.0).abs() < 1.0, "{small}");
    assert!(median(&["btc", "eth", "bnb", "xrp", "sol", "trx", "bch"].map(year)).unwrap() > small + 30.0);
}

#[test]
fn s17_and_s18_shares_fell_from_near_their_records_while_metals_and_oil_rose() {
    for asset in ["sp500", "nasdaq"] {
        let highest = days(asset).iter().map(|day| day.value.high).fold(0.0, f64::max);
        let last = close(asset, "2026-02-03");
        assert!((-4.0..0.0).contains(&((last / highest - 1.0) * 100.0)), "{asset}: {last} under {highest}");
        assert!(last < close(asset, "2026-02-02") && last < close(asset, "2026-01-27"), "{asset}");
    }
    for asset in ["gold", "silver", "wti"] {
        let last = close(asset, "2026-02-03");
        assert!(last > close(asset, "2026-02-02") && last > close(asset, "2026-01-27"), "{asset}");
    }
}

/// The exposure of an asset's returns to those of shares over their common days.
fn exposure_to_shares(asset: &str) -> TailExposure {
    let asset: BTreeMap<Timestamp, f64> = days(asset).iter().map(|day| (day.observed_at, day.value.close)).collect();
    let both = days("sp500").iter().filter_map(|day| Some((*asset.get(&day.observed_at)?, day.value.close)));
    let (asset, shares): (Vec<f64>, Vec<f64>) = both.unzip();
    TailExposure::fit(&log_returns(&asset), &log_returns(&shares), 10).unwrap()
}

#[test]
fn s19_bitcoin_falls_with_shares_on_ordinary_and_on_the_worst_days_and_gold_does_not() {
    let bitcoin = exposure_to_shares("btc");
    assert_eq!(bitcoin.hedge(0.05), Protection::None, "{bitcoin:?}");
    assert_eq!(bitcoin.safe_haven(0.05), [Protection::None; 3], "{bitcoin:?}");
    let gold = exposure_to_shares("gold");
    assert!(!gold.safe_haven(0.05).contains(&Protection::None), "{gold:?}");
}

/// The 30-day risk reversal of the chain at an instant, volatility points.
fn risk_reversal(chain: &BTreeMap<String, (f64, Vec<SmileQuote>)>, when: Timestamp) -> Option<f64> {
    let points = chain.iter().filter_map(|(expiry, (forward, quotes))| {
        let date = chrono::NaiveDate::parse_from_str(expiry, "%d%b%y").unwrap();
        let years = Timestamp::from_date(date).plus_ms(8 * 3_600_000).days_since(when) / 365.0;
        Some((years, Smile::new(*forward, years, quotes)?.wings()?.risk_reversal() * 100.0))
    });
    TermStructure::new(points.collect()).linear_at(30.0 / 365.0)
}

#[test]
fn s20_puts_are_dearer_than_on_nine_of_ten_days() {
    let mut chains: BTreeMap<Timestamp, BTreeMap<String, (f64, Vec<SmileQuote>)>> = BTreeMap::new();
    for (key, rows) in BATCHES.iter().flat_map(|batch| &batch.readings) {
        let part: Vec<&str> = key.part.as_deref().unwrap_or_default().split('-').collect();
        for row in rows {
            match (key.metric, &part[..]) {
                (Metric::OptionForward, [expiry]) => {
                    chains.entry(row.observed_at).or_default().entry((*expiry).to_owned()).or_default().0 = row.value;
                }
                (Metric::OptionVol, [expiry, strike, right]) => {
                    let right = if *right == "P" { Right::Put } else { Right::Call };
                    let quote = SmileQuote { right, strike: strike.parse().unwrap(), vol: row.value / 100.0 };
                    chains.entry(row.observed_at).or_default().entry((*expiry).to_owned()).or_default().1.push(quote);
                }
                _ => {}
            }
        }
    }
    let reversals: Vec<f64> = chains.iter().filter_map(|(when, chain)| risk_reversal(chain, *when)).collect();
    assert!(reversals.len() > 350, "{} of {} days", reversals.len(), chains.len());
    let last = *reversals.last().unwrap();
    assert!(last < -9.0 && mid_rank(&reversals, last).unwrap() < 0.1, "{last}");
}

#[test]
fn s21_volatility_picked_up_in_the_last_two_weeks_after_a_prolonged_calm() {
    let returns = bitcoin_returns();
    let (month, week) = (realised(&returns, 30), realised(&returns, 7));
    let calm = regime::calm_days(&month);
    let pickups = regime::pickups(&calm, &month, &week);
    let since = month.len() - 1 - pickups.last().copied().unwrap();
    assert!(since < 14, "{since} days ago");
    assert!(pickups.len() < 15, "a signal is rare: {pickups:?}");
    let longest = calm[calm.len() - 20..].iter().max().unwrap();
    assert!(*longest >= 30, "{longest}");
}
