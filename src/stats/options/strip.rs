//! Model-free variance from a strip of out-of-the-money options: the method of the VIX (Cboe; METHODOLOGY section 7).

/// Consecutive zero bids after which farther strikes are ignored.
const ZERO_BIDS: usize = 2;

/// One strike with both options, premiums undiscounted in the forward's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StripQuote {
    /// Strike, in the forward's unit.
    pub strike: f64,
    /// Best bid of the call, 0 if there is none.
    pub call_bid: f64,
    /// Mid premium of the call.
    pub call: f64,
    /// Best bid of the put, 0 if there is none.
    pub put_bid: f64,
    /// Mid premium of the put.
    pub put: f64,
}

/// Returns the annualised variance (0.16 is a volatility of 40 %) until an expiry `years` away.
///
/// `(2/T) sum dK/K^2 Q(K) - (1/T) (F/K0 - 1)^2` over the options out of the money, with the mean of both at `K0`,
/// the last strike not above the forward. `strikes` must ascend. `None` if the forward is not between two strikes
/// or fewer than three options remain.
#[must_use]
pub fn strip_variance(forward: f64, years: f64, strikes: &[StripQuote]) -> Option<f64> {
    let middle = strikes.partition_point(|quote| quote.strike <= forward).checked_sub(1)?;
    if years <= 0.0 || middle + 1 >= strikes.len() {
        return None;
    }
    let puts = strikes[..middle].iter().rev().map(|quote| (quote.strike, quote.put_bid, quote.put));
    let calls = strikes[middle + 1..].iter().map(|quote| (quote.strike, quote.call_bid, quote.call));
    let at = &strikes[middle];
    let mut strip = until_no_bid(puts);
    strip.reverse();
    strip.push((at.strike, f64::midpoint(at.call, at.put)));
    strip.extend(until_no_bid(calls));
    if strip.len() < 3 {
        return None;
    }
    let last = strip.len() - 1;
    let term = |(i, &(strike, premium)): (usize, &(f64, f64))| {
        let (below, above) = (i.saturating_sub(1), last.min(i + 1));
        let width = (strip[above].0 - strip[below].0) / if above - below == 2 { 2.0 } else { 1.0 };
        width / (strike * strike) * premium
    };
    let sum: f64 = strip.iter().enumerate().map(term).sum();
    let offset = forward / at.strike - 1.0;
    Some((2.0 * sum - offset * offset).max(0.0) / years)
}

/// Returns strikes and premiums outward from the middle, without zero bids, up to two consecutive ones.
fn until_no_bid(outward: impl Iterator<Item = (f64, f64, f64)>) -> Vec<(f64, f64)> {
    let mut quoted = Vec::new();
    let mut unbid = 0;
    for (strike, bid, premium) in outward {
        if bid > 0.0 {
            unbid = 0;
            quoted.push((strike, premium));
        } else {
            unbid += 1;
            if unbid == ZERO_BIDS {
                break;
            }
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(strike: f64, bid: f64) -> StripQuote {
        StripQuote { strike, call_bid: bid, call: 1.0, put_bid: bid, put: 1.0 }
    }

    #[test]
    fn three_strikes_by_hand() {
        let strikes = [quote(90.0, 1.0), quote(100.0, 1.0), quote(110.0, 1.0)];
        let expected = 2.0 * (10.0 / 8100.0 + 10.0 / 10_000.0 + 10.0 / 12_100.0) / 0.5;
        assert!((strip_variance(100.0, 0.5, &strikes).unwrap() - expected).abs() < 1e-15);
    }

    #[test]
    fn strikes_beyond_two_zero_bids_are_ignored_and_a_single_one_is_skipped() {
        let near = [quote(90.0, 1.0), quote(100.0, 1.0), quote(110.0, 1.0)];
        let more = [quote(120.0, 0.0), quote(130.0, 0.0), quote(140.0, 1.0)];
        let dead: Vec<_> = near.into_iter().chain(more).collect();
        assert_eq!(strip_variance(100.0, 0.5, &dead), strip_variance(100.0, 0.5, &near));
        let lone: Vec<_> = dead.into_iter().filter(|quote| quote.strike < 125.0 || quote.strike > 135.0).collect();
        assert!(strip_variance(100.0, 0.5, &lone) > strip_variance(100.0, 0.5, &near));
    }

    #[test]
    fn a_forward_outside_the_strikes_has_no_variance() {
        let strikes = [quote(90.0, 1.0), quote(100.0, 1.0), quote(110.0, 1.0)];
        assert_eq!(strip_variance(80.0, 0.5, &strikes), None);
        assert_eq!(strip_variance(115.0, 0.5, &strikes), None);
    }
}
