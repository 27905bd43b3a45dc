//! Self-exciting events: the exponential Hawkes process (METHODOLOGY section 3, research option).
//!
//! Feeds that publish one event a second hide clusters, so a fit to them understates excitation: not for publication.

use super::sum::Sum;

/// Intensity μ + Σ n β exp(-β (t - tᵢ)) over the earlier events; times in any one unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hawkes {
    /// μ: spontaneous events per unit of time.
    pub background: f64,
    /// n: events triggered by each event, below 1.
    pub branching: f64,
    /// β: decay rate of the excitement, per unit of time.
    pub decay: f64,
}

impl Hawkes {
    /// Returns the log-likelihood of events at ascending `times` observed from 0 to `end`.
    #[must_use]
    pub fn log_likelihood(&self, times: &[f64], end: f64) -> f64 {
        let mut total = Sum::default();
        total.add(-self.background * end);
        for (time, excitement) in times.iter().zip(self.excitements(times)) {
            total.add(self.intensity(excitement).ln());
            total.add(self.branching * (-self.decay * (end - time)).exp_m1());
        }
        total.value()
    }

    /// Returns the intensity right after the last event, events per unit of time; the background if there was none.
    #[must_use]
    pub fn intensity_after_last(&self, times: &[f64]) -> f64 {
        self.intensity(self.excitements(times).last().map_or(0.0, |excitement| 1.0 + excitement))
    }

    fn intensity(&self, excitement: f64) -> f64 {
        self.background + self.branching * self.decay * excitement
    }

    /// Returns, for each event, the decayed count of the events before it.
    fn excitements(&self, times: &[f64]) -> impl Iterator<Item = f64> {
        let mut before: Option<(f64, f64)> = None;
        times.iter().map(move |&time| {
            let excitement = before.map_or(0.0, |(last, excitement)| (-self.decay * (time - last)).exp() * (1.0 + excitement));
            before = Some((time, excitement));
            excitement
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn without_branching_it_is_a_poisson_process() {
        let poisson = Hawkes { background: 2.0, branching: 0.0, decay: 1.0 };
        let expected = 3.0 * 2_f64.ln() - 2.0 * 5.0;
        assert!((poisson.log_likelihood(&[1.0, 2.0, 4.0], 5.0) - expected).abs() < 1e-12);
        assert!((poisson.intensity_after_last(&[]) - 2.0).abs() < f64::EPSILON);
    }

    proptest! {
        #[test]
        fn the_recursion_is_the_double_sum(gaps in prop::collection::vec(0.01..3.0, 1..30), n in 0.0..0.95, decay in 0.1..4.0) {
            let times: Vec<f64> = gaps.iter().scan(0.0, |t, gap| { *t += gap; Some(*t) }).collect();
            let end = times.last().unwrap() + 1.0;
            let process = Hawkes { background: 0.3, branching: n, decay };
            let direct: f64 = times.iter().enumerate().map(|(k, t)| {
                let excited: f64 = times[..k].iter().map(|s| (-decay * (t - s)).exp()).sum();
                (0.3 + n * decay * excited).ln() - n * (1.0 - (-decay * (end - t)).exp())
            }).sum::<f64>() - 0.3 * end;
            prop_assert!((process.log_likelihood(&times, end) - direct).abs() < 1e-9);
        }
    }
}
