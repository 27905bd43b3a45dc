//! "Lowest since", "highest since" (METHODOLOGY section 1.8).

/// Returns the position of the latest earlier value at or below the last; `None` if the last is the lowest on record.
#[must_use]
pub fn lowest_since(values: &[f64]) -> Option<usize> {
    let (last, earlier) = values.split_last()?;
    earlier.iter().rposition(|value| value <= last)
}

/// Returns the position of the latest earlier value at or above the last; `None` if the last is the highest on record.
#[must_use]
pub fn highest_since(values: &[f64]) -> Option<usize> {
    let (last, earlier) = values.split_last()?;
    earlier.iter().rposition(|value| value >= last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_value_as_low_is_found_equal_ones_included() {
        assert_eq!(lowest_since(&[1.0, 3.0, 2.0, 5.0, 2.0]), Some(2));
        assert_eq!(highest_since(&[9.0, 3.0, 2.0, 5.0, 4.0]), Some(3));
    }

    #[test]
    fn a_record_has_no_such_value() {
        assert_eq!(lowest_since(&[3.0, 2.0, 1.0]), None);
        assert_eq!(highest_since(&[3.0]), None);
        assert_eq!(lowest_since(&[]), None);
    }
}
