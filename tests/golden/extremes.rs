//! The tail and the self-excitation of block liquidations.

use market_stress::stats::{extremes::ParetoTail, hawkes::Hawkes};

use crate::fixture::{CLOSE, EXACT, FITTED, assert_close, number, numbers};

#[test]
fn the_pareto_tail_is_that_of_scipy() {
    let fit = ParetoTail::fit(&numbers("/liquidations/gpd/excesses")).unwrap();
    // The reference stops its search 1e-4 from the summit; ours is at least as high.
    assert!((fit.shape - number("/liquidations/gpd/xi")).abs() < FITTED);
    assert_close(fit.scale, number("/liquidations/gpd/beta"), FITTED);
    assert_close(fit.log_likelihood, number("/liquidations/gpd/loglik"), CLOSE);
    assert!(fit.log_likelihood >= number("/liquidations/gpd/loglik"));
    let (threshold, exceeding) = (number("/liquidations/gpd/u"), number("/liquidations/gpd/exceed_prob"));
    let level = threshold + fit.return_level(1000.0, exceeding).unwrap();
    assert_close(level, number("/liquidations/gpd/return_level_1_in_1000"), FITTED);
    assert_close(fit.survival(25.0 - threshold) * exceeding, number("/liquidations/gpd/tail_prob_at_25"), FITTED * 10.0);
}

#[test]
fn the_likelihood_of_bursts_is_that_of_the_double_sum() {
    let parameter = |name: &str| number(&format!("/liquidations/hawkes/{name}"));
    let process = Hawkes { background: parameter("mu"), branching: parameter("branching"), decay: parameter("beta") };
    let times = numbers("/liquidations/hawkes/times");
    assert_close(process.log_likelihood(&times, parameter("T")), parameter("loglik_brute"), EXACT);
    assert_close(process.intensity_after_last(&times), parameter("intensity_after_last"), EXACT);
}
