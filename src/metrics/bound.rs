//! What a sum may claim: its bound, and the part of its window that was listened to.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Timestamp;
use crate::metrics::Span;

/// Share of a window that must be covered for a sentence to speak of the whole window.
pub(super) const COVERED: f64 = 0.95;
/// Milliseconds that may be missing from what is told as one piece.
const PIECE_MS: f64 = 1_000.0;

/// How a figure stands to the true one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The true figure is this large or larger.
    AtLeast,
}

/// A number with its bound; without one it is exact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounded {
    pub(super) value: f64,
    pub(super) bound: Option<Bound>,
}

/// The part of a window in which the feeds that are summed were listening.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct WindowCoverage {
    /// The first instant of the window at which any of them was listening; absent where none was.
    pub from: Option<Timestamp>,
    /// The last such instant.
    pub to: Option<Timestamp>,
    /// The part of the window in which they were listening, a fraction from 0 to 1; of several feeds the mean.
    pub ratio: f64,
}

impl WindowCoverage {
    /// Whether the sum may be told as that of the window.
    pub(super) fn is_nearly_whole(&self) -> bool {
        self.ratio >= COVERED
    }

    /// The length of what is covered of a span where that is one piece, milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "a window is far shorter than 2^53 milliseconds")]
    pub(super) fn unbroken_ms(&self, span: Span) -> Option<i64> {
        let length_ms = self.to?.ms_since(self.from?);
        let covered_ms = self.ratio * span.to.ms_since(span.from) as f64;
        ((covered_ms - length_ms as f64).abs() <= PIECE_MS).then_some(length_ms)
    }
}

impl Bounded {
    /// A number that is exact where `is_exact` says so, and at least that large otherwise.
    pub(super) fn floor_unless(is_exact: bool, value: f64) -> Self {
        Self { value, bound: (!is_exact).then_some(Bound::AtLeast) }
    }

    /// The number as a sentence has it, with "at least" before it where it is a floor.
    pub(super) fn told(&self, text: impl Fn(f64) -> String) -> String {
        let floor = if self.bound.is_some() { "at least " } else { "" };
        format!("{floor}{}", text(self.value))
    }
}
