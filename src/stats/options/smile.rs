//! The smile of one expiry by delta, and its wings.

use super::black::{Right, call_delta};

/// Minimum number of out-of-the-money strikes of a smile.
const MIN_STRIKES: usize = 5;
/// Minimum time to expiry, in years of 365 days: below it, deltas jump with every tick.
const MIN_YEARS: f64 = 2.0 / 365.0;

/// One option's implied volatility.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SmileQuote {
    /// Call or put.
    pub right: Right,
    /// Strike, in the forward's unit.
    pub strike: f64,
    /// Implied volatility, an annualised fraction.
    pub vol: f64,
}

/// Implied volatility against call delta, from the out-of-the-money side of each strike.
#[derive(Debug, Clone, PartialEq)]
pub struct Smile {
    /// (call delta, volatility), ascending by delta.
    points: Vec<(f64, f64)>,
}

/// The volatilities that summarise a smile, as annualised fractions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wings {
    /// Volatility of the call of delta 0.25.
    pub call_25: f64,
    /// Volatility of the put of delta -0.25.
    pub put_25: f64,
    /// Volatility at delta 0.50.
    pub at_the_money: f64,
}

impl Smile {
    /// Builds the smile of an expiry `years` away with this forward.
    ///
    /// `None` within two days of expiry and for fewer than five usable strikes. If both call and put of a strike are
    /// quoted, the one out of the money is used. Quotes that are not positive are ignored.
    #[must_use]
    pub fn new(forward: f64, years: f64, quotes: &[SmileQuote]) -> Option<Self> {
        if years < MIN_YEARS || forward <= 0.0 {
            return None;
        }
        let out_of_the_money = |quote: &&SmileQuote| (quote.right == Right::Call) == (quote.strike >= forward);
        let usable = |quote: &&SmileQuote| quote.strike > 0.0 && quote.vol > 0.0;
        let point = |quote: &SmileQuote| (call_delta(forward, quote.strike, quote.vol, years), quote.vol);
        let mut points: Vec<_> = quotes.iter().filter(out_of_the_money).filter(usable).map(point).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        (points.len() >= MIN_STRIKES).then_some(Self { points })
    }

    /// Returns the volatility at a call delta, linear between its neighbours; `None` outside the quoted strikes.
    ///
    /// A put of delta `d` is at call delta `1 + d`.
    #[must_use]
    pub fn vol_at(&self, delta: f64) -> Option<f64> {
        let upper = self.points.partition_point(|point| point.0 < delta);
        let (above, above_vol) = *self.points.get(upper)?;
        if above <= delta {
            return Some(above_vol);
        }
        let (below, below_vol) = *self.points.get(upper.checked_sub(1)?)?;
        Some(below_vol + (above_vol - below_vol) * (delta - below) / (above - below))
    }

    /// Returns the wings and the middle; `None` if the strikes do not reach all of them.
    #[must_use]
    pub fn wings(&self) -> Option<Wings> {
        Some(Wings { call_25: self.vol_at(0.25)?, put_25: self.vol_at(0.75)?, at_the_money: self.vol_at(0.5)? })
    }
}

impl Wings {
    /// Returns the 25-delta risk reversal, call less put, a fraction: negative if puts are dearer, a sign of fear.
    #[must_use]
    pub fn risk_reversal(&self) -> f64 {
        self.call_25 - self.put_25
    }

    /// Returns the 25-delta butterfly, the wings' mean less the middle, a fraction.
    #[must_use]
    pub fn butterfly(&self) -> f64 {
        f64::midpoint(self.call_25, self.put_25) - self.at_the_money
    }

    /// Returns put less call over the middle (Mixon 2011), a ratio: comparable across levels of volatility.
    #[must_use]
    pub fn normalised_skew(&self) -> f64 {
        (self.put_25 - self.call_25) / self.at_the_money
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(right: Right, strike: f64, vol: f64) -> SmileQuote {
        SmileQuote { right, strike, vol }
    }

    fn flat(strikes: &[f64]) -> Vec<SmileQuote> {
        strikes.iter().map(|&k| quote(if k < 100.0 { Right::Put } else { Right::Call }, k, 0.6)).collect()
    }

    #[test]
    fn a_flat_smile_has_no_skew_and_no_butterfly() {
        let wings = Smile::new(100.0, 0.1, &flat(&[70.0, 85.0, 100.0, 115.0, 140.0])).unwrap().wings().unwrap();
        assert!(wings.risk_reversal().abs() < 1e-12 && wings.butterfly().abs() < 1e-12 && wings.normalised_skew().abs() < 1e-12);
    }

    #[test]
    fn the_side_in_the_money_is_ignored() {
        let mut quotes = flat(&[70.0, 85.0, 100.0, 115.0, 140.0]);
        quotes.extend([quote(Right::Call, 70.0, 3.0), quote(Right::Put, 140.0, 3.0)]);
        let smile = Smile::new(100.0, 0.1, &quotes).unwrap();
        assert!((smile.vol_at(0.75).unwrap() - 0.6).abs() < 1e-12);
    }

    #[test]
    fn wings_beyond_the_strikes_are_missing_not_guessed() {
        let smile = Smile::new(100.0, 0.1, &flat(&[96.0, 98.0, 100.0, 102.0, 104.0])).unwrap();
        assert!(smile.vol_at(0.5).is_some());
        assert_eq!(smile.wings(), None);
    }

    #[test]
    fn too_few_strikes_or_too_little_time_make_no_smile() {
        assert_eq!(Smile::new(100.0, 0.1, &flat(&[85.0, 95.0, 105.0, 115.0])), None);
        assert_eq!(Smile::new(100.0, 1.9 / 365.0, &flat(&[70.0, 85.0, 100.0, 115.0, 140.0])), None);
    }
}
