use std::time::Duration;

use super::config::FarsideConfig;
use super::table::{parse_table, source};
use crate::domain::{Asset, Cadence, Metric, Period, SeriesKey, SourceInfo, SourceKind};
use crate::ingest::config::asset;
use crate::ingest::{Expects, PolledFeed, Profile, Question, Request, Schedule, Visit};

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
#[derive(Debug)]
pub struct EtfFlowFeed {
    profile: Profile,
    config: FarsideConfig,
    table: Table,
    asset: Asset,
}

impl EtfFlowFeed {
    pub(super) fn new(config: &FarsideConfig, table: Table) -> Self {
        let info = SourceInfo {
            source: source(),
            kind: SourceKind::Publisher,
            note: "a day fills in fund by fund until about 05:00 UTC of the next day and may be restated later; \
                   a zero may stand for a fund that has not reported"
                .to_owned(),
        };
        // The next row comes after one day, or after four over a long weekend.
        let cadence = Cadence { expected_every_ms: DAY_MS, late_after_ms: 5 * DAY_MS, stale_after_ms: 8 * DAY_MS };
        let asset = asset(table.asset);
        Self { profile: Profile { name: table.feed, info, cadence }, config: config.clone(), table, asset }
    }

    fn question(&self, path: &str, visit: Visit) -> Option<Question> {
        let request = Request::get(&self.config.url, path, &[]).ok()?.expecting(Expects::Html);
        let asset = self.asset.clone();
        Some(Question { request, read: Box::new(move |body| parse_table(body, &asset, &visit)) })
    }
}

impl PolledFeed for EtfFlowFeed {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Cells fill in from about 22:30 to 05:00 UTC.
    fn schedule(&self) -> Schedule {
        let half_hour = Duration::from_mins(30);
        Schedule::every(Duration::from_hours(4)).busier(22, 6, half_hour).after(Duration::from_mins(2))
    }

    fn resumes_from(&self) -> Vec<SeriesKey> {
        let key = SeriesKey::new(Metric::EtfFlow, self.asset.clone(), source(), Period::INSTANT);
        vec![key.with_part(self.table.oldest_fund)]
    }

    /// The short page is read again and again, so restated days are seen; the long one only when the
    /// short one may not reach back far enough.
    fn questions(&self, visit: &Visit) -> Vec<Question> {
        let reaches = visit.seen_until.is_some_and(|seen| visit.now.ms_since(seen) < SHORT_PAGE_DAYS * DAY_MS);
        let all = self.table.all.filter(|_| !reaches);
        all.into_iter().chain([self.table.recent]).filter_map(|path| self.question(path, *visit)).collect()
    }
}
