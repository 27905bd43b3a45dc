//! Results about closed days that are kept between questions and follow the market from picture to picture.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

use crate::domain::{Timestamp, Version};
use crate::market::{ColumnView, MarketView, Point};

/// What is known of past days, by what it is about.
///
/// It is kept as the whole picture shows it, whatever the cutoff that was asked about; whether a question
/// may use it, because all of it was known by its cutoff, is for the asker to see to. It holds nothing that
/// cannot be computed from the market.
#[derive(Debug)]
pub(super) struct IncrementalCache<K, V> {
    held: Mutex<BTreeMap<K, Versioned<V>>>,
}

/// Something about past days that the picture of another commit may show in another way.
pub(super) trait Invalidate: Debug + Default {
    /// Forgets the days from this one on.
    fn invalidate_from(&mut self, day: Timestamp);
}

/// What is kept, and the picture that it is of; `None` before the first.
#[derive(Debug, Default)]
struct Versioned<V> {
    picture: Option<Version>,
    past: V,
}

/// Which rows a picture shows that a former one did not: all of them where there was none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Changes {
    former: Option<Version>,
    known_from: Timestamp,
}

impl<K, V> Default for IncrementalCache<K, V> {
    fn default() -> Self {
        Self { held: Mutex::default() }
    }
}

impl<K: Ord, V: Invalidate> IncrementalCache<K, V> {
    /// Lets `ask` have what is kept of `key`, after the days from `first_changed` on were forgotten: the
    /// first that the picture of the view shows in another way than the one before.
    pub(super) fn with<R>(
        &self,
        view: &MarketView,
        key: K,
        first_changed: impl FnOnce(Changes) -> Option<Timestamp>,
        ask: impl FnOnce(&mut V) -> R,
    ) -> R {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let followed = held.entry(key).or_default();
        if followed.picture > Some(view.picture()) {
            // Asked about a picture that was replaced meanwhile: its answer must not know the newer one.
            drop(held);
            let mut anew = Versioned::default();
            anew.follow(view, first_changed);
            return ask(&mut anew.past);
        }
        followed.follow(view, first_changed);
        ask(&mut followed.past)
    }
}

impl<V: Invalidate> Versioned<V> {
    fn follow(&mut self, view: &MarketView, first_changed: impl FnOnce(Changes) -> Option<Timestamp>) {
        let former = self.picture.replace(view.picture());
        let known_from = former.map_or(Some(Timestamp::MIN), |former| view.changed_since(former));
        let changed = known_from.and_then(|known_from| first_changed(Changes { former, known_from }));
        if let Some(day) = changed.map(Timestamp::day_start) {
            self.past.invalidate_from(day);
        }
    }
}

impl Changes {
    /// The instant of the first row of a column that is among them.
    pub(super) fn first_change_in<P: Point>(self, column: ColumnView<'_, P>) -> Option<Timestamp> {
        // Where nobody knows how far back a picture differs, no column tells whether it does.
        let is_touched = self.known_from == Timestamp::MIN || self.former < Some(column.version());
        is_touched.then(|| column.first_known_since(self.known_from)).flatten()
    }
}
