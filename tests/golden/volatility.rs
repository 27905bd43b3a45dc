//! Blocks vol, `ohlc_estimators`, liquidity, and R's TTR and bidask.

use market_stress::stats::{
    liquidity::{abdi_ranaldo, amihud, corwin_schultz, roll},
    ohlc::{Ohlc, log_returns},
    volatility::{close_to_close, ewma_variance, garman_klass, parkinson, rogers_satchell, variance_risk_premium, yang_zhang},
};

use crate::fixture::{CLOSE, EXACT, assert_all_close, assert_close, number, numbers};

const DAYS: f64 = 365.0;

fn bars() -> Vec<Ohlc> {
    let [open, high, low, close] = ["open", "high", "low", "close"].map(|name| numbers(&format!("/inputs/ohlc/{name}")));
    (0..open.len()).map(|i| Ohlc { open: open[i], high: high[i], low: low[i], close: close[i] }).collect()
}

fn returns() -> Vec<f64> {
    log_returns(&numbers("/inputs/ohlc/close"))
}

fn latest<T>(values: &[T], n: usize) -> &[T] {
    &values[values.len() - n..]
}

#[test]
fn range_estimators_are_those_of_ttr() {
    let bars = bars();
    for (ours, python, r) in [
        (parkinson(latest(&bars, 10), DAYS), "parkinson", "parkinson"),
        (garman_klass(latest(&bars, 10), DAYS), "garman_klass", "garman.klass"),
        (rogers_satchell(latest(&bars, 10), DAYS), "rogers_satchell", "rogers.satchell"),
        (yang_zhang(latest(&bars, 11), DAYS), "yang_zhang", "yang.zhang"),
    ] {
        assert_close(ours.unwrap(), number(&format!("/ohlc_estimators/{python}")), EXACT);
        assert_close(ours.unwrap(), number(&format!("/r/ttr/{r}")), CLOSE);
    }
}

#[test]
fn close_to_close_uses_returns_where_ttr_counts_closes() {
    assert_all_close(&returns(), &numbers("/vol/log_returns"), CLOSE);
    let returns = returns();
    assert_close(close_to_close(latest(&returns, 10), DAYS).unwrap(), number("/vol/rv_last10_ddof1_ann365"), EXACT);
    let nine = close_to_close(latest(&returns, 9), DAYS).unwrap();
    assert_close(nine, number("/ohlc_estimators/close_TTR_n_minus_1_returns"), EXACT);
    assert_close(nine, number("/r/ttr/close"), EXACT);
    let shorter_year = close_to_close(latest(&returns, 10), 252.0).unwrap();
    assert_close(shorter_year / number("/vol/rv_last10_ddof1_ann365"), number("/vol/ann252_over_365_ratio"), EXACT);
}

#[test]
fn the_weighted_variance_includes_the_latest_return() {
    let returns = returns();
    let variance = ewma_variance(returns[0] * returns[0], &returns[1..], 0.94);
    assert_close(variance, number("/vol/ewma94_var_including_last_seed_first_sq"), EXACT);
    assert_close((variance * DAYS).sqrt(), number("/vol/ewma94_vol_ann"), EXACT);
    // The reference library starts from its own backcast and stops before the latest return.
    let before = ewma_variance(number("/vol/arch_backcast"), &returns[..28], 0.94);
    assert_close(before, number("/vol/arch_EWMAVariance_last_conditional"), CLOSE);
}

#[test]
fn the_variance_risk_premium_is_a_difference_of_squares() {
    let premium = variance_risk_premium(number("/vix/vrp_example/dvol"), number("/vix/vrp_example/rv30"));
    assert_close(premium, number("/vix/vrp_example/variance_pts"), EXACT);
}

#[test]
fn spreads_are_those_of_bidask() {
    let bars = bars();
    let floored = corwin_schultz(&bars).unwrap();
    assert_close(floored, number("/ohlc_estimators/corwin_schultz_zero_floored"), EXACT);
    assert_close(floored, number("/r/bidask/CS2"), EXACT);
    let signed = abdi_ranaldo(&bars).unwrap();
    assert_close(signed, number("/ohlc_estimators/abdi_ranaldo"), EXACT);
    assert_close(signed, number("/r/bidask/AR"), EXACT);
    let roll = roll(&returns()).unwrap();
    assert_close(roll, number("/ohlc_estimators/roll_signed"), EXACT);
    assert_close(roll, number("/r/bidask/ROLL"), EXACT);
}

#[test]
fn illiquidity_is_the_mean_return_per_dollar() {
    let periods: Vec<(f64, f64)> = returns().into_iter().zip(numbers("/liquidity/usd_volume")).collect();
    assert_close(amihud(&periods).unwrap().per_usd, number("/liquidity/amihud_logret_mean"), EXACT);
    assert_close(amihud(&periods).unwrap().per_usd * 1e6, number("/liquidity/amihud_x1e6"), EXACT);
}
