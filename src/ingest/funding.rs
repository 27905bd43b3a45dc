//! Funding settlements: the rate, and the interval it was paid for.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::feed::{Parsed, PollContext};
use super::wire::row;
use crate::domain::{Asset, Metric, Period, SeriesKey, Source, Timestamp};

/// Hours between two settlements that venues use.
const INTERVALS_HOURS: [i64; 5] = [1, 2, 4, 6, 8];
/// Venues stamp a settlement a few milliseconds to seconds late.
const STAMP_GRAIN_MS: i64 = 60_000;

/// Reads the settlements of one contract from the rows of an answer: `settled` gives the instant and the
/// rate of each, or `None` where it is no settlement.
pub(super) fn read_settlements<R: DeserializeOwned>(
    rows: &[Value],
    source: Source,
    asset: &Asset,
    visit: &PollContext,
    settled: impl Fn(R) -> Option<(Timestamp, f64)>,
) -> Parsed {
    let rate_key = SeriesKey::new(Metric::FundingRate, asset.clone(), source.clone(), Period::INSTANT);
    let mut parsed = Parsed::new(source);
    let mut settlements = Vec::new();
    for value in rows {
        match row::<R>(value) {
            Ok(row) => settlements.extend(settled(row)),
            Err(reason) => parsed.refuse(rate_key.to_string(), visit.now, reason),
        }
    }
    push_settlements(&mut parsed, asset, visit, settlements);
    parsed
}

/// How long before a page its settlements are requested: the interval of the first one is its distance to the one before.
pub(super) const LEAD_MS: i64 = 8 * Period::HOUR.ms();

/// A page without the intervals of its rows before `from`: those come from the page before.
pub(super) fn stated_from(mut parsed: Parsed, from: Timestamp) -> Parsed {
    let intervals = parsed.batch.readings.iter_mut().filter(|(key, _)| key.metric == Metric::FundingInterval);
    intervals.for_each(|(_, rows)| rows.retain(|row| row.observed_at >= from));
    parsed.batch.readings.retain(|_, rows| !rows.is_empty());
    parsed
}

/// Adds settlements of one contract: the rate as a fraction per interval, and the interval in hours
/// as told by the settlement before it, for venues change it. The first row ever takes that of the
/// second, a later visit leaves it as recorded; a gap that is no interval of any venue leaves the
/// interval out.
fn push_settlements(parsed: &mut Parsed, asset: &Asset, visit: &PollContext, mut rows: Vec<(Timestamp, f64)>) {
    for (at, _) in &mut rows {
        *at = at.floor(STAMP_GRAIN_MS);
    }
    rows.sort_by_key(|(at, _)| *at);
    rows.dedup_by_key(|(at, _)| *at);
    let key = |metric| SeriesKey::new(metric, asset.clone(), parsed.batch.source.clone(), Period::INSTANT);
    let (rate_key, interval_key) = (key(Metric::FundingRate), key(Metric::FundingInterval));
    for (index, (at, rate)) in rows.iter().enumerate() {
        let knowledge = visit.knowledge(*at);
        parsed.push(rate_key.clone(), *at, knowledge, *rate);
        if index == 0 && visit.seen_until.is_some() {
            continue;
        }
        let (earlier, later) = if index == 0 { (0, 1) } else { (index - 1, index) };
        let gap_ms = rows.get(later).map(|(end, _)| end.ms_since(rows[earlier].0));
        if let Some(hours) = gap_ms.and_then(interval_hours) {
            parsed.push(interval_key.clone(), *at, knowledge, hours);
        }
    }
}

fn interval_hours(gap_ms: i64) -> Option<f64> {
    let hours = INTERVALS_HOURS.into_iter().find(|hours| hours * Period::HOUR.ms() == gap_ms)?;
    i32::try_from(hours).ok().map(f64::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_interval_comes_from_the_spacing_of_the_rows() {
        let at = |hour: i64, jitter_ms: i64| Timestamp::from_unix_ms(hour * 3_600_000 + jitter_ms);
        let mut parsed = Parsed::new("venue".parse().unwrap());
        let visit = PollContext { seen_until: None, now: at(100, 0) };
        let rows = vec![(at(24, 2), 0.4), (at(8, 340), 0.1), (at(16, 0), 0.2), (at(16, 40), 0.2), (at(60, 0), 0.5)];
        push_settlements(&mut parsed, &Asset::btc(), &visit, rows);
        let read = |key: &str| {
            let rows = &parsed.batch.readings[&key.parse().unwrap()];
            rows.iter().map(|row| (row.observed_at.unix_ms() / 3_600_000, row.value)).collect::<Vec<_>>()
        };
        assert_eq!(read("funding_rate.btc@venue"), [(8, 0.1), (16, 0.2), (24, 0.4), (60, 0.5)]);
        assert_eq!(read("funding_interval.btc@venue"), [(8, 8.0), (16, 8.0), (24, 8.0)]);
    }

    #[test]
    fn a_row_that_is_no_settlement_is_left_out_and_an_unreadable_one_refused() {
        let rows = [json!([8, 0.1]), json!([16, null]), json!("x")];
        let visit = PollContext { seen_until: None, now: Timestamp::from_unix_ms(86_400_000) };
        let settled = |(hour, rate): (i64, Option<f64>)| Some((Timestamp::from_unix_ms(hour * 3_600_000), rate?));
        let parsed = read_settlements(&rows, "venue".parse().unwrap(), &Asset::btc(), &visit, settled);
        let rates = &parsed.batch.readings[&"funding_rate.btc@venue".parse().unwrap()];
        assert_eq!(rates.iter().map(|row| row.value).collect::<Vec<_>>(), [0.1]);
        assert_eq!(parsed.refused.iter().map(|refusal| refusal.subject.as_str()).collect::<Vec<_>>(), ["funding_rate.btc@venue"]);
    }

    #[test]
    fn a_page_states_the_interval_of_its_first_row_by_the_settlement_before_it() {
        let at = |hour: i64| Timestamp::from_unix_ms(hour * 3_600_000);
        let mut parsed = Parsed::new("venue".parse().unwrap());
        let visit = PollContext { seen_until: None, now: at(100) };
        // Eight hours up to 16, four from then on; the page begins after 16.
        push_settlements(&mut parsed, &Asset::btc(), &visit, vec![(at(16), 0.1), (at(20), 0.2), (at(24), 0.3)]);
        let page = stated_from(parsed, at(17));
        let rows = |key: &str| page.batch.readings[&key.parse().unwrap()].iter().map(|row| row.observed_at).collect::<Vec<_>>();
        assert_eq!(rows("funding_rate.btc@venue"), [at(16), at(20), at(24)]);
        assert_eq!(rows("funding_interval.btc@venue"), [at(20), at(24)]);
    }

    #[test]
    fn a_later_visit_does_not_restate_the_interval_of_its_first_row() {
        let at = |hour: i64| Timestamp::from_unix_ms(hour * 3_600_000);
        let mut parsed = Parsed::new("venue".parse().unwrap());
        let visit = PollContext { seen_until: Some(at(17)), now: at(21) };
        push_settlements(&mut parsed, &Asset::btc(), &visit, vec![(at(8), 0.1), (at(12), 0.2), (at(16), 0.3)]);
        let rows = &parsed.batch.readings[&"funding_interval.btc@venue".parse().unwrap()];
        assert_eq!(rows.iter().map(|row| row.observed_at).collect::<Vec<_>>(), [at(12), at(16)]);
    }
}
