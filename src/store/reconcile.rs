//! Decides what a row adds to the stored vintages: pure functions, used by both engines.
//!
//! [`validate`] rejects invalid rows and sorts the others; [`reconcile`] compares them with the stored
//! vintages. Neither uses a database.

use crate::domain::{
    Asset, Bar, CommitReport, InvalidBar, KnownAtRule, Metric, Observation, RejectedRow, SeriesKey, Timestamp, Vintage, finite,
};

/// Value of a row: a number or a bar.
pub(super) trait StoredValue: Copy + Send + Sync + 'static {
    /// Returns the value as it is stored, or the reason why the series cannot have it.
    fn validate(self, key: &SeriesKey) -> Result<Self, String>;

    /// Returns true if both are equal, number by number.
    fn agrees(&self, other: &Self) -> bool;

    /// Returns the value as text, for rejections.
    fn to_text(&self) -> String;
}

impl StoredValue for f64 {
    fn validate(self, key: &SeriesKey) -> Result<Self, String> {
        if key.metric == Metric::Candle {
            return Err("a candle series has bars, not single values; use another metric".to_owned());
        }
        plausible(finite(self).map_err(|e| e.to_string())?, key.metric, &key.asset)
    }

    fn agrees(&self, other: &Self) -> bool {
        self.to_bits() == other.to_bits()
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

impl StoredValue for Bar {
    fn validate(self, key: &SeriesKey) -> Result<Self, String> {
        let metric = key.metric;
        if metric != Metric::Candle {
            return Err(format!("a {metric} series has single values, not bars; use the metric candle"));
        }
        let bar = Self::new(self.open, self.high, self.low, self.close, self.volume).map_err(|e: InvalidBar| e.to_string())?;
        let price = |price: f64| plausible(price + 0.0, metric, &key.asset);
        Ok(Self {
            open: price(bar.open)?,
            high: price(bar.high)?,
            low: price(bar.low)?,
            close: price(bar.close)?,
            volume: bar.volume.map(|volume| volume + 0.0),
        })
    }

    fn agrees(&self, other: &Self) -> bool {
        let volumes_agree = match (&self.volume, &other.volume) {
            (Some(a), Some(b)) => a.agrees(b),
            (None, None) => true,
            _ => false,
        };
        volumes_agree
            && self.open.agrees(&other.open)
            && self.high.agrees(&other.high)
            && self.low.agrees(&other.low)
            && self.close.agrees(&other.close)
    }

    fn to_text(&self) -> String {
        let volume = self.volume.map_or_else(|| "unknown".to_owned(), |volume| volume.to_string());
        format!("open {} high {} low {} close {} volume {volume}", self.open, self.high, self.low, self.close)
    }
}

/// Accepts a finite number that is plausible for `metric` of `asset`.
pub(super) fn plausible(value: f64, metric: Metric, asset: &Asset) -> Result<f64, String> {
    let (lowest, highest) = metric.plausible(asset);
    if (lowest..=highest).contains(&value) {
        Ok(value)
    } else {
        Err(format!("{value} is not a plausible {metric}: {lowest} to {highest}; check the unit"))
    }
}

/// Returns an error if a time cannot be stored.
pub(super) fn check_instant(name: &str, at: Timestamp) -> Result<(), String> {
    if at.is_acceptable() {
        Ok(())
    } else {
        Err(format!("{name} {} ms after 1970 is not between {} and {}", at.unix_ms(), Timestamp::MIN, Timestamp::MAX))
    }
}

/// Returns the valid rows ordered by time. Among rows of one time, those with their real vintage come
/// first, oldest vintage first; the others stay in the given order.
pub(super) fn validate<P: StoredValue>(
    key: &SeriesKey,
    rows: &[Observation<P>],
    report: &mut CommitReport,
) -> Vec<Observation<P>> {
    let mut admitted = Vec::with_capacity(rows.len());
    for row in rows {
        match admit_row(key, row) {
            Ok(row) => admitted.push(row),
            Err(reason) => report.refused.push(rejected(key, row.observed_at, reason)),
        }
    }
    admitted.sort_by_key(|row| (row.observed_at, real_vintage(row).unwrap_or(Timestamp::from_unix_ms(i64::MAX))));
    admitted
}

fn admit_row<P: StoredValue>(key: &SeriesKey, row: &Observation<P>) -> Result<Observation<P>, String> {
    check_instant("observed_at", row.observed_at)?;
    if let KnownAtRule::AtPublication(at) | KnownAtRule::Vintage(at) = row.knowledge {
        check_instant("known_at", at)?;
    }
    Ok(Observation { value: row.value.validate(key)?, ..*row })
}

fn real_vintage<P>(row: &Observation<P>) -> Option<Timestamp> {
    match row.knowledge {
        KnownAtRule::Vintage(at) => Some(at),
        KnownAtRule::OnCommit | KnownAtRule::AtPublication(_) => None,
    }
}

fn rejected(key: &SeriesKey, observed_at: Timestamp, reason: String) -> RejectedRow {
    RejectedRow { subject: key.to_string(), observed_at, reason }
}

/// Returns the vintages to add, ordered by (`observed_at`, `known_at`); `report` counts the outcomes.
///
/// `incoming` comes from [`validate`]; `stored` has every stored vintage of its points, ordered by
/// (`observed_at`, `known_at`).
pub(super) fn reconcile<P: StoredValue>(
    key: &SeriesKey,
    stored: &[Vintage<P>],
    incoming: &[Observation<P>],
    now: Timestamp,
    report: &mut CommitReport,
) -> Vec<Vintage<P>> {
    let mut added = Vec::with_capacity(incoming.len());
    let mut rest = stored;
    for rows in incoming.chunk_by(|a, b| a.observed_at == b.observed_at) {
        let observed_at = rows[0].observed_at;
        rest = &rest[rest.partition_point(|vintage| vintage.observed_at < observed_at)..];
        let known = rest.partition_point(|vintage| vintage.observed_at == observed_at);
        let mut point = Point::new(&rest[..known]);
        for row in rows {
            match point.apply(row, now) {
                Ok(RowOutcome::New) => report.new += 1,
                Ok(RowOutcome::Unchanged) => report.unchanged += 1,
                Ok(RowOutcome::Revised) => report.revised += 1,
                Err(reason) => report.refused.push(rejected(key, observed_at, reason)),
            }
        }
        point.added.sort_by_key(|vintage| vintage.known_at);
        added.append(&mut point.added);
    }
    added
}

/// Outcome of a row that was not rejected.
enum RowOutcome {
    New,
    Unchanged,
    Revised,
}

/// The vintages of one point while a batch is applied to it.
struct Point<'a, P> {
    stored: &'a [Vintage<P>],
    added: Vec<Vintage<P>>,
    /// Value of this point in the batch without a vintage.
    plain: Option<P>,
}

impl<'a, P: StoredValue> Point<'a, P> {
    const fn new(stored: &'a [Vintage<P>]) -> Self {
        Self { stored, added: Vec::new(), plain: None }
    }

    /// Returns the vintage known at `at`.
    fn known_at(&self, at: Timestamp) -> Option<Vintage<P>> {
        self.stored.iter().chain(&self.added).filter(|vintage| vintage.known_at <= at).max_by_key(|v| v.known_at).copied()
    }

    fn apply(&mut self, row: &Observation<P>, now: Timestamp) -> Result<RowOutcome, String> {
        match row.knowledge {
            KnownAtRule::Vintage(at) => self.fill(row, at),
            KnownAtRule::OnCommit => self.state(row, now, now),
            KnownAtRule::AtPublication(at) => self.state(row, at, now),
        }
    }

    /// Compares a row that has its real vintage with the value known then; it may add to history.
    fn fill(&mut self, row: &Observation<P>, at: Timestamp) -> Result<RowOutcome, String> {
        match self.known_at(at) {
            Some(known) if known.value.agrees(&row.value) => Ok(RowOutcome::Unchanged),
            Some(known) if known.known_at == at => Err(format!(
                "{} contradicts {}, stored with the same known_at {at}; use another known_at",
                row.value.to_text(),
                known.value.to_text()
            )),
            _ => self.add(row, at),
        }
    }

    /// Compares a row without a vintage with the last vintage; it never changes history.
    fn state(&mut self, row: &Observation<P>, first_known_at: Timestamp, now: Timestamp) -> Result<RowOutcome, String> {
        if let Some(plain) = self.plain {
            return if plain.agrees(&row.value) {
                Ok(RowOutcome::Unchanged)
            } else {
                Err(format!(
                    "the batch has both {} and {} for this point; remove one of them",
                    plain.to_text(),
                    row.value.to_text()
                ))
            };
        }
        self.plain = Some(row.value);
        match self.known_at(Timestamp::MAX) {
            Some(last) if last.value.agrees(&row.value) => Ok(RowOutcome::Unchanged),
            Some(last) => self.add(row, now.max(last.known_at.plus_ms(1))),
            None => self.add(row, first_known_at),
        }
    }

    fn add(&mut self, row: &Observation<P>, known_at: Timestamp) -> Result<RowOutcome, String> {
        check_instant("known_at", known_at)?;
        let outcome = if self.stored.is_empty() && self.added.is_empty() { RowOutcome::New } else { RowOutcome::Revised };
        self.added.push(Vintage { observed_at: row.observed_at, known_at, value: row.value });
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_ms(100);

    fn key(text: &str) -> SeriesKey {
        text.parse().unwrap()
    }

    fn flow() -> SeriesKey {
        key("etf_flow.btc@farside")
    }

    const fn ms(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    const fn row(at: i64, value: f64, knowledge: KnownAtRule) -> Observation<f64> {
        Observation { observed_at: ms(at), knowledge, value }
    }

    const fn known(at: i64, known_at: i64, value: f64) -> Vintage<f64> {
        Vintage { observed_at: ms(at), known_at: ms(known_at), value }
    }

    const fn commit(value: f64) -> Observation<f64> {
        row(1, value, KnownAtRule::OnCommit)
    }

    const fn published(value: f64, at: i64) -> Observation<f64> {
        row(1, value, KnownAtRule::AtPublication(ms(at)))
    }

    const fn vintage(value: f64, at: i64) -> Observation<f64> {
        row(1, value, KnownAtRule::Vintage(ms(at)))
    }

    fn apply(stored: &[Vintage<f64>], rows: &[Observation<f64>]) -> (Vec<Vintage<f64>>, CommitReport) {
        let mut report = CommitReport::default();
        let incoming = validate(&flow(), rows, &mut report);
        let added = reconcile(&flow(), stored, &incoming, NOW, &mut report);
        (added, report)
    }

    fn counts(report: &CommitReport) -> [usize; 4] {
        let count = |n: u64| usize::try_from(n).unwrap();
        [count(report.new), count(report.unchanged), count(report.revised), report.refused.len()]
    }

    #[rstest]
    #[case::first_on_commit(&[], &[commit(5.0)], &[known(1, 100, 5.0)], [1, 0, 0, 0])]
    #[case::first_by_rule(&[], &[published(5.0, 40)], &[known(1, 40, 5.0)], [1, 0, 0, 0])]
    #[case::first_by_rule_in_the_future(&[], &[published(5.0, 400)], &[known(1, 400, 5.0)], [1, 0, 0, 0])]
    #[case::first_vintage(&[], &[vintage(5.0, 40)], &[known(1, 40, 5.0)], [1, 0, 0, 0])]
    #[case::same_on_commit(&[known(1, 40, 5.0)], &[commit(5.0)], &[], [0, 1, 0, 0])]
    #[case::same_by_rule(&[known(1, 90, 5.0)], &[published(5.0, 40)], &[], [0, 1, 0, 0])]
    #[case::same_as_an_older_vintage(&[known(1, 40, 5.0), known(1, 50, 6.0)], &[commit(5.0)], &[known(1, 100, 5.0)], [0, 0, 1, 0])]
    #[case::corrected_on_commit(&[known(1, 40, 5.0)], &[commit(6.0)], &[known(1, 100, 6.0)], [0, 0, 1, 0])]
    #[case::corrected_by_rule(&[known(1, 40, 5.0)], &[published(6.0, 30)], &[known(1, 100, 6.0)], [0, 0, 1, 0])]
    #[case::corrected_behind_the_clock(&[known(1, 400, 5.0)], &[commit(6.0)], &[known(1, 401, 6.0)], [0, 0, 1, 0])]
    #[case::vintage_adds_to_history(&[known(1, 40, 5.0)], &[vintage(6.0, 30)], &[known(1, 30, 6.0)], [0, 0, 1, 0])]
    #[case::vintage_between(&[known(1, 20, 5.0), known(1, 40, 7.0)], &[vintage(6.0, 30)], &[known(1, 30, 6.0)], [0, 0, 1, 0])]
    #[case::vintage_in_effect(&[known(1, 20, 5.0), known(1, 40, 7.0)], &[vintage(5.0, 30)], &[], [0, 1, 0, 0])]
    #[case::vintage_contradicts(&[known(1, 40, 5.0)], &[vintage(6.0, 40)], &[], [0, 0, 0, 1])]
    #[case::vintages_of_one_batch_by_age(
        &[], &[vintage(7.0, 60), vintage(5.0, 20), vintage(5.0, 30)], &[known(1, 20, 5.0), known(1, 60, 7.0)], [1, 1, 1, 0]
    )]
    #[case::vintage_before_a_plain_row(&[], &[commit(6.0), vintage(5.0, 20)], &[known(1, 20, 5.0), known(1, 100, 6.0)], [1, 0, 1, 0])]
    #[case::batch_repeats_itself(&[], &[commit(5.0), commit(5.0)], &[known(1, 100, 5.0)], [1, 1, 0, 0])]
    #[case::batch_contradicts_itself(&[], &[commit(5.0), published(6.0, 50)], &[known(1, 100, 5.0)], [1, 0, 0, 1])]
    #[case::batch_contradicts_itself_about_an_old_point(
        &[known(1, 40, 5.0)], &[commit(5.0), commit(6.0)], &[], [0, 1, 0, 1]
    )]
    #[case::several_points_out_of_order(
        &[known(2, 40, 5.0)],
        &[row(3, 1.0, KnownAtRule::OnCommit), row(2, 6.0, KnownAtRule::OnCommit), commit(2.0)],
        &[known(1, 100, 2.0), known(2, 100, 6.0), known(3, 100, 1.0)],
        [2, 0, 1, 0]
    )]
    fn each_row_is_compared_with_the_known_vintages(
        #[case] stored: &[Vintage<f64>],
        #[case] rows: &[Observation<f64>],
        #[case] added: &[Vintage<f64>],
        #[case] expected: [usize; 4],
    ) {
        let (found, report) = apply(stored, rows);
        assert_eq!((found.as_slice(), counts(&report)), (added, expected), "{:?}", report.refused);
    }

    #[rstest]
    #[case::not_a_number(commit(f64::NAN), "is not a finite number")]
    #[case::infinite(commit(f64::INFINITY), "is not a finite number")]
    #[case::implausible(commit(1e13), "10000000000000 is not a plausible etf_flow")]
    #[case::long_ago(row(i64::MIN, 1.0, KnownAtRule::OnCommit), "observed_at -9223372036854775808 ms after 1970")]
    #[case::far_future_vintage(vintage(1.0, i64::MAX), "known_at 9223372036854775807 ms after 1970")]
    #[case::far_future_rule(published(1.0, i64::MAX), "is not between 1900-01-01T00:00:00Z and")]
    fn invalid_rows_are_rejected_with_a_reason(#[case] row: Observation<f64>, #[case] reason: &str) {
        let (added, report) = apply(&[], &[row, row_after()]);
        assert_eq!((added.len(), counts(&report)), (1, [1, 0, 0, 1]));
        assert!(report.refused[0].reason.contains(reason), "{:?}", report.refused);
        assert_eq!(report.refused[0].subject, "etf_flow.btc@farside");
    }

    const fn row_after() -> Observation<f64> {
        row(2, 1.0, KnownAtRule::OnCommit)
    }

    #[test]
    fn both_values_of_a_contradiction_are_named() {
        let (_, report) = apply(&[], &[commit(5.0), commit(6.5)]);
        assert_eq!(report.refused[0].reason, "the batch has both 5 and 6.5 for this point; remove one of them");
    }

    #[test]
    fn a_revision_after_the_last_accepted_time_is_rejected() {
        let (added, report) = apply(&[Vintage { known_at: Timestamp::MAX, ..known(1, 0, 5.0) }], &[commit(6.0)]);
        assert_eq!((added.len(), counts(&report)), (0, [0, 0, 0, 1]));
    }

    #[rstest]
    #[case::nan(Bar { open: f64::NAN, ..plain() }, "is not a finite number")]
    #[case::disordered(Bar { high: 9.0, ..plain() }, "do not make a bar")]
    #[case::implausible(Bar { high: 1e12, ..plain() }, "1000000000000 is not a plausible candle")]
    #[case::below_zero(Bar { low: -5.0, ..plain() }, "-5 is not a plausible candle")]
    #[case::volume(Bar { volume: Some(-1.0), ..plain() }, "volume -1 is negative")]
    fn an_invalid_bar_is_rejected(#[case] bar: Bar, #[case] reason: &str) {
        let found = bar.validate(&key("candle.btc@binance:1d")).unwrap_err();
        assert!(found.contains(reason), "{found}");
    }

    const fn plain() -> Bar {
        Bar { open: 10.0, high: 12.0, low: 8.0, close: 11.0, volume: Some(3.0) }
    }

    #[test]
    fn bars_and_values_do_not_mix() {
        assert!(plain().validate(&key("price.btc@desk")).unwrap_err().contains("use the metric candle"));
        assert!(1.0.validate(&key("candle.btc@binance:1d")).unwrap_err().contains("has bars"));
    }

    #[test]
    fn only_oil_may_have_a_negative_price() {
        let oil = Bar { low: -40.32, close: -37.63, ..plain() };
        assert!(oil.validate(&key("candle.wti@cme:1d")).is_ok());
        assert!((-37.63).validate(&key("price.wti@fred")).is_ok());
        for price in [-5.0, 0.0] {
            assert!(price.validate(&key("price.btc@desk")).unwrap_err().contains("is not a plausible price"), "{price}");
        }
    }

    #[test]
    fn bars_agree_number_by_number() {
        assert!(plain().agrees(&plain()));
        for other in [Bar { close: 11.5, ..plain() }, Bar { volume: None, ..plain() }, Bar { volume: Some(4.0), ..plain() }] {
            assert!(!plain().agrees(&other) && !other.agrees(&plain()), "{other:?}");
        }
    }

    #[test]
    fn zero_has_no_sign_in_the_log() {
        let (_, report) = apply(&[known(1, 40, 0.0)], &[commit(-0.0)]);
        assert_eq!(counts(&report), [0, 1, 0, 0]);
    }

    fn any_row() -> impl Strategy<Value = Observation<f64>> {
        let knowledge = prop_oneof![
            Just(KnownAtRule::OnCommit),
            (0..200i64).prop_map(|at| KnownAtRule::AtPublication(ms(at))),
            (0..200i64).prop_map(|at| KnownAtRule::Vintage(ms(at))),
        ];
        (0..4i64, 0..3u8, knowledge).prop_map(|(at, value, knowledge)| row(at, f64::from(value), knowledge))
    }

    fn rows() -> impl Strategy<Value = Vec<Observation<f64>>> {
        proptest::collection::vec(any_row(), 0..20)
    }

    /// Returns the stored vintages after both, in order.
    fn join(stored: &[Vintage<f64>], added: &[Vintage<f64>]) -> Vec<Vintage<f64>> {
        let mut all = [stored, added].concat();
        all.sort_by_key(|vintage| (vintage.observed_at, vintage.known_at));
        all
    }

    proptest! {
        #[test]
        fn every_row_is_counted_once_and_every_vintage_has_its_own_instants(first in rows(), second in rows()) {
            let (stored, _) = apply(&[], &first);
            let (added, report) = apply(&stored, &second);
            let [new, unchanged, revised, rejected] = counts(&report);
            prop_assert_eq!(new + unchanged + revised + rejected, second.len());
            prop_assert_eq!(new + revised, added.len());
            prop_assert!(added.is_sorted_by_key(|vintage| (vintage.observed_at, vintage.known_at)));
            let all = join(&stored, &added);
            let distinct: BTreeSet<_> = all.iter().map(|vintage| (vintage.observed_at, vintage.known_at)).collect();
            prop_assert_eq!(distinct.len(), all.len());
        }

        #[test]
        fn rows_without_a_vintage_never_change_an_earlier_answer(first in rows(), second in rows()) {
            let (stored, _) = apply(&[], &first);
            let points: BTreeSet<_> = stored.iter().map(|vintage| vintage.observed_at).collect();
            let plain: Vec<_> = second.into_iter().filter(|row| real_vintage(row).is_none()).collect();
            let (added, _) = apply(&stored, &plain);
            for vintage in added.iter().filter(|vintage| points.contains(&vintage.observed_at)) {
                prop_assert!(vintage.known_at >= NOW);
                let older = stored.iter().filter(|stored| stored.observed_at == vintage.observed_at);
                prop_assert!(older.map(|stored| stored.known_at).max() < Some(vintage.known_at));
            }
        }

        #[test]
        fn repeating_the_last_value_changes_nothing(first in rows()) {
            let (stored, _) = apply(&[], &first);
            let again: Vec<_> =
                stored.chunk_by(|a, b| a.observed_at == b.observed_at).map(|point| point[point.len() - 1]).collect();
            let again: Vec<_> =
                again.iter().map(|last| Observation { knowledge: KnownAtRule::OnCommit, observed_at: last.observed_at, value: last.value }).collect();
            let (added, report) = apply(&stored, &again);
            prop_assert_eq!((added.len(), counts(&report)), (0, [0, again.len(), 0, 0]));
        }

        #[test]
        fn an_export_of_every_vintage_imports_as_the_same_log(first in rows()) {
            let (stored, _) = apply(&[], &first);
            let export: Vec<_> = stored
                .iter()
                .map(|vintage| Observation { observed_at: vintage.observed_at, knowledge: KnownAtRule::Vintage(vintage.known_at), value: vintage.value })
                .collect();
            let (imported, report) = apply(&[], &export);
            prop_assert_eq!(counts(&report)[3], 0);
            // A vintage equal to the one before it adds nothing: the value known at each time is the same.
            for as_of in (0..=400).map(ms) {
                for at in (0..4).map(ms) {
                    let value = |log: &[Vintage<f64>]| {
                        let known = log.iter().filter(|vintage| vintage.observed_at == at && vintage.known_at <= as_of);
                        known.max_by_key(|vintage| vintage.known_at).map(|vintage| vintage.value.to_bits())
                    };
                    prop_assert_eq!(value(&imported), value(&stored));
                }
            }
        }

        #[test]
        fn points_do_not_touch_each_other(first in rows(), second in rows(), cut in 0..4i64) {
            let (stored, _) = apply(&[], &first);
            let (whole, _) = apply(&stored, &second);
            let (early, late): (Vec<_>, Vec<_>) = second.into_iter().partition(|row| row.observed_at < ms(cut));
            let (mut parts, _) = apply(&stored, &early);
            parts.extend(apply(&stored, &late).0);
            prop_assert_eq!(parts, whole);
        }
    }
}
