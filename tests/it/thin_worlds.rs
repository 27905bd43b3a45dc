//! Markets of which little is known: what the tests of thin and missing data ask about.

use market_stress::domain::{
    Asset, Bar, Delta, KnownAtRule, LiquidationOrder, RecordedOrder, SeriesKey, Side, SourceInfo, SourceKind, Timestamp,
    TradingCalendar, Vintage,
};

use crate::http::{NOW, Plan, Service, at, commit, key, source};

/// Days of daily rows: enough for 500 common trading days.
const DAYS: i64 = 760;
/// Days of rows that come several times a day.
const LATE_DAYS: i64 = 130;
/// Days with a chain of options.
const CHAIN_DAYS: i64 = 60;
/// The days back from the clock that a gap holds, and from which on a venue is silent.
const GAP: std::ops::Range<i64> = 5..15;
/// Markets beside coins.
const OTHERS: [&str; 7] = ["sp500", "nasdaq", "gold", "silver", "wti", "vix", "dxy"];
const HOUR_MS: i64 = 3_600_000;

/// How little is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum World {
    /// No row at all.
    Empty,
    /// The newest row of each series.
    OnePoint,
    /// Years in which nothing ever moved.
    Constant,
    /// Years, but no row of ten days two weeks ago.
    Gap,
    /// Years, but the venue `w` has been silent for five days.
    SilentVenue,
}

/// Rows on their way into a world.
struct Rows {
    world: World,
    delta: Delta,
}

impl World {
    pub(crate) const ALL: [Self; 5] = [Self::Empty, Self::OnePoint, Self::Constant, Self::Gap, Self::SilentVenue];

    /// A service that knows no more than this.
    pub(crate) async fn serve(self) -> Service {
        let (commits, orders) = if self == Self::Empty { (vec![], vec![]) } else { self.rows() };
        let service = Plan { commits, orders, ..Plan::default() }.serve().await;
        let kinds = [
            ("v", SourceKind::Venue),
            ("w", SourceKind::Venue),
            ("index", SourceKind::Publisher),
            ("gecko", SourceKind::Aggregator),
        ];
        let info = |(name, kind)| SourceInfo { source: source(name), kind, note: String::new() };
        service.market.learn_sources(kinds.map(info));
        service
    }

    fn rows(self) -> (Vec<Delta>, Vec<RecordedOrder>) {
        let mut rows = Rows { world: self, delta: commit(1) };
        for back in (1..=DAYS).rev() {
            rows.day(back);
        }
        for hours in (1..=LATE_DAYS * 24).rev() {
            rows.hour(hours);
        }
        for back in (0..CHAIN_DAYS).rev() {
            rows.chain(back);
        }
        if self == Self::OnePoint {
            rows.keep_newest();
        }
        let order = order();
        rows.delta.orders = vec![order.clone()];
        (vec![rows.delta], vec![order])
    }

    /// Whether the rows of a source are known that are so many days old.
    fn knows(self, source: &str, days: i64) -> bool {
        match self {
            Self::Empty => false,
            Self::OnePoint | Self::Constant => true,
            Self::Gap => !GAP.contains(&days),
            Self::SilentVenue => source != "w" || days >= GAP.start,
        }
    }

    /// A value around `base`, the same at each run; `base` itself where nothing ever moved.
    #[expect(clippy::cast_precision_loss, reason = "remainders of 13 are small")]
    fn value(self, base: f64, n: i64) -> f64 {
        let swing = (n * n + 3 * n).rem_euclid(13) as f64 - 6.0;
        if self == Self::Constant { base } else { base * (1.0 + 0.005 * swing) }
    }
}

/// The one order that is forced in every world but the empty one.
fn order() -> RecordedOrder {
    let occurred_at = at("2026-02-04T07:30:00Z");
    let order = LiquidationOrder {
        source: source("v"),
        symbol: "BTCUSDT".to_owned(),
        asset: Asset::btc(),
        side: Side::Long,
        occurred_at,
        knowledge: KnownAtRule::Vintage(occurred_at),
        price_usd: 76_000.0,
        quantity: 2.0,
        usd: 152_000.0,
    };
    RecordedOrder { order, known_at: occurred_at, ordinal: 0 }
}

fn is_weekend(day: Timestamp) -> bool {
    ["Sat", "Sun"].contains(&day.date().format("%a").to_string().as_str())
}

/// Thirty-two coins, bitcoin first.
fn coins() -> impl Iterator<Item = (i64, String)> {
    let known = ["btc", "eth", "sol", "xrp", "bnb", "doge"].map(str::to_owned);
    (0..).zip(known.into_iter().chain((0..26).map(|n| format!("coin{n}"))))
}

impl Rows {
    fn reading(&mut self, name: &str, observed_at: Timestamp, base: f64, n: i64) {
        let key: SeriesKey = key(name);
        let known_at = observed_at.plus_ms(key.publication_lag_ms());
        let days = at(NOW).ms_since(observed_at) / (24 * HOUR_MS);
        if known_at <= at(NOW) && self.world.knows(key.source.as_str(), days) {
            let row = Vintage { observed_at, known_at, value: self.world.value(base, n) };
            self.delta.readings.entry(key).or_default().push(row);
        }
    }

    fn bar(&mut self, asset: &str, observed_at: Timestamp, base: f64, n: i64) {
        let key: SeriesKey = key(&format!("candle.{asset}@{}:1d", if OTHERS.contains(&asset) { "index" } else { "v" }));
        let closed = key.asset.calendar() == TradingCalendar::TradingDays && is_weekend(observed_at);
        let days = at(NOW).ms_since(observed_at) / (24 * HOUR_MS);
        if !closed && self.world.knows(key.source.as_str(), days) {
            let (open, close) = (self.world.value(base, n - 1), self.world.value(base, n));
            let reach = if self.world == World::Constant { 0.0 } else { 0.01 * base };
            let bar = Bar::new(open, open.max(close) + reach, open.min(close) - reach, close, Some(1_000.0)).unwrap();
            let row = Vintage { observed_at, known_at: observed_at.plus_days(1), value: bar };
            self.delta.candles.entry(key).or_default().push(row);
        }
    }

    /// The daily rows of so many days ago.
    fn day(&mut self, back: i64) {
        let start = at(NOW).day_start().plus_days(-back);
        for (n, coin) in coins() {
            self.bar(&coin, start, 100.0, back * (n + 1));
            self.reading(&format!("market_cap.{coin}@gecko:1d"), start, 1e9, back + n);
        }
        for (n, asset) in (1..).zip(OTHERS) {
            self.bar(asset, start, 100.0, back * (n + 3) + n);
        }
        self.reading("market_cap.total@gecko:1d", start, 3e12, back);
        self.reading("implied_vol.btc@v:1d", start, 45.0, back);
        for fund in ["AAA", "BBB"].into_iter().filter(|_| !is_weekend(start)) {
            self.reading(&format!("etf_flow.btc.{fund}@gecko:1d"), start, 1e8, back);
        }
    }

    /// The rows of so many hours ago.
    fn hour(&mut self, hours: i64) {
        let hour = at(NOW).plus_ms(-hours * HOUR_MS);
        for venue in ["v", "w"] {
            for side in ["long", "short"] {
                self.reading(&format!("liquidation.btc.{side}@{venue}:1h"), hour, 1e6, hours);
            }
            if hours % 8 == 1 {
                let end = hour.plus_ms(HOUR_MS);
                self.reading(&format!("open_interest.btc@{venue}"), end, 1e10, hours);
                self.reading(&format!("open_interest_native.btc@{venue}"), end, 1e8, hours + 5);
                self.reading(&format!("funding_rate.btc@{venue}:8h"), end, 0.0001, hours);
            }
        }
    }

    /// The chain of options at eight of so many days ago.
    fn chain(&mut self, back: i64) {
        let taken_at = at(NOW).plus_days(-back);
        for expiry in ["9JAN26", "30JAN26", "13FEB26", "27FEB26", "27MAR26", "24APR26"] {
            self.reading(&format!("option_forward.btc.{expiry}@v"), taken_at, 100.0, 0);
            for strike in (60..=160).step_by(10) {
                let right = if strike < 100 { "P" } else { "C" };
                for (metric, base) in [("option_vol", 45.0), ("option_open_interest", 10.0), ("option_volume", 2.0)] {
                    self.reading(&format!("{metric}.btc.{expiry}-{strike}-{right}@v"), taken_at, base, back + strike);
                }
            }
        }
    }

    fn keep_newest(&mut self) {
        let Delta { readings, candles, .. } = &mut self.delta;
        for rows in readings.values_mut() {
            rows.drain(..rows.len() - 1);
        }
        for rows in candles.values_mut() {
            rows.drain(..rows.len() - 1);
        }
    }
}
