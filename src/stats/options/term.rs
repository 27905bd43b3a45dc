//! Constant tenors between listed expiries.

/// A value per expiry, by time to expiry in years.
#[derive(Debug, Clone, PartialEq)]
pub struct TermStructure {
    points: Vec<(f64, f64)>,
}

impl TermStructure {
    /// Builds a term structure from (years to expiry, value) in any order; expired ones are dropped.
    #[must_use]
    pub fn new(mut points: Vec<(f64, f64)>) -> Self {
        points.retain(|point| point.0 > 0.0);
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { points }
    }

    /// Returns the value at a tenor, linear in time, as for a risk reversal; `None` outside the listed expiries.
    #[must_use]
    pub fn linear_at(&self, years: f64) -> Option<f64> {
        self.interpolate(years, |point| point.1)
    }

    /// Returns the volatility at a tenor, linear in total variance; values must be volatilities. `None` outside the expiries.
    #[must_use]
    pub fn vol_at(&self, years: f64) -> Option<f64> {
        let total_variance = self.interpolate(years, |(years, vol)| vol * vol * years)?;
        Some((total_variance / years).sqrt())
    }

    /// Returns the volatility at the far tenor less that at the near one: negative in backwardation, a sign of acute stress.
    #[must_use]
    pub fn slope(&self, near_years: f64, far_years: f64) -> Option<f64> {
        Some(self.vol_at(far_years)? - self.vol_at(near_years)?)
    }

    /// Applies `of` to the expiries around a tenor and interpolates linearly in time.
    fn interpolate(&self, years: f64, of: fn((f64, f64)) -> f64) -> Option<f64> {
        let upper = self.points.partition_point(|point| point.0 < years);
        let far = *self.points.get(upper)?;
        if far.0 <= years {
            return Some(of(far));
        }
        let near = *self.points.get(upper.checked_sub(1)?)?;
        Some(of(near) + (of(far) - of(near)) * (years - near.0) / (far.0 - near.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn total_variance_is_linear_between_expiries() {
        let term = TermStructure::new(vec![(0.2, 0.5), (0.1, 0.4)]);
        let expected = (f64::midpoint(0.16 * 0.1, 0.25 * 0.2) / 0.15).sqrt();
        assert!((term.vol_at(0.15).unwrap() - expected).abs() < 1e-12);
        assert!((term.linear_at(0.15).unwrap() - 0.45).abs() < 1e-12);
        assert!((term.slope(0.1, 0.2).unwrap() - 0.1).abs() < 1e-12);
    }

    #[test]
    fn a_tenor_outside_the_expiries_is_missing() {
        let term = TermStructure::new(vec![(0.1, 0.4), (0.2, 0.5), (0.0, 9.0)]);
        assert_eq!(term.vol_at(0.05), None);
        assert_eq!(term.linear_at(0.25), None);
    }
}
