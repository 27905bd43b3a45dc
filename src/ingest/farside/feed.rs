use std::time::Duration;

use super::config::FarsideConfig;
use super::table::{parse_table, source};
use crate::domain::{Metric, Period, SeriesKey, SourceInfo, SourceKind};
use crate::ingest::feed::trading_day_cadence;
use crate::ingest::settings::asset;
use crate::ingest::{Expects, FetchError, History, PollContext, PollRequest, PolledFeed, Profile, Request, Schedule};

const DAY_MS: i64 = Period::DAY.ms();
/// How many days back the short page certainly reaches.
const SHORT_PAGE_DAYS: i64 = 10;

/// Where the flows of one coin's funds are published.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    feed: &'static str,
    asset: &'static str,
    /// The last trading days.
    recent: &'static str,
    /// All trading days, where there is such a page.
    all: Option<&'static str>,
    /// The oldest fund, whose rows say where an earlier run stopped.
    oldest_fund: &'static str,
}

/// The coins with a table.
pub(super) const TABLES: [Table; 3] = [
    Table { feed: "farside-btc", asset: "btc", recent: "btc/", all: Some("bitcoin-etf-flow-all-data/"), oldest_fund: "IBIT" },
    Table { feed: "farside-eth", asset: "eth", recent: "eth/", all: Some("ethereum-etf-flow-all-data/"), oldest_fund: "ETHA" },
    Table { feed: "farside-sol", asset: "sol", recent: "sol/", all: None, oldest_fund: "BSOL" },
];

/// Net flows of the funds on one coin.
pub(super) fn flow_feed(config: &FarsideConfig, table: Table) -> PolledFeed {
    let info = SourceInfo {
        source: source(),
        kind: SourceKind::Publisher,
        note: "a day fills in fund by fund until about 05:00 UTC of the next day and may be restated later; \
               a zero may stand for a fund that has not reported"
            .to_owned(),
    };
    let oldest = SeriesKey::new(Metric::EtfFlow, asset(table.asset), source(), Period::INSTANT).with_part(table.oldest_fund);
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: table.feed, info, cadence: trading_day_cadence() },
        // Cells fill in from about 22:30 to 05:00 UTC.
        schedule: Schedule::every(Duration::from_hours(4)).busier(22, 6, Duration::from_mins(30)).after(Duration::from_mins(2)),
        cursor_series: vec![oldest],
        questions: Box::new(move |visit| questions(&config, table, *visit)),
        history: Some(History::SingleRequest),
    }
}

/// The short page is read again and again, so restated days are seen; the long one only when the
/// short one may not reach back far enough.
fn questions(config: &FarsideConfig, table: Table, visit: PollContext) -> Result<Vec<PollRequest>, FetchError> {
    let reaches = visit.seen_until.is_some_and(|seen| visit.now.ms_since(seen) < SHORT_PAGE_DAYS * DAY_MS);
    let all = table.all.filter(|_| !reaches);
    let question = |path| {
        let request = Request::get(&config.url, path, &[])?.expecting(Expects::Html).unless_unchanged();
        Ok(PollRequest::new(request, move |body| parse_table(body, &asset(table.asset), &visit)))
    };
    all.into_iter().chain([table.recent]).map(question).collect()
}
