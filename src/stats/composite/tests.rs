//! Properties that hold for every market, and the outage rules worked by hand.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

type Day = Vec<Vec<Option<f64>>>;

const SHAPE: [usize; 3] = [2, 1, 3];

fn recipe(shape: &[usize]) -> Recipe {
    Recipe {
        segments: shape.iter().map(|&indicators| SegmentRecipe { weight: 1.0, indicators }).collect(),
        power: 4.0,
        rerank: true,
        decay: 0.9,
        window: 12,
        warm_up: 6,
        late_warm_up: 3,
        carry_limit: 2,
        coverage_floor: 0.6,
        acute_top: 2,
        bands: vec![30.0, 60.0],
    }
}

fn run(recipe: Recipe, days: &[Day]) -> Vec<Reading> {
    let mut composite = Composite::new(recipe).unwrap();
    days.iter().map(|day| composite.push(day).unwrap()).collect()
}

/// Histories with ties and gaps.
fn histories() -> impl Strategy<Value = Vec<Day>> {
    let value = prop_oneof![3 => (-9_i32..9).prop_map(|value| Some(f64::from(value))), 1 => Just(None)];
    let segment = |indicators| prop::collection::vec(value.clone(), indicators);
    prop::collection::vec(SHAPE.map(segment).to_vec(), 8..60)
}

fn points(reading: &Reading) -> Option<f64> {
    reading.systemic.map(|systemic| systemic.points)
}

fn close(a: Option<f64>, b: Option<f64>) -> bool {
    a.is_some() == b.is_some() && a.zip(b).is_none_or(|(a, b)| (a - b).abs() < 1e-9)
}

proptest! {
    #[test]
    fn a_shorter_history_reproduces_every_earlier_day_to_the_last_bit(days in histories(), cut in 0_usize..60) {
        let cut = cut.min(days.len());
        prop_assert_eq!(&run(recipe(&SHAPE), &days)[..cut], run(recipe(&SHAPE), &days[..cut]));
    }

    #[test]
    fn evaluating_changes_nothing(days in histories()) {
        let mut composite = Composite::new(recipe(&SHAPE)).unwrap();
        for day in &days {
            let nowcast = composite.evaluate(day).unwrap();
            prop_assert_eq!(nowcast, composite.push(day).unwrap());
        }
        prop_assert_eq!(composite.days(), days.len());
    }

    #[test]
    fn following_a_day_leaves_the_same_state_as_pushing_it(days in histories()) {
        let (last, before) = days.split_last().unwrap();
        let mut composite = Composite::new(recipe(&SHAPE)).unwrap();
        for day in before {
            composite.follow(day).unwrap();
        }
        prop_assert_eq!(composite.push(last).unwrap(), run(recipe(&SHAPE), &days).pop().unwrap());
    }

    #[test]
    fn contributions_of_segments_add_to_the_index_and_those_of_indicators_to_their_segment(days in histories()) {
        for reading in run(recipe(&SHAPE), &days) {
            let sum: f64 = reading.segments.iter().filter_map(|segment| segment.contribution).sum();
            prop_assert!((points(&reading).unwrap_or(0.0) - sum).abs() < 1e-9);
            for segment in reading.segments.iter().filter(|segment| segment.standing == Standing::Observed) {
                let parts: f64 = segment.indicators.iter().filter_map(|indicator| indicator.contribution).sum();
                prop_assert!((segment.contribution.unwrap_or(0.0) - parts).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn the_index_lies_between_zero_and_the_sum_of_its_standalone_parts(days in histories()) {
        for reading in run(recipe(&SHAPE), &days) {
            let standalone: f64 = reading.segments.iter().filter_map(|segment| segment.standalone).sum();
            prop_assert!(standalone <= 100.0 + 1e-9);
            if let Some(systemic) = reading.systemic {
                prop_assert!((0.0..=standalone + 1e-9).contains(&systemic.points));
                prop_assert!((standalone + systemic.correlation_effect - systemic.points).abs() < 1e-9);
                prop_assert!(reading.acute.is_some_and(|acute| (0.0..=100.0).contains(&acute)));
            }
        }
    }

    #[test]
    fn the_order_of_segments_and_indicators_does_not_matter(days in histories()) {
        let turn = |day: &Day| day.iter().rev().map(|values| values.iter().rev().copied().collect()).collect();
        let turned: Vec<Day> = days.iter().map(turn).collect();
        let shape: Vec<usize> = SHAPE.into_iter().rev().collect();
        for (one, other) in run(recipe(&SHAPE), &days).iter().zip(run(recipe(&shape), &turned)) {
            prop_assert!(close(points(one), points(&other)));
            prop_assert!(close(one.acute, other.acute));
            for (a, b) in one.segments.iter().zip(other.segments.iter().rev()) {
                prop_assert!(close(a.contribution, b.contribution));
            }
        }
    }

    #[test]
    fn a_series_that_never_existed_is_not_a_member(days in histories()) {
        let widen = |day: &Day| day.iter().cloned().map(|mut values| { values.push(None); values }).chain([vec![None; 2]]).collect();
        let wider: Vec<Day> = days.iter().map(widen).collect();
        let shape: Vec<usize> = SHAPE.iter().map(|indicators| indicators + 1).chain([2]).collect();
        for (one, other) in run(recipe(&SHAPE), &days).iter().zip(run(recipe(&shape), &wider)) {
            prop_assert_eq!(one.systemic, other.systemic);
            prop_assert_eq!(one.acute, other.acute);
            prop_assert_eq!(one.coverage, other.coverage);
            prop_assert_eq!(other.segments.last().unwrap().standing, Standing::NotMember);
        }
    }
}

/// Eight calm days, then `after`.
fn after_calm(after: Vec<Day>) -> Vec<Reading> {
    let calm = (0..8).map(|i| SHAPE.map(|n| vec![Some(f64::from(i * 7 % 5)); n]).to_vec());
    run(recipe(&SHAPE), &calm.chain(after).collect::<Vec<_>>())
}

fn without(missing: &[usize]) -> Day {
    let values = |(segment, &n): (usize, &usize)| vec![(!missing.contains(&segment)).then_some(9.0); n];
    SHAPE.iter().enumerate().map(values).collect()
}

#[test]
fn nothing_is_published_while_warming_up_and_everything_after() {
    let readings = after_calm(vec![]);
    assert!(readings[..6].iter().all(|reading| reading.systemic.is_none() && reading.coverage.is_none()));
    assert!(readings[6..].iter().all(|reading| reading.systemic.is_some() && reading.coverage == Some(1.0)));
    assert!(!readings[6].provisional);
}

#[test]
fn a_missing_segment_is_carried_and_then_imputed_with_its_weight_unchanged() {
    let readings = after_calm(vec![without(&[1]); 3]);
    let gone: Vec<_> = readings[8..].iter().map(|reading| &reading.segments[1]).collect();
    assert_eq!(gone[0].standing, Standing::Carried { age_days: 1 });
    assert_eq!(gone[1].standing, Standing::Carried { age_days: 2 });
    assert_eq!(gone[2].standing, Standing::Imputed);
    assert_eq!(gone[1].score, readings[7].segments[1].score);
    assert!(readings[8..].iter().all(|reading| !reading.provisional));
    assert_eq!(gone[2].weight.to_bits(), (1.0_f64 / 3.0).to_bits());
    let others = f64::midpoint(readings[10].segments[0].score.unwrap(), readings[10].segments[2].score.unwrap());
    assert!((gone[2].score.unwrap() - others).abs() < 1e-12);
}

#[test]
fn a_day_whose_scores_repeat_moves_the_index_by_co_movement_alone() {
    let readings = after_calm(vec![without(&[1]), without(&[0, 1, 2])]);
    let (before, after) = (readings[8].systemic.unwrap(), readings[9].systemic.unwrap());
    assert!((after.at_previous_comovement - before.points).abs() < 1e-9);
    assert!((after.points - before.points).abs() > 1e-6);
}

#[test]
fn too_little_coverage_gives_no_index_and_reports_the_coverage() {
    let readings = after_calm(vec![without(&[1, 2]); 3]);
    assert!(readings[9].systemic.is_some());
    let last = &readings[10];
    assert_eq!((last.systemic, last.acute), (None, None));
    assert!((last.coverage.unwrap() - 1.0 / 3.0).abs() < 1e-12);
    assert!(last.segments[0].score.is_some());
}

#[test]
fn an_outage_of_everything_gives_no_score_at_all() {
    let readings = after_calm(vec![without(&[0, 1, 2]); 3]);
    assert_eq!(readings[10].coverage, Some(0.0));
    assert!(readings[10].segments.iter().all(|segment| segment.score.is_none() && segment.standing == Standing::Imputed));
}

#[test]
fn a_late_segment_joins_after_its_short_warm_up_and_is_provisional() {
    let mut days: Vec<Day> = (0..8).map(|i| vec![vec![Some(f64::from(i * 7 % 5))], vec![None]]).collect();
    days.extend((0..5).map(|i| vec![vec![Some(f64::from(i))], vec![Some(f64::from(i))]]));
    let readings = run(recipe(&[1, 1]), &days);
    let standings: Vec<_> = readings[8..].iter().map(|reading| reading.segments[1].standing).collect();
    assert_eq!(standings[..3], [Standing::NotMember; 3]);
    assert_eq!(standings[3..], [Standing::Observed; 2]);
    assert!(!readings[10].provisional && readings[11].provisional);
    assert!(readings[10].segments[0].weight > 0.99 && readings[11].segments[1].weight < 0.51);
}

#[rstest]
#[case::power("power", Recipe { power: 0.5, ..recipe(&SHAPE) })]
#[case::decay("decay", Recipe { decay: 1.0, ..recipe(&SHAPE) })]
#[case::window("window", Recipe { window: 6, ..recipe(&SHAPE) })]
#[case::segments("segments", Recipe { segments: vec![], ..recipe(&SHAPE) })]
#[case::bands("bands", Recipe { bands: vec![2.0, 1.0], ..recipe(&SHAPE) })]
fn an_impossible_recipe_is_rejected_by_name(#[case] expected: &str, #[case] recipe: Recipe) {
    let error = Composite::new(recipe).unwrap_err();
    assert!(matches!(error, CompositeError::Parameter { parameter, .. } if parameter == expected), "{error}");
}

#[test]
fn a_day_of_another_shape_or_with_nan_is_rejected_and_changes_nothing() {
    let mut composite = Composite::new(recipe(&SHAPE)).unwrap();
    assert_eq!(composite.push(&vec![vec![]; 3]), Err(CompositeError::Shape));
    let mut day = without(&[]);
    day[1][0] = Some(f64::NAN);
    assert_eq!(composite.push(&day), Err(CompositeError::NotFinite));
    assert_eq!(composite.days(), 0);
}
