//! Blocks `baur_mcdermott` and `baur_lucey`: regressions of statsmodels with errors of Newey and West.

use market_stress::stats::{
    regression::{Estimate, Regression},
    safe_haven::{Protection, SingleTailExposure, TailExposure},
};

use crate::fixture::{CLOSE, assert_all_close, assert_close, number, numbers};

const LAGS: usize = 5;

fn exposure() -> TailExposure {
    TailExposure::fit(&numbers("/baur_mcdermott/y"), &numbers("/baur_mcdermott/x"), LAGS).unwrap()
}

#[test]
fn the_nested_dummies_agree() {
    let exposure = exposure();
    assert_all_close(&exposure.thresholds, &numbers("/baur_mcdermott/quantiles_type7"), CLOSE);
    assert_eq!(exposure.tail_counts, [60, 30, 6]);
    assert_all_close(&exposure.coefficients, &numbers("/baur_mcdermott/ols"), CLOSE);
}

#[test]
fn standard_errors_agree_under_both_assumptions() {
    let (y, x) = (numbers("/baur_mcdermott/y"), numbers("/baur_mcdermott/x"));
    let [d10, d5, d1] =
        exposure().thresholds.map(|threshold| -> Vec<f64> { x.iter().map(|&r| if r <= threshold { r } else { 0.0 }).collect() });
    let fit = Regression::fit(&y, &[&x, &d10, &d5, &d1]).unwrap();
    for (inference, name) in [(fit.classic(), "ols_se_nonrobust"), (fit.newey_west(LAGS), "hac5_se")] {
        let errors: Vec<f64> = (0..5).map(|i| inference.coefficient(i).unwrap().standard_error).collect();
        assert_all_close(&errors, &numbers(&format!("/baur_mcdermott/{name}")), CLOSE);
    }
}

#[test]
fn cumulative_exposures_agree_and_decide() {
    let exposure = exposure();
    let expect = |estimate: Estimate, index: usize| {
        let expected = |name| number(&format!("/baur_mcdermott/cumulative_hac5/{index}/{name}"));
        assert_close(estimate.value, expected("coef"), CLOSE);
        assert_close(estimate.standard_error, expected("se"), CLOSE);
        assert_close(estimate.p_value, expected("p_two_sided"), CLOSE);
    };
    expect(exposure.average, 0);
    for (index, tail) in exposure.tails.into_iter().enumerate() {
        expect(tail, index + 1);
    }
    assert_eq!(exposure.hedge(0.05), Protection::Weak);
    assert_eq!(exposure.safe_haven(0.05), [Protection::Weak, Protection::Weak, Protection::Strong]);
}

#[test]
fn the_single_tail_agrees() {
    let exposure = SingleTailExposure::fit(&numbers("/baur_mcdermott/y"), &numbers("/baur_mcdermott/x"), 0.05, LAGS).unwrap();
    assert_all_close(&exposure.coefficients, &numbers("/baur_lucey/coef"), CLOSE);
    assert_close(exposure.tail.value, exposure.coefficients[1] + exposure.coefficients[2], CLOSE);
}
