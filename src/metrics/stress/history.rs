//! The past of the stress index, computed once and extended day by day.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::{Period, SeriesKey, Timestamp, Version};
use crate::market::MarketView;
use crate::metrics::SourceOrder;
use crate::metrics::stress::measure::Day;
use crate::metrics::stress::recipe::RECIPE;
use crate::metrics::stress::rolling::RollingState;
use crate::stats::composite::{Composite, Reading, Standing};

/// Days between two kept states of the arithmetic. A question about a past day starts from the last
/// state before it; a state is about a megabyte, a day from there costs microseconds.
const STATE_EVERY_DAYS: usize = 64;

/// States kept because they were asked for last: one for each day that is asked about again and again.
const STATES_ASKED: usize = 8;

/// Days prepared between two looks whether to go on.
const PREPARED_AT_ONCE_DAYS: i64 = 365;

/// Values of one day by segment and indicator, oriented so that up is more stress.
pub(super) type Values = Vec<Vec<Option<f64>>>;

/// Keeps the history of the index, so that a question costs the day it asks about and not the years
/// before it.
///
/// It holds nothing that cannot be computed from the market: an answer is the same with a book that
/// was just opened. Each day is judged by what was known at its close, so a later commit adds days and
/// leaves earlier ones alone, unless it states something that was known then.
#[derive(Debug, Default)]
pub struct StressCache {
    held: Mutex<Arc<StressHistory>>,
}

/// The days of the index that are closed.
#[derive(Debug, Clone, Default)]
pub(super) struct StressHistory {
    /// The picture of the market it was made from.
    picture: Version,
    order: SourceOrder,
    /// The first day, at the close of which any bar of the judged asset was known.
    start: Option<Timestamp>,
    days: Vec<Arc<ScoredDay>>,
    /// The state after the last closed day; `None` before the first.
    state: Option<Arc<Composite>>,
    /// The states before every [`STATE_EVERY_DAYS`]th day.
    states: Vec<Arc<Composite>>,
    /// Shared with the histories that this one was made from and that are made from it.
    asked: Arc<RecentStates>,
}

/// The states that were asked for last, the latest first, each with the last day that is in it. Days are only ever added
/// behind others, so a day, the same in memory, stands for all days before it.
#[derive(Debug, Default)]
struct RecentStates(Mutex<Vec<(Arc<ScoredDay>, Arc<Composite>)>>);

/// One day and what the index says of it.
#[derive(Debug, Clone)]
pub(super) struct ScoredDay {
    /// The start of the day.
    pub(super) start: Timestamp,
    pub(super) values: Values,
    pub(super) reading: Reading,
    /// The series its values were read from.
    pub(super) reads: Arc<BTreeSet<SeriesKey>>,
}

impl StressCache {
    /// Computes the history up to the cutoff of the view before anybody asks, as long as `should_continue`
    /// says so; questions that come meanwhile compute the rest themselves.
    pub fn prepare(&self, view: &MarketView, order: &SourceOrder, should_continue: impl Fn() -> bool) {
        let Some(mut reached) = first_day(view) else { return };
        while reached < view.as_of() && should_continue() && self.is_of(view.picture()) {
            reached = reached.plus_days(PREPARED_AT_ONCE_DAYS).min(view.as_of());
            self.history(&view.at(reached), order);
        }
    }

    /// The history up to the cutoff of the view, or farther.
    pub(super) fn history(&self, view: &MarketView, order: &SourceOrder) -> Arc<StressHistory> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.picture > view.picture() {
            // Asked about a picture that was replaced meanwhile: its answer must not know the newer one.
            drop(held);
            return Arc::new(StressHistory::default().grown(view, order));
        }
        if !held.covers(view, order) {
            let history = Arc::unwrap_or_clone(std::mem::take(&mut *held));
            *held = Arc::new(history.grown(view, order));
        }
        Arc::clone(&held)
    }

    /// Whether nothing is held of a picture newer than `picture`.
    fn is_of(&self, picture: Version) -> bool {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).picture <= picture
    }
}

impl StressHistory {
    /// The days closed by `as_of`.
    pub(super) fn closed_by(&self, as_of: Timestamp) -> &[Arc<ScoredDay>] {
        &self.days[..self.days.partition_point(|day| closes_at(day.start) <= as_of)]
    }

    /// The day that is open at the cutoff of the view as far as it goes; nothing is taken in. `None`
    /// when it has brought no value yet.
    pub(super) fn open_day(&self, view: &MarketView, order: &SourceOrder) -> Option<ScoredDay> {
        let index = self.closed_by(view.as_of()).len();
        let start = self.day_at(index)?;
        let mut memory = RollingState::default();
        let mut day = Day::new(view, order, start, &mut memory)?;
        let values = day.values();
        values.iter().flatten().flatten().next()?;
        let reading = self.state_before(index)?.evaluate(&values).ok()?;
        let observed = reading.segments.iter().any(|segment| segment.standing == Standing::Observed);
        observed.then(|| ScoredDay { start, values, reading, reads: Arc::new(day.reads) })
    }

    fn covers(&self, view: &MarketView, order: &SourceOrder) -> bool {
        let closed = self.day_at(self.days.len()).is_some_and(|next| closes_at(next) > view.as_of());
        closed && self.picture == view.picture() && self.order == *order
    }

    /// This history without the days that the picture of `view` shows in another way, and with those
    /// closed by its cutoff.
    fn grown(mut self, view: &MarketView, order: &SourceOrder) -> Self {
        let standing = match view.changed_since(self.picture) {
            _ if self.order != *order => 0,
            Some(day) => self.days.partition_point(|judged| closes_at(judged.start) < day),
            None => self.days.len(),
        };
        self.keep(standing);
        self.picture = view.picture();
        self.order = order.clone();
        self.start = self.start.or_else(|| first_day(view));
        let mut memory = RollingState::default();
        while let Some(start) = self.day_at(self.days.len()).filter(|start| closes_at(*start) <= view.as_of()) {
            let at_close = view.at(closes_at(start));
            if Day::new(&at_close, order, start, &mut memory).and_then(|day| self.close(day)).is_none() {
                break;
            }
        }
        self
    }

    /// Forgets all but the first `standing` days.
    fn keep(&mut self, standing: usize) {
        if standing < self.days.len() {
            self.state = self.state_before(standing);
            self.days.truncate(standing);
            self.states.truncate(standing.div_ceil(STATE_EVERY_DAYS));
        }
        if standing == 0 {
            *self = Self::default();
        }
    }

    /// Takes a day in. `None` of a recipe that cannot be computed, which a test rules out.
    fn close(&mut self, mut day: Day<'_>) -> Option<()> {
        let values = day.values();
        let mut state = self.state_before(self.days.len())?;
        if self.days.len().is_multiple_of(STATE_EVERY_DAYS) {
            self.states.push(Arc::clone(&state));
        }
        self.state = None;
        let reading = Arc::make_mut(&mut state).push(&values).ok()?;
        let former = self.days.last().map(|former| &former.reads).filter(|reads| ***reads == day.reads);
        let reads = former.map_or_else(|| Arc::new(day.reads), Arc::clone);
        self.days.push(Arc::new(ScoredDay { start: day.start, values, reading, reads }));
        self.state = Some(state);
        Some(())
    }

    /// The state before the day at `index`.
    fn state_before(&self, index: usize) -> Option<Arc<Composite>> {
        if index == self.days.len() {
            return self.state.clone().or_else(|| Composite::new(RECIPE.arithmetic()).ok().map(Arc::new));
        }
        if index.is_multiple_of(STATE_EVERY_DAYS) {
            return self.states.get(index / STATE_EVERY_DAYS).cloned();
        }
        self.asked.after(self.days.get(index.checked_sub(1)?)?, || self.replay(index))
    }

    /// The state before the day at `index`, made from the last kept one.
    fn replay(&self, index: usize) -> Option<Composite> {
        let kept = index / STATE_EVERY_DAYS;
        let mut state = Composite::clone(self.states.get(kept)?);
        for day in &self.days[kept * STATE_EVERY_DAYS..index] {
            state.follow(&day.values).ok()?;
        }
        Some(state)
    }

    fn day_at(&self, index: usize) -> Option<Timestamp> {
        Some(self.start?.plus_days(i64::try_from(index).ok()?))
    }
}

impl RecentStates {
    /// The state with `day` as the last in it, made where it was not asked for lately.
    fn after(&self, day: &Arc<ScoredDay>, make: impl FnOnce() -> Option<Composite>) -> Option<Arc<Composite>> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let asked_before = |held: &mut Vec<(Arc<ScoredDay>, Arc<Composite>)>| {
            let place = held.iter().position(|(last, _)| Arc::ptr_eq(last, day))?;
            held[..=place].rotate_right(1);
            held.first().map(|(_, state)| Arc::clone(state))
        };
        let found = asked_before(&mut lock());
        found.or_else(|| {
            let state = Arc::new(make()?);
            let mut held = lock();
            held.truncate(STATES_ASKED - 1);
            held.insert(0, (Arc::clone(day), Arc::clone(&state)));
            Some(state)
        })
    }
}

/// When the day that begins at `start` is closed: what is known then is what it is judged by.
fn closes_at(start: Timestamp) -> Timestamp {
    start.plus_days(1).plus_ms(RECIPE.settles_after_ms)
}

/// The first day at the close of which anything about the judged asset's trading was known, by the
/// cutoff of the view. What is known only grows, so it can be searched by halves.
fn first_day(view: &MarketView) -> Option<Timestamp> {
    let asset = RECIPE.asset.parse().ok()?;
    let is_known = |start: Timestamp| view.at(closes_at(start).min(view.as_of())).candle_series(&asset).next().is_some();
    let (mut before, mut after) = (Timestamp::MIN.day_start(), view.as_of().day_start());
    if !is_known(after) {
        return None;
    }
    while after.ms_since(before) > Period::DAY.ms() {
        let middle = before.plus_ms(after.ms_since(before) / 2).day_start();
        if is_known(middle) { after = middle } else { before = middle }
    }
    Some(after)
}
