//! One day assessed against the state before it: membership, and scores that are observed, carried or imputed.

use super::reading::Standing;
use super::segment::{Assessment, Scores};
use crate::stats::real;

/// One day by segment, in the order of the recipe.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) assessments: Vec<Assessment>,
    pub(super) standings: Vec<Standing>,
    /// The members' weights, summing to 1; 0 for the others.
    pub(super) weights: Vec<f64>,
    /// Observed or carried scores of the members.
    pub(super) present: Vec<Option<Scores>>,
}

impl Judged {
    /// Combines assessments with the scores that each segment could carry into the day and their age in days.
    pub(super) fn new(
        assessments: Vec<Assessment>,
        carried: &[Option<(Scores, usize)>],
        carry_limit: usize,
        weights: &[f64],
    ) -> Self {
        let stand = |(assessment, carried): (&Assessment, &Option<(Scores, usize)>)| match (assessment.scores, *carried) {
            (Some(scores), _) => (Standing::Observed, Some(scores)),
            (None, Some((scores, age_days))) if age_days <= carry_limit => (Standing::Carried { age_days }, Some(scores)),
            (None, Some(_)) => (Standing::Imputed, None),
            (None, None) => (Standing::NotMember, None),
        };
        let (standings, present): (Vec<_>, Vec<_>) = assessments.iter().zip(carried).map(stand).unzip();
        let weights = member_weights(weights, &standings);
        Self { assessments, standings, weights, present }
    }

    /// Returns true if the segment is part of the index of the day.
    pub(super) fn is_member(&self, segment: usize) -> bool {
        self.standings[segment] != Standing::NotMember
    }

    /// Returns the distances of the present scores from the median score; 0 if absent.
    pub(super) fn deviations(&self) -> Vec<f64> {
        self.present.iter().map(|scores| scores.map_or(0.0, |scores| scores.systemic - super::MEDIAN_SCORE)).collect()
    }

    /// Returns the observed or carried share of the member weight; `None` without members.
    pub(super) fn coverage(&self) -> Option<f64> {
        let any = self.standings.iter().any(|&standing| standing != Standing::NotMember);
        any.then(|| self.weighted_present().map(|(weight, _)| weight).sum::<f64>().min(1.0))
    }

    /// Returns the members' scores; a missing one is replaced by the weighted mean of the present ones.
    pub(super) fn scores(&self) -> Vec<Option<f64>> {
        let weight: f64 = self.weighted_present().map(|(weight, _)| weight).sum();
        let total: f64 = self.weighted_present().map(|(weight, scores)| weight * scores.systemic).sum();
        let mean = (weight > 0.0).then(|| total / weight);
        let score = |(scores, &standing): (&Option<Scores>, &Standing)| match standing {
            Standing::Imputed => mean,
            _ => scores.map(|scores| scores.systemic),
        };
        self.present.iter().zip(&self.standings).map(score).collect()
    }

    /// Returns 100 times the mean of the `top` highest acute scores that are observed or carried.
    pub(super) fn acute(&self, top: usize) -> Option<f64> {
        let mut scores: Vec<f64> = self.present.iter().flatten().map(|scores| scores.acute).collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        scores.truncate(top);
        (!scores.is_empty()).then(|| 100.0 * scores.iter().sum::<f64>() / real(scores.len()))
    }

    fn weighted_present(&self) -> impl Iterator<Item = (f64, Scores)> {
        self.weights.iter().zip(&self.present).filter_map(|(&weight, scores)| scores.map(|scores| (weight, scores)))
    }
}

fn member_weights(weights: &[f64], standings: &[Standing]) -> Vec<f64> {
    let member = |(&weight, &standing): (&f64, &Standing)| if standing == Standing::NotMember { 0.0 } else { weight };
    let total: f64 = weights.iter().zip(standings).map(member).sum();
    if total > 0.0 { weights.iter().zip(standings).map(|pair| member(pair) / total).collect() } else { vec![0.0; weights.len()] }
}
