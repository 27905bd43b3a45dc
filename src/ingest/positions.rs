//! Open interest as venues keep it: hourly rows for the past, one every five minutes from then on.

use std::time::Duration;

use super::error::FetchError;
use super::feed::{Parsed, PollContext, PollRequest};
use super::history::{History, HistorySeries, Pages};
use crate::domain::{Asset, Metric, Period, SeriesKey, Timestamp};

/// Between two of the finer rows.
pub(super) const FINE_MS: i64 = 5 * 60_000;
/// The finer rows of so many days are read back; every venue keeps that many.
const FINE_DAYS: u32 = 3;

/// The part of a series of open interest that is in inverse contracts, USD; the whole holds it too.
pub(super) const INVERSE: &str = "inverse";

/// What one question about the open interest of a coin asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PositionSpan {
    /// Every five minutes, not every hour.
    pub(super) fine: bool,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// The questions of a visit to a venue that keeps hourly rows for `depth_days` and answers with at
/// most `page` rows: one page of fine rows up to now, and coarse ones for what lies before it.
pub(super) fn spans(visit: PollContext, depth_days: i64, page: i64) -> Vec<PositionSpan> {
    let hours_ms = page * Period::HOUR.ms();
    let from = visit.from(2 * FINE_MS, depth_days * Period::DAY.ms());
    let fine_from = from.max(visit.now.plus_ms(-(page - 1) * FINE_MS));
    let starts = (0..).map(|index| from.plus_ms(index * hours_ms)).take_while(|start| *start < fine_from);
    let coarse = starts.map(|from| PositionSpan { fine: false, from, until: from.plus_ms(hours_ms).min(visit.now) });
    coarse.chain([PositionSpan { fine: true, from: fine_from, until: visit.now }]).collect()
}

/// The past of the open interest of coins in pages: hours for `days`, and the last days in fine rows.
/// `kept_days` is what the venue keeps of it.
pub(super) fn history(
    assets: &[Asset],
    (days, kept_days): (u32, u32),
    page: i64,
    spacing: Duration,
    ask: impl Fn(&Asset, PositionSpan, PollContext) -> Result<PollRequest, FetchError> + Clone + Send + Sync + 'static,
) -> History {
    let strand = |asset: &Asset, fine: bool| {
        let (ask, asset) = (ask.clone(), asset.clone());
        let (grain, step_ms) = if fine { ("5m", FINE_MS) } else { ("1h", Period::HOUR.ms()) };
        let strand =
            HistorySeries::new(format!("{asset} {grain}"), if fine { 1 } else { days }, page * step_ms, move |span, visit| {
                ask(&asset, PositionSpan { fine, from: span.from(), until: span.to().plus_ms(-1) }, *visit)
            });
        strand.kept_for(if fine { FINE_DAYS } else { kept_days })
    };
    let strands = assets.iter().flat_map(|asset| [strand(asset, true), strand(asset, false)]);
    History::Paged(Pages { strands: strands.collect(), spacing })
}

/// Adds open interest in coins and USD at an instant, or refuses the row it was read from.
pub(super) fn push_positions(
    parsed: &mut Parsed,
    asset: &Asset,
    visit: &PollContext,
    read: Result<(Timestamp, f64, f64), String>,
) {
    let key = |metric| SeriesKey::new(metric, asset.clone(), parsed.batch.source.clone(), Period::INSTANT);
    let (native, value) = (key(Metric::OpenInterestNative), key(Metric::OpenInterest));
    match read {
        Ok((at, coins, usd)) => {
            parsed.push(native, at, visit.knowledge(at), coins);
            parsed.push(value, at, visit.knowledge(at), usd);
        }
        Err(reason) => parsed.refuse(value.to_string(), visit.now, reason),
    }
}

/// The same of inverse contracts, which are counted in USD; a series of its own says so.
pub(super) fn push_inverse_positions(
    parsed: &mut Parsed,
    asset: &Asset,
    visit: &PollContext,
    read: Result<(Timestamp, f64, f64), String>,
) {
    if let Ok((at, _, usd)) = read {
        let whole = SeriesKey::new(Metric::OpenInterest, asset.clone(), parsed.batch.source.clone(), Period::INSTANT);
        parsed.push(whole.with_part(INVERSE), at, visit.knowledge(at), usd);
    }
    push_positions(parsed, asset, visit, read);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_visit_reads_hours_then_minutes_and_the_next_only_minutes() {
        let now: Timestamp = "2026-02-04T08:00:00Z".parse().unwrap();
        let told =
            |seen_until| spans(PollContext { seen_until, now }, 29, 500).into_iter().map(|span| span.fine).collect::<Vec<_>>();
        assert_eq!(told(None), [false, false, true]);
        assert_eq!(told(Some(now.plus_ms(-FINE_MS))), [true]);
    }

    #[test]
    fn no_instant_lies_between_two_spans() {
        let now: Timestamp = "2026-02-04T08:00:00Z".parse().unwrap();
        let spans = spans(PollContext { seen_until: None, now }, 29, 500);
        assert!(spans.windows(2).all(|pair| pair[1].from <= pair[0].until), "{spans:?}");
        assert_eq!(spans.last().unwrap().until, now);
    }
}
