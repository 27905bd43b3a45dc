//! Blocks options and vix: deltas, the wings of a smile, implied volatility, the variance strip.

use market_stress::stats::options::{
    Right, Smile, SmileQuote, StripQuote, TermStructure, black_price, call_delta, implied_vol, put_call_ratio, strip_variance,
};

use crate::fixture::{CLOSE, assert_close, number, value};

fn chain() -> Vec<(f64, f64, f64)> {
    let row = |row: &serde_json::Value| ["K", "iv", "dc"].map(|name| row[name].as_f64().unwrap()).into();
    value("/options/chain").as_array().unwrap().iter().map(row).collect()
}

#[test]
fn deltas_are_plain_on_the_forward() {
    for (strike, vol, expected) in chain() {
        let delta = call_delta(number("/options/F"), strike, vol, number("/options/T"));
        assert_close(delta, expected, CLOSE);
    }
}

#[test]
fn the_wings_are_interpolated_by_delta() {
    let forward = number("/options/F");
    let right = |strike| if strike < forward { Right::Put } else { Right::Call };
    let quotes: Vec<_> = chain().into_iter().map(|(strike, vol, _)| SmileQuote { right: right(strike), strike, vol }).collect();
    let wings = Smile::new(forward, number("/options/T"), &quotes).unwrap().wings().unwrap();
    assert_close(wings.call_25, number("/options/c25_interp"), CLOSE);
    assert_close(wings.put_25, number("/options/p25_interp"), CLOSE);
    assert_close(wings.risk_reversal(), number("/options/rr25_interp"), CLOSE);
    // A grid of five dollars errs by 0.03 volatility points against the exact smile.
    assert!((wings.risk_reversal() - number("/options/rr25_exact")).abs() < 4e-4);
    // The exact butterfly is taken against the volatility at the forward, 0.5, and not at delta 0.5 as ours is.
    let against_the_forward = wings.butterfly() + wings.at_the_money - 0.5;
    assert!((against_the_forward - number("/options/bf25_exact")).abs() < 4e-4);
}

#[test]
fn a_premium_gives_its_volatility_back() {
    let price = black_price(Right::Call, 100.0, 110.0, 0.55, 0.1);
    let vol = implied_vol(Right::Call, price, 100.0, 110.0, 0.1).unwrap();
    assert_close(vol, number("/options/black_iv_roundtrip"), CLOSE);
}

#[test]
fn puts_per_call_agree() {
    for (put, call, ratio) in [("put_oi", "call_oi", "oi_ratio"), ("put_vol", "call_vol", "vol_ratio")] {
        let of = |name| number(&format!("/options/pcr/{name}"));
        assert_close(put_call_ratio(of(put), of(call)).unwrap(), of(ratio), CLOSE);
    }
}

#[test]
fn the_strip_of_a_flat_smile_agrees_and_so_does_the_thirty_day_index() {
    let forward = number("/vix/F");
    let mut points = Vec::new();
    for index in 0..2 {
        let (years, vol) = (number(&format!("/vix/T/{index}")), number(&format!("/vix/flat_vols/{index}")));
        let quote = |thousands: i32| {
            let strike = f64::from(thousands) * 1000.0;
            let premium = |right| black_price(right, forward, strike, vol, years);
            let (call, put) = (premium(Right::Call), premium(Right::Put));
            StripQuote { strike, call_bid: 1.0, call, put_bid: 1.0, put }
        };
        let variance = strip_variance(forward, years, &(20..=300).map(quote).collect::<Vec<_>>()).unwrap();
        assert_close(variance, number(&format!("/vix/sigma2/{index}")), CLOSE);
        points.push((years, variance.sqrt()));
    }
    let index = 100.0 * TermStructure::new(points).vol_at(30.0 / 365.0).unwrap();
    assert_close(index, number("/vix/index30"), CLOSE);
}
