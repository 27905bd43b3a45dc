//! Candles of the venues: which pages to ask for, and which rows of an answer are finished ones.

use std::time::Duration;

use super::candle_row::CandleRow;
use super::error::FetchError;
use super::feed::{Parsed, PollContext, PollRequest, PolledFeed, Profile};
use super::history::{History, HistorySeries, Pages};
use super::schedule::Schedule;
use crate::domain::{Asset, Bar, Metric, Observation, Period, SeriesKey, Source, Timestamp};

/// A candle with none behind it counts as finished only when it ended this long ago by our clock,
/// which may be wrong: the last row of a live answer is the running candle.
const CLOCK_SLACK_MS: i64 = Period::HOUR.ms();

/// What is collected of a venue's candles.
#[derive(Debug, Clone)]
pub(super) struct CandlePlan {
    /// The source they are recorded under.
    pub(super) source: Source,
    /// The coins.
    pub(super) assets: Vec<Asset>,
    /// The periods, and how many days of each are read back.
    pub(super) spans: Vec<(Period, u32)>,
    /// The most candles of one answer.
    pub(super) page: i64,
    /// The most days one question may span.
    pub(super) page_days: i64,
}

/// One question about candles: those that start at `from` or later and before `until`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CandlePage {
    pub(super) series: SeriesKey,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// Makes the question for a page of candles.
pub(super) trait AskCandles:
    Fn(CandlePage, PollContext) -> Result<PollRequest, FetchError> + Clone + Send + Sync + 'static
{
}

impl<F: Fn(CandlePage, PollContext) -> Result<PollRequest, FetchError> + Clone + Send + Sync + 'static> AskCandles for F {}

/// How a venue lays out a row: the start in milliseconds, open, high, low and close, then the rest.
#[derive(Debug, Clone, Copy)]
pub(super) struct CandleLayout {
    /// The field with the traded amount, in units of the symbol.
    pub(super) volume: usize,
    /// The field that is `"0"` while the candle is running, where there is one.
    pub(super) confirmed: Option<usize>,
}

impl CandlePlan {
    /// Days and hours, as many days back of each as `history_days` says in this order, with at most `page`
    /// candles to an answer.
    pub(super) fn of_days_and_hours(source: Source, assets: &[Asset], history_days: [u32; 2], page: i64) -> Self {
        let spans = [Period::DAY, Period::HOUR].into_iter().zip(history_days).collect();
        Self { source, assets: assets.to_vec(), spans, page, page_days: page }
    }

    /// The feed that collects these candles, each page of them asked for with `ask`, those of the past
    /// `spacing` apart.
    pub(super) fn feed(self, profile: Profile, schedule: Schedule, spacing: Duration, ask: impl AskCandles) -> PolledFeed {
        PolledFeed {
            profile,
            schedule,
            cursor_series: self.series(),
            history: Some(self.history(spacing, ask.clone())),
            questions: Box::new(move |visit| self.pages(*visit).into_iter().map(|page| ask(page, *visit)).collect()),
        }
    }

    /// Every series that is collected.
    pub(super) fn series(&self) -> Vec<SeriesKey> {
        let of_period = |period: Period| self.assets.iter().map(move |asset| self.key(asset, period));
        self.spans.iter().flat_map(|(period, _)| of_period(*period)).collect()
    }

    /// The candles that may have ended since the last visit, page by page and in each for every coin.
    pub(super) fn pages(&self, visit: PollContext) -> Vec<CandlePage> {
        let mut pages = Vec::new();
        for (period, history_days) in &self.spans {
            let ms = period.ms();
            let ended = visit.seen_until.is_none_or(|seen| seen.floor(ms) < visit.now.floor(ms));
            if !ended {
                continue;
            }
            let from = visit.from(2 * ms, i64::from(*history_days) * Period::DAY.ms()).floor(ms);
            let step_ms = self.page_ms(*period);
            let starts = (0..).map(|page| from.plus_ms(page * step_ms)).take_while(|start| *start < visit.now);
            for start in starts {
                let until = start.plus_ms(step_ms).min(visit.now.floor(ms).plus_ms(ms));
                pages.extend(self.assets.iter().map(|asset| CandlePage { series: self.key(asset, *period), from: start, until }));
            }
        }
        pages
    }

    /// The past of every series in pages, each asked for with `ask`.
    pub(super) fn history(&self, spacing: Duration, ask: impl AskCandles) -> History {
        let of_period = |(period, days): &(Period, u32)| {
            let (period, days) = (*period, *days);
            self.assets.iter().map(move |asset| (self.key(asset, period), days))
        };
        let strand = |(series, days): (SeriesKey, u32)| {
            let (ask, ms) = (ask.clone(), series.period.ms());
            HistorySeries::new(series.to_string(), days, self.page_ms(series.period), move |span, visit| {
                // The running candle is asked for: it shows that the one before it is over.
                let until = span.to().plus_ms(ms - 1).floor(ms);
                ask(CandlePage { series: series.clone(), from: span.from().floor(ms), until }, *visit)
            })
            .settled_after(ms + CLOCK_SLACK_MS)
        };
        History::Paged(Pages { strands: self.spans.iter().flat_map(of_period).map(strand).collect(), spacing })
    }

    /// The longest span one question may ask for.
    fn page_ms(&self, period: Period) -> i64 {
        (self.page * period.ms()).min(self.page_days * Period::DAY.ms())
    }

    fn key(&self, asset: &Asset, period: Period) -> SeriesKey {
        SeriesKey::new(Metric::Candle, asset.clone(), self.source.clone(), period)
    }
}

impl CandlePage {
    /// How many candles there can be, so that a small question costs little of the rate limit.
    pub(super) fn count(&self) -> i64 {
        self.until.ms_since(self.from) / self.series.period.ms()
    }
}

/// Reads the finished candles of an answer. A unit of the symbol stands for `coins_per_unit` coins:
/// prices become those of one coin and amounts coins.
pub(super) fn read_candles(
    rows: &[CandleRow],
    layout: CandleLayout,
    coins_per_unit: f64,
    series: &SeriesKey,
    visit: &PollContext,
) -> Parsed {
    let mut parsed = Parsed::new(series.source.clone());
    let newest = rows.iter().filter_map(|row| row.instant(0).ok()).max();
    let mut candles = Vec::with_capacity(rows.len());
    for row in rows {
        match layout.read(row, coins_per_unit) {
            Ok((start, bar)) => {
                let end = start.plus_ms(series.period.ms());
                let followed = newest.is_some_and(|newest| newest > start);
                let over = followed || end.plus_ms(CLOCK_SLACK_MS) <= visit.now;
                if over && !layout.is_running(row) {
                    candles.push(Observation { observed_at: start, knowledge: visit.knowledge(end), value: bar });
                }
            }
            Err(reason) => parsed.refuse(series.to_string(), row.instant(0).unwrap_or(visit.now), reason),
        }
    }
    if !candles.is_empty() {
        parsed.batch.candles.insert(series.clone(), candles);
    }
    parsed
}

impl CandleLayout {
    fn read(self, row: &CandleRow, coins_per_unit: f64) -> Result<(Timestamp, Bar), String> {
        let price = |index| row.number(index).map(|price| price / coins_per_unit);
        let volume = row.number(self.volume)? * coins_per_unit;
        let bar = Bar::new(price(1)?, price(2)?, price(3)?, price(4)?, Some(volume)).map_err(|error| error.to_string())?;
        Ok((row.instant(0)?, bar))
    }

    fn is_running(self, row: &CandleRow) -> bool {
        self.confirmed.is_some_and(|index| row.number(index) == Ok(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn plan(page_days: i64) -> CandlePlan {
        let spans = vec![(Period::DAY, 500), (Period::HOUR, 2)];
        CandlePlan { source: "venue".parse().unwrap(), assets: vec![Asset::btc()], spans, page: 1_000, page_days }
    }

    #[test]
    fn the_first_visit_asks_page_by_page_and_the_next_only_for_what_may_have_ended() {
        let now = at("2026-02-04T08:10:00Z");
        let first = plan(200).pages(PollContext { seen_until: None, now });
        let told: Vec<_> = first.iter().map(|page| (page.series.period.to_string(), page.count())).collect();
        assert_eq!(told, [("1d", 200), ("1d", 200), ("1d", 101), ("1h", 49)].map(|(period, count)| (period.to_owned(), count)));
        assert_eq!(first[2].until, at("2026-02-05"), "the running candle is asked for: it shows that the one before is over");
        let next = plan(200).pages(PollContext { seen_until: Some(at("2026-02-04T07:05:00Z")), now });
        assert_eq!(next.iter().map(CandlePage::count).collect::<Vec<_>>(), [4]);
        let soon = plan(200).pages(PollContext { seen_until: Some(at("2026-02-04T08:05:00Z")), now });
        assert_eq!(soon, []);
    }

    #[test]
    fn the_past_is_asked_for_in_whole_candles_and_the_running_one_with_it() {
        let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let log = std::sync::Arc::clone(&asked);
        let ask = move |page: CandlePage, _: PollContext| {
            log.lock().unwrap().push((page.series.to_string(), page.from, page.until, page.count()));
            Err(FetchError::Timeout { host: "venue".to_owned() })
        };
        let History::Paged(pages) = plan(200).history(Duration::ZERO, ask) else { panic!("one answer") };
        let visit = PollContext { seen_until: None, now: at("2026-02-04T08:10:00Z") };
        let spans = [("2026-01-30T00:30:00Z", "2026-02-04T08:10:00Z"), ("2026-02-01", "2026-02-03")];
        for (strand, (from, to)) in pages.strands.iter().zip(spans) {
            assert!(strand.question(crate::domain::TimeRange::new(at(from), at(to)).unwrap(), &visit).is_err());
        }
        let told = asked.lock().unwrap().clone();
        assert_eq!(told[0], ("candle.btc@venue:1d".to_owned(), at("2026-01-30"), at("2026-02-05"), 6));
        assert_eq!(told[1], ("candle.btc@venue:1h".to_owned(), at("2026-02-01"), at("2026-02-03"), 48));
    }

    #[test]
    fn a_row_that_says_it_is_running_is_never_final() {
        let rows: Vec<CandleRow> = serde_json::from_str(
            r#"[["1770192000000","1","1","1","1","5","0"], ["1770188400000","1","1","1","1","5","1"], ["1770184800000","1"]]"#,
        )
        .unwrap();
        let layout = CandleLayout { volume: 5, confirmed: Some(6) };
        let visit = PollContext { seen_until: None, now: at("2026-02-05") };
        let parsed = read_candles(&rows, layout, 1.0, &"candle.btc@venue:1h".parse().unwrap(), &visit);
        let candles = parsed.batch.candles.values().next().unwrap();
        assert_eq!(candles.iter().map(|row| row.observed_at).collect::<Vec<_>>(), [at("2026-02-04T07:00:00Z")]);
        assert_eq!(parsed.refused.len(), 1);
    }
}
