//! What is kept between questions.

use crate::metrics::{HavenBook, PremiumBook, RecordBook, RegimeBook, StressBook};

/// Results about the past that questions come back to. They hold nothing that cannot be computed from
/// the market: an answer is the same with books that were just opened.
#[derive(Debug, Default)]
pub struct Books {
    /// The past of the stress index.
    pub stress: StressBook,
    /// What puts cost more than calls on past days.
    pub premiums: PremiumBook,
    /// What was liquidated on past days.
    pub records: RecordBook,
    /// How calm past days were.
    pub regimes: RegimeBook,
    /// What past days say of protection.
    pub havens: HavenBook,
}
