//! Breadth: the share of a universe that meets a condition (METHODOLOGY section 2; mergeable, section 12).

use super::{real, sum::mean};

/// Number of members that met a condition, out of those for which it is defined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breadth {
    /// Members that met it.
    pub met: usize,
    /// Members for which it is defined.
    pub defined: usize,
}

impl Breadth {
    /// Returns the share, a fraction; `None` if fewer than `minimum` members are defined (20 in the methodology), or none.
    #[must_use]
    pub fn share(&self, minimum: usize) -> Option<f64> {
        (self.defined >= minimum.max(1)).then(|| real(self.met) / real(self.defined))
    }

    /// Returns the breadth of two disjoint universes together.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self { met: self.met + other.met, defined: self.defined + other.defined }
    }
}

impl FromIterator<Option<bool>> for Breadth {
    /// Counts one result per member; `None` is a member for which the condition is not defined.
    fn from_iter<I: IntoIterator<Item = Option<bool>>>(members: I) -> Self {
        members
            .into_iter()
            .flatten()
            .fold(Self::default(), |breadth, met| Self { met: breadth.met + usize::from(met), defined: breadth.defined + 1 })
    }
}

/// Returns true if the last value is above the mean of the latest `n`; false if equal, `None` with fewer values.
#[must_use]
pub fn above_moving_average(values: &[f64], n: usize) -> Option<bool> {
    let window = &values[values.len().checked_sub(n)?..];
    Some(*window.last()? > mean(window)?)
}

/// Returns true if the last value is the lowest of the latest `n`; `None` with fewer values.
#[must_use]
pub fn at_low(values: &[f64], n: usize) -> Option<bool> {
    let window = &values[values.len().checked_sub(n)?..];
    let last = window.last()?;
    Some(window.iter().all(|value| value >= last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined_members_are_excluded() {
        let breadth: Breadth = [Some(true), None, Some(false), Some(true)].into_iter().collect();
        assert_eq!(breadth, Breadth { met: 2, defined: 3 });
        assert_eq!(breadth.share(3), Some(2.0 / 3.0));
        assert_eq!(breadth.share(4), None);
        assert_eq!(Breadth::default().share(0), None);
    }

    #[test]
    fn disjoint_universes_add() {
        let both = Breadth { met: 1, defined: 4 }.merge(Breadth { met: 3, defined: 4 });
        assert_eq!(both.share(1), Some(0.5));
    }

    #[test]
    fn equality_is_not_above_the_average_and_is_at_the_low() {
        assert_eq!(above_moving_average(&[2.0, 2.0], 2), Some(false));
        assert_eq!(above_moving_average(&[9.0, 1.0, 2.0], 2), Some(true));
        assert_eq!(above_moving_average(&[1.0], 2), None);
        assert_eq!(at_low(&[3.0, 2.0, 2.0], 2), Some(true));
        assert_eq!(at_low(&[1.0, 2.0, 3.0], 2), Some(false));
        assert_eq!(at_low(&[], 0), None);
    }
}
