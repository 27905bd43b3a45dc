//! Where a row stands in its list, so that a page can begin after any row whatever has been added since.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A row of a list that is answered in pages. `Q` is the question: it can decide the order.
pub trait Paged<Q> {
    /// What the list is ordered by. No two rows of a list have the same position.
    type Position: Ord + Serialize + DeserializeOwned;

    /// The position of the row.
    fn position(&self, question: &Q) -> Self::Position;
}

/// An integer in the order of [`f64::total_cmp`]. As text it reads back exactly, unlike a decimal fraction.
pub(super) const fn ordered(value: f64) -> i64 {
    let bits = value.to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_have_the_order_of_their_numbers(a in prop::num::f64::ANY, b in prop::num::f64::ANY) {
            prop_assert_eq!(ordered(a).cmp(&ordered(b)), a.total_cmp(&b));
        }
    }
}
