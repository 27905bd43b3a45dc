//! Blocks etf, funding, `open_interest` and marketcap.

use market_stress::stats::{
    breadth::Breadth,
    flows::{choppiness, cumulative, efficiency_ratio, flips, rolling_sums, runs_z, streak},
    funding::{annualised, annualised_compound, per_8h, weighted_mean},
    market_cap::{Span, contributions, dominance, equal_minus_cap_weighted, total},
    moments::Moments,
    open_interest::Change,
    threshold::at_most,
};
use serde_json::Value;

use crate::fixture::{CLOSE, EXACT, assert_all_close, assert_close, number, numbers, value};

#[test]
fn etf_flows_have_their_runs_and_sums() {
    let flows = numbers("/etf/flows");
    assert_all_close(&cumulative(&flows), &numbers("/etf/cum"), EXACT);
    let rolling: Vec<f64> = rolling_sums(&flows, 5).into_iter().flatten().collect();
    assert_all_close(&rolling, &numbers("/etf/roll5"), EXACT);
    assert_eq!(rolling_sums(&flows, 5).iter().filter(|sum| sum.is_none()).count(), 4);
    let streak = streak(&flows);
    assert_eq!((streak.days, streak.total < 0.0), (2, true));
    assert_eq!(value("/etf/streak_now").as_i64(), Some(-2));
    assert_eq!(value("/etf/sign_flips").as_u64().map(usize::try_from), Some(Ok(flips(&flows))));
    assert_close(choppiness(&flows).unwrap(), number("/etf/flip_rate"), EXACT);
    assert_close(efficiency_ratio(&flows).unwrap(), number("/etf/efficiency_ratio"), EXACT);
    assert_close(runs_z(&flows).unwrap(), number("/etf/runs_z"), EXACT);
    assert_close(runs_z(&flows).unwrap(), number("/etf/runs_z_statsmodels"), EXACT);
}

#[test]
fn a_flow_is_scored_against_the_days_before_it() {
    let flows = numbers("/etf/flows");
    let (&last, before) = flows.split_last().unwrap();
    let moments: Moments = before.iter().copied().collect();
    assert_close(moments.z_score(last).unwrap(), number("/etf/zscore_trailing_excl_current"), EXACT);
}

#[test]
fn funding_of_different_intervals_is_put_on_one_scale() {
    let venues: Vec<[f64; 3]> =
        value("/funding/x").as_array().unwrap().iter().map(|v| ["rate", "h", "oi"].map(|k| v[k].as_f64().unwrap())).collect();
    let annual: Vec<f64> = venues.iter().map(|[rate, hours, _]| annualised(*rate, *hours)).collect();
    assert_all_close(&annual, &numbers("/funding/annual_simple"), EXACT);
    let compound: Vec<f64> = venues.iter().filter_map(|[rate, hours, _]| annualised_compound(*rate, *hours)).collect();
    assert_all_close(&compound, &numbers("/funding/annual_compound"), CLOSE);
    let eight: Vec<f64> = venues.iter().map(|[rate, hours, _]| per_8h(*rate, *hours)).collect();
    assert_all_close(&eight, &numbers("/funding/per8h"), EXACT);
    let weigh = |rates: &[f64]| {
        weighted_mean(&rates.iter().zip(&venues).map(|(rate, venue)| (*rate, venue[2])).collect::<Vec<_>>()).unwrap()
    };
    assert_close(weigh(&annual), number("/funding/oi_weighted_annual"), EXACT);
    assert_close(weigh(&eight), number("/funding/oi_weighted_8h"), EXACT);
}

#[test]
fn open_interest_splits_into_position_and_price() {
    let [price, coins] = ["p", "coins"].map(|name| numbers(&format!("/open_interest/{name}")));
    let change = Change::of_linear((coins[0], price[0]), (coins[1], price[1]));
    assert_close(change.position_usd, number("/open_interest/position_effect_mid"), EXACT);
    assert_close(change.price_usd, number("/open_interest/price_effect_mid"), EXACT);
    assert_close(change.total_usd(), number("/open_interest/d_usd"), EXACT);
}

fn span(asset: &str) -> Span {
    let ends = numbers(&format!("/marketcap/mc/{asset}"));
    Span { start: ends[0], end: ends[1] }
}

#[test]
fn contributions_explain_the_change_of_the_total() {
    let names = ["BTC", "ETH", "SOL", "USDT", "XXX"];
    let assets = names.map(span);
    let whole = total(&assets);
    assert_all_close(&[whole.start, whole.end], &numbers("/marketcap/total"), EXACT);
    assert_close(whole.change().unwrap(), number("/marketcap/change_pct"), EXACT);
    for (name, share) in names.iter().zip(contributions(&assets).unwrap()) {
        assert_close(share, number(&format!("/marketcap/contribution_pp/{name}")), EXACT);
    }
    let btc = span("BTC");
    let shares = [dominance(btc.start, whole.start).unwrap(), dominance(btc.end, whole.end).unwrap()];
    assert_all_close(&shares, &numbers("/marketcap/dominance_btc"), EXACT);
    let coins = total(&["BTC", "ETH", "SOL", "XXX"].map(span));
    let shares = [dominance(btc.start, coins.start).unwrap(), dominance(btc.end, coins.end).unwrap()];
    assert_all_close(&shares, &numbers("/marketcap/dominance_btc_ex_stable"), EXACT);
}

#[test]
fn the_small_did_worse_than_the_large() {
    let relative = span("XXX").log_change().unwrap() - span("BTC").log_change().unwrap();
    assert_close(relative, number("/marketcap/small_vs_large_log"), EXACT);
    let coins = ["BTC", "ETH", "SOL", "XXX"].map(span);
    let gap = equal_minus_cap_weighted(&coins).unwrap();
    assert_close(gap, number("/marketcap/equal_weight_minus_cap_weight_simple"), EXACT);
}

#[test]
fn breadth_counts_an_exact_fifth() {
    let drawdowns = value("/marketcap/breadth_dd20/drawdowns").as_object().unwrap().values();
    let breadth: Breadth = drawdowns.map(|depth| Value::as_f64(depth).map(|depth| at_most(depth, -0.2))).collect();
    assert_close(breadth.share(1).unwrap(), number("/marketcap/breadth_dd20/share"), EXACT);
}
