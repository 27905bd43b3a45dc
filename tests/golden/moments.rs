//! Block merge: moments and covariance in one pass, joined from parts.

use market_stress::stats::moments::{CoMoments, Moments};

use crate::fixture::{CLOSE, EXACT, assert_close, number, numbers};

#[test]
fn the_vector_of_a_time_series_database_is_met() {
    let moments: Moments = numbers("/merge/timescale_vector/x").into_iter().collect();
    assert_close(moments.squared_deviations(), number("/merge/timescale_vector/sx2_centered"), EXACT);
    assert_close(moments.variance().unwrap(), number("/merge/timescale_vector/var_samp"), EXACT);
    assert_close(moments.mean().unwrap() * 5.0, number("/merge/timescale_vector/sx"), EXACT);
}

#[test]
fn large_offsets_do_not_cancel() {
    let moments: Moments = numbers("/merge/catastrophic/x").into_iter().collect();
    assert_close(moments.variance().unwrap(), number("/merge/catastrophic/var_true"), EXACT);
}

#[test]
fn covariance_of_parts_is_that_of_the_whole() {
    let pairs: Vec<(f64, f64)> = numbers("/cross_asset/a").into_iter().zip(numbers("/cross_asset/b")).collect();
    let (a, b) = pairs.split_at(5);
    let merged = a.iter().copied().collect::<CoMoments>().merge(b.iter().copied().collect());
    for name in ["ab", "direct"] {
        let expected = numbers(&format!("/merge/chan_cov/{name}"));
        assert_eq!(merged.x().count(), 12);
        assert_close(merged.x().mean().unwrap(), expected[1], EXACT);
        assert_close(merged.y().mean().unwrap(), expected[2], EXACT);
        assert_close(merged.x().squared_deviations(), expected[3], EXACT);
        assert_close(merged.y().squared_deviations(), expected[4], EXACT);
        assert_close(merged.product_deviations(), expected[5], EXACT);
    }
    assert_close(merged.correlation().unwrap(), number("/cross_asset/pearson"), CLOSE);
}
