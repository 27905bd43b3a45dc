//! Bull and bear phases by the filter of Lunde and Timmermann (METHODOLOGY section 1.10), one step per value.

use super::threshold::{at_least, at_most};

/// Direction of the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Rising, since a low.
    Bull,
    /// Falling, since a high.
    Bear,
}

/// A change of phase: it starts after an extreme and is confirmed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The new phase.
    pub into: Phase,
    /// Position of the first value of the new phase, the one after the extreme.
    pub at: usize,
    /// Position of the value that confirmed it; it was not known before.
    pub confirmed_at: usize,
}

/// Returns the turns of a path of positive values that starts as a bull market.
///
/// A bear starts after the running maximum once the path is more than `down` (a fraction) below it. A bull starts
/// after the running minimum once the path is more than `up` above it. Equality is not enough.
#[must_use]
pub fn turns(values: &[f64], up: f64, down: f64) -> Vec<Turn> {
    let mut found = Vec::new();
    let (mut phase, mut extreme) = (Phase::Bull, 0);
    for (i, &value) in values.iter().enumerate() {
        let (further, turned, into) = match phase {
            Phase::Bull => (value > values[extreme], !at_least(value, values[extreme] * (1.0 - down)), Phase::Bear),
            Phase::Bear => (value < values[extreme], !at_most(value, values[extreme] * (1.0 + up)), Phase::Bull),
        };
        if turned {
            found.push(Turn { into, at: extreme + 1, confirmed_at: i });
            phase = into;
        }
        if further || turned {
            extreme = i;
        }
    }
    found
}

/// Returns the phase of each value in hindsight; a path that falls from its first value is a bear from there.
#[must_use]
pub fn phases(values: &[f64], up: f64, down: f64) -> Vec<Phase> {
    let mut dated = vec![Phase::Bull; values.len()];
    for turn in turns(values, up, down) {
        let from = if turn.at == 1 { 0 } else { turn.at };
        dated[from..].fill(turn.into);
    }
    dated
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_turn_is_dated_after_the_extreme_and_confirmed_later() {
        let found = turns(&[100.0, 110.0, 105.0, 80.0, 70.0, 90.0], 0.2, 0.2);
        assert_eq!(
            found,
            [Turn { into: Phase::Bear, at: 2, confirmed_at: 3 }, Turn { into: Phase::Bull, at: 5, confirmed_at: 5 }]
        );
    }

    #[test]
    fn exactly_the_threshold_is_not_enough() {
        assert_eq!(turns(&[121.0, 96.8, 140.0, 112.0], 0.2, 0.2), []);
    }

    proptest! {
        #[test]
        fn a_confirmed_turn_never_changes(prices in prop::collection::vec(1_u16..60, 1..60), cut in 0_usize..60) {
            let values: Vec<f64> = prices.into_iter().map(f64::from).collect();
            let (whole, cut) = (turns(&values, 0.2, 0.2), cut.min(values.len()));
            let known: Vec<Turn> = whole.iter().copied().filter(|turn| turn.confirmed_at < cut).collect();
            prop_assert_eq!(turns(&values[..cut], 0.2, 0.2), known);
            prop_assert!(whole.windows(2).all(|pair| pair[0].into != pair[1].into && pair[0].at < pair[1].at));
        }
    }
}
