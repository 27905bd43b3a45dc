//! The persistent tree under a column: leaves of points, branches of leaves, summaries on both.
//!
//! A node never changes; an amendment copies the path to the leaf that it changes and shares the rest.

use std::sync::Arc;

use crate::domain::{TimeRange, Timestamp, Vintage};
use crate::market::leaf::Leaf;
use crate::market::node_bounds::NodeBounds;
use crate::market::point::{Fold, Point};
use crate::market::spans::Buckets;

/// Points in a full leaf.
const LEAF_POINTS: usize = 256;
/// Children of a full branch.
const FAN_OUT: usize = 16;

/// A node of the tree; its summary has the newest state of its points.
#[derive(Debug)]
pub(super) struct Node<P: Point> {
    pub(super) extent: NodeBounds,
    summary: P::Summary,
    body: Body<P>,
}

#[derive(Debug)]
enum Body<P: Point> {
    Leaf(Leaf<P>),
    Branch(Box<[Arc<Node<P>>]>),
}

impl<P: Point> Node<P> {
    /// Builds a leaf of vintages ordered by (`observed_at`, `known_at`); `None` if there are none.
    fn leaf(vintages: &[Vintage<P>], lag_ms: i64) -> Option<Self> {
        let first = vintages.first()?.observed_at;
        let last = vintages.last()?.observed_at;
        let known_from = vintages.iter().map(|v| v.known_at).min()?;
        let known_by = vintages.iter().map(|v| v.known_at).max()?;
        let leaf = Leaf::pack(vintages, lag_ms);
        let mut summary = P::Summary::default();
        if leaf.later.is_empty() {
            summary.points(&leaf.times, &leaf.values);
        } else {
            let newest: Vec<P> =
                (0..leaf.times.len()).map(|i| leaf.corrections(i).last().map_or(leaf.values[i], |l| l.value)).collect();
            summary.points(&leaf.times, &newest);
        }
        let corrected_by = leaf.later.iter().map(|l| l.known_at).max();
        let extent = NodeBounds { first, last, len: leaf.times.len(), known_from, known_by, corrected_by };
        Some(Self { extent, summary, body: Body::Leaf(leaf) })
    }

    /// Builds a branch over nodes in time order; `None` if there are none.
    fn branch(children: Vec<Arc<Self>>) -> Option<Self> {
        let mut extent = children.first()?.extent;
        let mut summary = P::Summary::default();
        for (i, child) in children.iter().enumerate() {
            summary.block(&child.summary);
            extent.corrected_by = extent.corrected_by.max(child.extent.corrected_by);
            if i > 0 {
                extent.last = child.extent.last;
                extent.len += child.extent.len;
                extent.known_from = extent.known_from.min(child.extent.known_from);
                extent.known_by = extent.known_by.max(child.extent.known_by);
            }
        }
        Some(Self { extent, summary, body: Body::Branch(children.into()) })
    }

    /// Builds the smallest tree over vintages ordered by (`observed_at`, `known_at`).
    pub(super) fn plant(vintages: &[Vintage<P>], lag_ms: i64) -> Option<Arc<Self>> {
        Self::join(leaves(vintages, LEAF_POINTS, lag_ms))
    }

    /// Builds one root over nodes of one height.
    pub(super) fn join(mut nodes: Vec<Arc<Self>>) -> Option<Arc<Self>> {
        while nodes.len() > 1 {
            nodes = branches(&nodes);
        }
        nodes.pop()
    }

    /// Returns the nodes, of this node's height, that replace it once the vintages are added.
    pub(super) fn amend(&self, vintages: &[Vintage<P>], lag_ms: i64) -> Vec<Arc<Self>> {
        match &self.body {
            Body::Leaf(leaf) => {
                let appended = vintages.first().is_some_and(|v| v.observed_at > self.extent.last);
                let mut old = Vec::with_capacity(self.extent.len + vintages.len());
                leaf.unpack(0..leaf.times.len(), lag_ms, &mut |v| old.push(v));
                let all = merge(old, vintages);
                let full = if appended { LEAF_POINTS } else { even_share(all.len()) };
                leaves(&all, full, lag_ms)
            }
            Body::Branch(children) => {
                let mut nodes = Vec::with_capacity(children.len() + 1);
                let mut rest = vintages;
                for (i, child) in children.iter().enumerate() {
                    let next_first = children.get(i + 1).map(|next| next.extent.first);
                    let mine = next_first.map_or(rest.len(), |first| rest.partition_point(|v| v.observed_at < first));
                    let (here, later) = rest.split_at(mine);
                    rest = later;
                    if here.is_empty() { nodes.push(Arc::clone(child)) } else { nodes.extend(child.amend(here, lag_ms)) }
                }
                branches(&nodes)
            }
        }
    }

    /// Computes `fold` over the points in `range` as known at `as_of`.
    pub(super) fn fold<F: Fold<P>>(&self, range: TimeRange, as_of: Timestamp, lag_ms: i64, fold: &mut F) {
        if self.extent.excludes(range, as_of) {
            return;
        }
        if self.extent.fully_visible(range, as_of) {
            fold.block(&self.summary);
            return;
        }
        match &self.body {
            Body::Branch(children) => children.iter().for_each(|child| child.fold(range, as_of, lag_ms, fold)),
            Body::Leaf(leaf) => {
                leaf.known(range, as_of, lag_ms, self.extent.known_by, |times, values| fold.points(times, values));
            }
        }
    }

    /// Computes a fold of each bucket over the points in `range` as known at `as_of`.
    pub(super) fn fold_spans<F: Fold<P> + Default>(
        &self,
        range: TimeRange,
        as_of: Timestamp,
        lag_ms: i64,
        spans: &mut Buckets<F, impl FnMut(Timestamp, F)>,
    ) {
        let NodeBounds { first, last, known_by, .. } = self.extent;
        if self.extent.excludes(range, as_of) {
            return;
        }
        if self.extent.fully_visible(range, as_of) && spans.hold_together(first, last) {
            spans.fold_at(first).block(&self.summary);
            return;
        }
        match &self.body {
            Body::Branch(children) => children.iter().for_each(|child| child.fold_spans(range, as_of, lag_ms, spans)),
            Body::Leaf(leaf) => leaf.known(range, as_of, lag_ms, known_by, |times, values| spans.points(times, values)),
        }
    }

    /// Returns the number of points in `range` known at `as_of`.
    pub(super) fn count(&self, range: TimeRange, as_of: Timestamp, lag_ms: i64) -> usize {
        if self.extent.excludes(range, as_of) {
            return 0;
        }
        if self.extent.fully_visible(range, as_of) {
            return self.extent.len;
        }
        match &self.body {
            Body::Branch(children) => children.iter().map(|child| child.count(range, as_of, lag_ms)).sum(),
            Body::Leaf(leaf) => {
                let indices = leaf.indices(range);
                let known = leaf.known_part(indices.clone(), as_of, lag_ms, self.extent.known_by);
                known.map_or_else(|| indices.filter(|i| leaf.first_known(*i, lag_ms) <= as_of).count(), |known| known.len())
            }
        }
    }

    /// Visits the points in `range` as known at `as_of`, in time order.
    pub(super) fn visit(&self, range: TimeRange, as_of: Timestamp, lag_ms: i64, visit: &mut impl FnMut(Vintage<P>)) {
        if self.extent.excludes(range, as_of) {
            return;
        }
        match &self.body {
            Body::Branch(children) => children.iter().for_each(|child| child.visit(range, as_of, lag_ms, visit)),
            Body::Leaf(leaf) => leaf.visit(leaf.indices(range), as_of, lag_ms, self.extent.known_by, visit),
        }
    }

    /// Visits every vintage of the points in `range` known at `as_of`, in order.
    pub(super) fn vintages(&self, range: TimeRange, as_of: Timestamp, lag_ms: i64, visit: &mut dyn FnMut(Vintage<P>)) {
        if self.extent.excludes(range, as_of) {
            return;
        }
        match &self.body {
            Body::Branch(children) => children.iter().for_each(|child| child.vintages(range, as_of, lag_ms, visit)),
            Body::Leaf(leaf) => leaf.unpack(leaf.indices(range), lag_ms, &mut |v| {
                if v.known_at <= as_of {
                    visit(v);
                }
            }),
        }
    }

    /// Visits every revision known after `since` and by `as_of`, with the vintage that it replaced.
    pub(super) fn corrections(
        &self,
        since: Timestamp,
        as_of: Timestamp,
        lag_ms: i64,
        visit: &mut dyn FnMut(Vintage<P>, Vintage<P>),
    ) {
        if self.extent.corrected_by.is_none_or(|at| at <= since) {
            return;
        }
        match &self.body {
            Body::Branch(children) => children.iter().for_each(|child| child.corrections(since, as_of, lag_ms, visit)),
            Body::Leaf(leaf) => {
                let mut former: Option<Vintage<P>> = None;
                leaf.unpack(0..leaf.times.len(), lag_ms, &mut |v| {
                    if let Some(old) = former.filter(|old| old.observed_at == v.observed_at)
                        && v.known_at > since
                        && v.known_at <= as_of
                    {
                        visit(old, v);
                    }
                    former = Some(v);
                });
            }
        }
    }

    /// Returns the `known_at` of the last vintage of the points in `range`.
    pub(super) fn known_by(&self, range: TimeRange, lag_ms: i64) -> Option<Timestamp> {
        if self.extent.excludes(range, Timestamp::MAX) {
            return None;
        }
        if self.extent.fully_visible(range, Timestamp::MAX) {
            return Some(self.extent.known_by);
        }
        match &self.body {
            Body::Branch(children) => children.iter().filter_map(|child| child.known_by(range, lag_ms)).max(),
            Body::Leaf(leaf) => leaf.indices(range).map(|index| leaf.last_known(index, lag_ms)).max(),
        }
    }

    /// Returns the first point with a vintage known at or after `since`.
    pub(super) fn first_known_since(&self, since: Timestamp, lag_ms: i64) -> Option<Timestamp> {
        if self.extent.known_by < since {
            return None;
        }
        match &self.body {
            Body::Branch(children) => children.iter().find_map(|child| child.first_known_since(since, lag_ms)),
            Body::Leaf(leaf) => {
                let is_late = |index: usize| leaf.corrections(index).iter().any(|later| later.known_at >= since);
                let found = (0..leaf.times.len()).find(|i| leaf.first_known(*i, lag_ms) >= since || is_late(*i))?;
                Some(leaf.times[found])
            }
        }
    }

    /// Returns the last point at or before `at` known at `as_of`.
    pub(super) fn last_by(&self, at: Timestamp, as_of: Timestamp, lag_ms: i64) -> Option<Vintage<P>> {
        if self.extent.first > at || self.extent.known_from > as_of {
            return None;
        }
        match &self.body {
            Body::Branch(children) => {
                let all_started = self.extent.last <= at;
                let started =
                    if all_started { children.len() } else { children.partition_point(|child| child.extent.first <= at) };
                children[..started].iter().rev().find_map(|child| child.last_by(at, as_of, lag_ms))
            }
            Body::Leaf(leaf) => {
                let indices = leaf.indices_to(at);
                match leaf.known_part(indices.clone(), as_of, lag_ms, self.extent.known_by) {
                    Some(known) => leaf.resolve(known.last()?, as_of, lag_ms),
                    None => indices.rev().find_map(|i| leaf.resolve(i, as_of, lag_ms)),
                }
            }
        }
    }

    /// Returns the first point at or after `at` known at `as_of`.
    pub(super) fn first_from(&self, at: Timestamp, as_of: Timestamp, lag_ms: i64) -> Option<Vintage<P>> {
        if self.extent.last < at || self.extent.known_from > as_of {
            return None;
        }
        match &self.body {
            Body::Branch(children) => {
                let none_ended = self.extent.first >= at;
                let ended = if none_ended { 0 } else { children.partition_point(|child| child.extent.last < at) };
                children[ended..].iter().find_map(|child| child.first_from(at, as_of, lag_ms))
            }
            Body::Leaf(leaf) => {
                let mut indices = leaf.indices_from(at);
                match leaf.known_part(indices.clone(), as_of, lag_ms, self.extent.known_by) {
                    Some(mut known) => leaf.resolve(known.next()?, as_of, lag_ms),
                    None => indices.find_map(|i| leaf.resolve(i, as_of, lag_ms)),
                }
            }
        }
    }
}

/// Returns the number of points of each leaf if `count` rows do not fit one: equal shares, so that
/// inserts into the middle do not leave many tiny leaves.
const fn even_share(count: usize) -> usize {
    count.div_ceil(count.div_ceil(LEAF_POINTS))
}

/// Cuts ordered vintages into leaves of up to `full` points, never between two vintages of one point.
/// A leaf that contains one day only and is at least half full ends with that day, so days are whole leaves.
fn leaves<P: Point>(vintages: &[Vintage<P>], full: usize, lag_ms: i64) -> Vec<Arc<Node<P>>> {
    let mut cut = Vec::new();
    let mut start = 0;
    let mut points = 0;
    let day = |i: usize| vintages[i].observed_at.day_start();
    for i in 0..vintages.len() {
        let opens_point = i == 0 || vintages[i - 1].observed_at != vintages[i].observed_at;
        let ends_day = points >= LEAF_POINTS / 2 && day(start) == day(i - 1) && day(i - 1) != day(i);
        if opens_point && (points == full || ends_day) {
            cut.extend(Node::leaf(&vintages[start..i], lag_ms));
            (start, points) = (i, 0);
        }
        points += usize::from(opens_point);
    }
    cut.extend(Node::leaf(&vintages[start..], lag_ms));
    cut.into_iter().map(Arc::new).collect()
}

/// Groups nodes of one height under as few branches as possible.
fn branches<P: Point>(nodes: &[Arc<Node<P>>]) -> Vec<Arc<Node<P>>> {
    nodes.chunks(FAN_OUT).filter_map(|children| Node::branch(children.to_vec())).map(Arc::new).collect()
}

/// Merges two runs ordered by (`observed_at`, `known_at`); if both clocks are equal, the second run's row is used.
fn merge<P: Point>(old: Vec<Vintage<P>>, new: &[Vintage<P>]) -> Vec<Vintage<P>> {
    let clocks = |v: &Vintage<P>| (v.observed_at, v.known_at);
    let mut all = Vec::with_capacity(old.len() + new.len());
    let mut fresh = new.iter().copied().peekable();
    for row in old {
        while let Some(next) = fresh.next_if(|next| clocks(next) < clocks(&row)) {
            all.push(next);
        }
        let replaced = fresh.peek().is_some_and(|next| clocks(next) == clocks(&row));
        if !replaced {
            all.push(row);
        }
    }
    all.extend(fresh);
    all
}
