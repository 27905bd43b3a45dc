//! Block `cross_asset`: correlation, beta and its three downside forms, tails.

use market_stress::stats::{
    correlation::{DownsideBeta, beta, downside_beta, fisher_interval, lower_tail_dependence, pearson, rolling, spearman},
    regression::Regression,
};
use rstest::rstest;

use crate::fixture::{CLOSE, EXACT, assert_close, number, numbers, value};

fn returns() -> (Vec<f64>, Vec<f64>) {
    (numbers("/cross_asset/a"), numbers("/cross_asset/b"))
}

#[test]
fn correlations_are_those_of_numpy_and_scipy() {
    let (a, b) = returns();
    assert_close(pearson(&a, &b).unwrap(), number("/cross_asset/pearson"), EXACT);
    assert_close(spearman(&a, &b).unwrap(), number("/cross_asset/scipy_spearman"), EXACT);
}

#[test]
fn the_rolling_correlation_waits_for_a_full_window() {
    let (a, b) = returns();
    let expected = value("/cross_asset/rolling6_pearson").as_array().unwrap();
    let actual = rolling(&a, &b, 6, pearson);
    assert_eq!(actual.len(), expected.len());
    for (actual, expected) in actual.into_iter().zip(expected) {
        assert_eq!(actual.is_some(), expected.is_number());
        if let (Some(actual), Some(expected)) = (actual, expected.as_f64()) {
            assert_close(actual, expected, CLOSE);
        }
    }
}

#[test]
fn the_interval_of_fisher_agrees() {
    let (low, high) = fisher_interval(number("/cross_asset/pearson"), 12).unwrap();
    assert_close(low, number("/cross_asset/fisher_ci95/0"), CLOSE);
    assert_close(high, number("/cross_asset/fisher_ci95/1"), CLOSE);
}

#[test]
fn beta_is_covariance_over_variance_and_the_slope_with_its_error() {
    let (a, b) = returns();
    assert_close(beta(&a, &b).unwrap(), number("/cross_asset/beta_cov_var"), EXACT);
    let slope = Regression::fit(&a, &[&b]).unwrap().classic().coefficient(1).unwrap();
    assert_close(slope.value, number("/cross_asset/beta_ols"), CLOSE);
    assert_close(slope.standard_error, number("/cross_asset/beta_se"), CLOSE);
}

#[rstest]
#[case(DownsideBeta::Bear, "downside_beta_PA_bear")]
#[case(DownsideBeta::BelowMean, "downside_beta_semicov_mean")]
#[case(DownsideBeta::BelowZero, "downside_beta_zero_target")]
fn each_downside_beta_is_its_own(#[case] definition: DownsideBeta, #[case] name: &str) {
    let (a, b) = returns();
    assert_close(downside_beta(&a, &b, definition).unwrap().beta, number(&format!("/cross_asset/{name}")), CLOSE);
}

#[test]
fn the_tails_of_the_sample_fall_together() {
    let (a, b) = returns();
    let tail = lower_tail_dependence(&a, &b, 0.25).unwrap();
    assert_close(tail.coefficient, number("/cross_asset/tail_dependence_q25"), EXACT);
    assert_eq!(tail.joint, 3);
}
