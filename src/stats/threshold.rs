//! Inclusive thresholds that do not depend on the last bit (METHODOLOGY section 0, thresholds).
//!
//! Prices are compared, never ratios: of two exact falls of 20 % a plain `ratio <= -0.2` detects only one.

/// Tolerance relative to the limit, within which a value reaches it.
const TOLERANCE: f64 = 1e-9;

/// Returns true if `value` is at or below `limit` (same unit), up to rounding.
#[must_use]
pub fn at_most(value: f64, limit: f64) -> bool {
    value <= limit + limit.abs() * TOLERANCE
}

/// Returns true if `value` is at or above `limit` (same unit), up to rounding.
#[must_use]
pub fn at_least(value: f64, limit: f64) -> bool {
    value >= limit - limit.abs() * TOLERANCE
}

/// Returns true if `value` is `share` (a fraction, 0.2 is 20 %) or more below `peak`.
#[must_use]
pub fn has_fallen_by(share: f64, peak: f64, value: f64) -> bool {
    at_most(value, peak * (1.0 - share))
}

/// Returns true if `value` is `share` (a fraction) or more above `low`.
#[must_use]
pub fn has_risen_by(share: f64, low: f64, value: f64) -> bool {
    at_least(value, low * (1.0 + share))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(121.0, 96.8)]
    #[case(140.0, 112.0)]
    fn an_exact_fall_of_a_fifth_reaches_it_whatever_its_last_bit(#[case] peak: f64, #[case] value: f64) {
        assert!(has_fallen_by(0.2, peak, value));
        assert!(!has_fallen_by(0.2, peak, value * 1.000_001));
    }

    #[test]
    fn an_exact_rise_of_a_tenth_reaches_it() {
        assert!(has_risen_by(0.1, 60.0, 66.0));
        assert!(!has_risen_by(0.1, 60.0, 65.999));
    }

    #[test]
    fn limits_under_zero_work_the_same_way() {
        assert!(at_most(-0.2, -0.2));
        assert!(!at_most(-0.199, -0.2));
        assert!(at_least(-0.2, -0.2));
    }
}
