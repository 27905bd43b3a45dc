//! The stress index against an independent implementation of the published recipe, with two parameter sets.

use market_stress::stats::composite::{Composite, Reading, Recipe, SegmentRecipe};
use rstest::rstest;
use serde_json::Value;

use crate::fixture::{CLOSE, assert_close, number, value};

const SEGMENTS: [(&str, &[&str]); 3] = [("A", &["a1", "a2"]), ("B", &["b1", "b2"]), ("C", &["c1"])];

fn recipe(set: &str) -> Recipe {
    let whole = |name: &str| usize::try_from(value(&format!("/ciss/{set}/params/{name}")).as_u64().unwrap()).unwrap();
    let segment = |(name, indicators): (&str, &[&str])| SegmentRecipe {
        weight: number(&format!("/ciss/weights/{name}")),
        indicators: indicators.len(),
    };
    let power = number(&format!("/ciss/{set}/params/p"));
    Recipe {
        segments: SEGMENTS.map(segment).to_vec(),
        power,
        rerank: power > 1.0,
        decay: number(&format!("/ciss/{set}/params/lam")),
        window: whole("cap"),
        warm_up: whole("warm"),
        late_warm_up: whole("warm"),
        carry_limit: whole("stale"),
        coverage_floor: 0.0,
        acute_top: 3,
        bands: vec![],
    }
}

fn day(index: usize) -> Vec<Vec<Option<f64>>> {
    let raw = |name: &&str| value(&format!("/ciss/raw/{name}/{index}")).as_f64();
    SEGMENTS.iter().map(|(_, indicators)| indicators.iter().map(raw).collect()).collect()
}

fn readings(set: &str) -> Vec<(Composite, Reading)> {
    let mut composite = Composite::new(recipe(set)).unwrap();
    let push = |index| {
        let reading = composite.push(&day(index)).unwrap();
        (composite.clone(), reading)
    };
    (0..80).map(push).collect()
}

#[rstest]
#[case::mean_of_expanding_ranks("canonical_mean_expanding")]
#[case::ranked_power_mean_of_capped_ranks("recommended_p4_capped50")]
fn every_day_agrees(#[case] set: &str) {
    for (index, (_, reading)) in readings(set).iter().enumerate() {
        let expected = value(&format!("/ciss/{set}/series/{index}")).as_f64();
        assert_eq!(reading.systemic.is_some(), expected.is_some(), "day {index}");
        if let (Some(systemic), Some(expected)) = (reading.systemic, expected) {
            assert_close(systemic.points, expected, CLOSE);
        }
    }
}

#[rstest]
#[case::mean_of_expanding_ranks("canonical_mean_expanding")]
#[case::ranked_power_mean_of_capped_ranks("recommended_p4_capped50")]
fn the_parts_of_eight_days_agree(#[case] set: &str) {
    let readings = readings(set);
    for at in &value(&format!("/ciss/{set}/at")).as_array().unwrap()[1..] {
        let (composite, reading) = &readings[usize::try_from(at["t"].as_u64().unwrap()).unwrap()];
        check_parts(reading, at);
        for (pair, (i, j)) in [(0, 1), (0, 2), (1, 2)].into_iter().enumerate() {
            assert_close(composite.correlation(i, j).unwrap(), at["corr"][pair].as_f64().unwrap(), CLOSE);
        }
    }
    let last = &readings[79].1;
    for (indicator, name) in last.segments.iter().flat_map(|segment| &segment.indicators).zip(["a1", "a2", "b1", "b2", "c1"]) {
        assert_close(indicator.percentile.unwrap(), number(&format!("/ciss/{set}/z_last/{name}")), CLOSE);
    }
}

/// The golden contributions are of the variance form: ours times `sqrt(q'Cq)`, the stand-alone ones times `w's`.
fn check_parts(reading: &Reading, at: &Value) {
    let systemic = reading.systemic.unwrap();
    let root = systemic.variance.sqrt();
    let standalone: f64 = reading.segments.iter().filter_map(|segment| segment.standalone).sum::<f64>() / 100.0;
    let expect = |actual: f64, expected: &Value| assert_close(actual, expected.as_f64().unwrap(), CLOSE);
    expect(systemic.variance, &at["var"]);
    expect(standalone * standalone, &at["upper"]);
    for (index, segment) in reading.segments.iter().enumerate() {
        expect(segment.weight, &at["weights"][index]);
        expect(segment.contribution.unwrap_or(0.0) / 100.0 * root, &at["euler"][index]);
        expect(segment.standalone.unwrap_or(0.0) / 100.0 * standalone, &at["standalone"][index]);
        if let Some(score) = segment.score {
            expect(score, &at["subindex"][SEGMENTS[index].0]);
        }
    }
}
