//! Blocks drawdown, rallies, numerics and the drawdowns of R's `PerformanceAnalytics`.

use market_stress::stats::{
    drawdown::{self, MaxDrawdown},
    episodes::{Episode, Outcome, Rebound, deepest, episodes, rebounds},
    since::lowest_since,
    threshold::has_fallen_by,
};
use serde_json::Value;

use crate::fixture::{CLOSE, EXACT, assert_all_close, assert_close, number, numbers, value};

fn path(values: &[f64]) -> MaxDrawdown {
    (0..).zip(values.iter().copied()).collect()
}

fn index(value: &Value) -> Option<usize> {
    value.as_u64().map(|i| usize::try_from(i).unwrap())
}

#[test]
fn the_drawdown_series_is_that_of_three_libraries() {
    let series = drawdown::series(&numbers("/inputs/prices"));
    assert_all_close(&series, &numbers("/drawdown/series_ffn"), EXACT);
    assert_all_close(&series[1..], &numbers("/r/pa/drawdowns"), CLOSE);
    assert_close(drawdown::current(&numbers("/inputs/prices")).unwrap(), number("/drawdown/current"), EXACT);
}

#[test]
fn the_maximum_drawdown_is_that_of_four_libraries() {
    let worst = path(&numbers("/inputs/prices")).worst().unwrap();
    assert_close(worst.depth(), number("/drawdown/max_ffn"), EXACT);
    assert_close(worst.depth(), number("/drawdown/max_empyrical"), EXACT);
    assert_close(worst.depth(), number("/drawdown/max_quantstats_prices"), EXACT);
    assert_close(-worst.depth(), number("/r/pa/max_drawdown"), EXACT);
    assert_eq!((worst.peak.at, worst.trough.at), (10, 12));
}

#[test]
fn blocks_merge_to_the_whole() {
    let prices = numbers("/inputs/prices");
    let parts = [path(&prices[..5]), path(&prices[5..9]), path(&prices[9..])];
    for (i, part) in parts.iter().enumerate() {
        let expected = |name| number(&format!("/drawdown/merge/parts/{i}/{name}"));
        assert_close(part.highest().unwrap().value, expected("max"), EXACT);
        assert_close(part.lowest().unwrap().value, expected("min"), EXACT);
        assert_close(part.depth().unwrap() + 1.0, expected("mdd_ratio"), EXACT);
    }
    let whole = parts[0].merge(parts[1]).merge(parts[2]);
    assert_close(whole.depth().unwrap() + 1.0, number("/drawdown/merge/whole_mdd_ratio"), EXACT);
}

#[test]
fn ulcer_pain_and_rank_use_all_observations() {
    let series = drawdown::series(&numbers("/inputs/prices"));
    let ulcer = drawdown::ulcer_index(&series).unwrap();
    assert_close(ulcer, number("/drawdown/ulcer_fraction_N"), EXACT);
    assert_close(ulcer * 100.0, number("/drawdown/ulcer_pct_ffn"), EXACT);
    assert_close(ulcer * (14.0_f64 / 13.0).sqrt(), number("/r/pa/ulcer"), EXACT);
    let pain = drawdown::pain_index(&series).unwrap();
    assert_close(pain, number("/drawdown/pain_fraction_N"), EXACT);
    assert_close(pain * 14.0 / 13.0, number("/r/pa/pain"), EXACT);
    assert_close(drawdown::depth_rank(&series).unwrap(), number("/drawdown/percentile_rank_midrank"), EXACT);
    assert_close(drawdown::required_gain(series[13]).unwrap(), number("/drawdown/required_gain_current"), EXACT);
}

#[track_caller]
fn assert_episodes(found: &[Episode], pointer: &str) {
    let expected = value(pointer).as_array().unwrap();
    assert_eq!(found.len(), expected.len());
    for (episode, row) in found.iter().zip(expected) {
        assert_eq!(Some(episode.peak), index(&row["peak"]));
        assert_eq!(Some(episode.trough), index(&row["trough"]));
        assert_eq!(episode.recovery, index(&row["recovery"]));
        assert_eq!(Some(episode.decline()), index(&row["decline_len"]));
        assert_eq!(Some(episode.underwater()), index(&row["underwater_len"]));
        assert_eq!(episode.recovering(), index(&row["recovery_len"]));
        assert_close(episode.peak_value, row["peak_value"].as_f64().unwrap(), EXACT);
        assert_close(episode.trough_value, row["trough_value"].as_f64().unwrap(), EXACT);
        assert_close(episode.depth(), row["depth"].as_f64().unwrap(), EXACT);
        assert_close(episode.required_gain().unwrap(), row["required_gain"].as_f64().unwrap(), EXACT);
    }
}

#[test]
fn episodes_have_their_reference_dates_and_durations() {
    assert_episodes(&episodes(&numbers("/inputs/prices")), "/drawdown/episodes_reference");
    assert_episodes(&episodes(&numbers("/inputs/ties")), "/drawdown/episodes_ties");
    assert_episodes(&episodes(&numbers("/inputs/rally_prices")), "/rallies/episodes");
}

#[test]
fn the_deepest_episode_comes_first_and_equals_stay_in_time_order() {
    let mut peaks: Vec<usize> = deepest(&numbers("/inputs/prices"), 0.05).iter().map(|e| e.peak).collect();
    // The two shallowest differ in their last bit only.
    peaks[2..].sort_unstable();
    let expected: Vec<usize> = value("/drawdown/top_by_depth").as_array().unwrap().iter().filter_map(index).collect();
    assert_eq!(peaks, expected);
}

#[test]
fn an_open_episode_is_where_r_says_it_is() {
    // R counts from 1 and from the first observation under water, on a path without its first price.
    let open = *episodes(&numbers("/inputs/prices")).last().unwrap();
    assert_eq!(index(value("/r/pa/find/trough/7")), Some(open.trough));
    assert_eq!(index(value("/r/pa/find/from/7")), Some(open.peak + 1));
}

#[track_caller]
fn assert_rebounds(found: &[Rebound], pointer: &str) {
    let expected = value(pointer).as_array().unwrap();
    assert_eq!(found.len(), expected.len());
    for (rebound, row) in found.iter().zip(expected) {
        assert_eq!((Some(rebound.low), Some(rebound.high)), (index(&row["low"]), index(&row["high"])));
        assert_close(rebound.gain, row["gain"].as_f64().unwrap(), EXACT);
        let outcome = match index(&row["confirmed_at"]) {
            Some(confirmed_at) => Outcome::Failed { confirmed_at },
            None => Outcome::Recovered,
        };
        assert_eq!(rebound.outcome, outcome);
    }
}

#[test]
fn failed_rebounds_are_those_of_the_zig_zag() {
    let prices = numbers("/inputs/rally_prices");
    let episode = episodes(&prices)[0];
    assert_rebounds(&rebounds(&prices, &episode, 0.1), "/rallies/x10");
    assert_rebounds(&rebounds(&prices, &episode, 0.2), "/rallies/x20");
}

#[test]
fn the_lowest_since_is_found() {
    assert_eq!(lowest_since(&numbers("/inputs/prices")[..=12]), Some(5));
}

#[test]
fn two_exact_falls_of_a_fifth_are_both_seen() {
    assert_eq!(value("/numerics/threshold_trap/with_tolerance"), &serde_json::json!([true, true]));
    assert!(has_fallen_by(0.2, 121.0, 96.8));
    assert!(has_fallen_by(0.2, 140.0, 112.0));
}
