//! Block ecdf and the robust scores of block liquidations.

use market_stress::stats::{
    moments::Moments,
    rank::{mid_rank, robust_z, robust_z_of_logs, trailing_mid_ranks},
};

use crate::fixture::{EXACT, assert_all_close, assert_close, number, numbers};

#[test]
fn mid_ranks_are_those_of_scipy_and_pandas() {
    let x = numbers("/ecdf/x");
    let full: Vec<f64> = x.iter().map(|&value| mid_rank(&x, value).unwrap()).collect();
    assert_all_close(&full, &numbers("/ecdf/rank_avg_over_n"), EXACT);
    assert_all_close(&full, &numbers("/ecdf/scipy_rank"), EXACT);
    assert_all_close(&trailing_mid_ranks(&x, usize::MAX), &numbers("/ecdf/expanding"), EXACT);
    assert_all_close(&trailing_mid_ranks(&x, usize::MAX), &numbers("/ecdf/pandas_expanding_rank_pct"), EXACT);
}

#[test]
fn a_spike_scores_less_on_logs() {
    let x = numbers("/liquidations/x");
    let (&spike, baseline) = x.split_last().unwrap();
    assert_close(robust_z(baseline, spike).unwrap(), number("/liquidations/robust_z_mad"), EXACT);
    // The reference took ln(x); ours takes ln(1 + x), which also has a value for a minute without liquidations.
    let logs: Vec<f64> = baseline.iter().map(|x| x.ln()).collect();
    assert_close(robust_z(&logs, spike.ln()).unwrap(), number("/liquidations/log_robust_z"), EXACT);
    let shifted: Vec<f64> = baseline.iter().map(|x| x - 1.0).collect();
    assert_close(robust_z_of_logs(&shifted, spike - 1.0).unwrap(), number("/liquidations/log_robust_z"), EXACT);
    let classic: Moments = baseline.iter().copied().collect();
    assert_close(classic.z_score(spike).unwrap(), number("/liquidations/classic_z_ddof1"), EXACT);
}
