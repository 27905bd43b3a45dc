use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;

use super::client::{HttpClient, Request};
use super::error::{FeedError, FetchError, ParseError};
use super::history::History;
use super::schedule::Schedule;
use crate::domain::{
    Batch, Cadence, KnownAtRule, LiquidationOrder, Observation, Period, RejectedRow, SeriesKey, Side, Source, SourceInfo,
    Timestamp,
};

/// What a feed is called, whom it records for and how often it speaks.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The feed's own name, such as `binance-candles`.
    pub name: &'static str,
    /// The source its rows are recorded under, with what its figures leave out.
    pub info: SourceInfo,
    /// How old its newest observation may become.
    pub cadence: Cadence,
}

/// A feed that is asked again and again.
pub struct PolledFeed {
    /// Its name, source and cadence.
    pub profile: Profile,
    /// When it is asked.
    pub schedule: Schedule,
    /// Series whose newest rows say where an earlier run stopped; empty where every visit is like
    /// the first.
    pub cursor_series: Vec<SeriesKey>,
    /// What to ask on a visit, in order. One question failing does not keep the others from being
    /// asked.
    pub questions: Questions,
    /// How its past can be read; `None` where the upstream tells the present alone.
    pub history: Option<History>,
}

/// What to ask on a visit, or why the configured address cannot be asked.
pub type Questions = Box<dyn Fn(&PollContext) -> Result<Vec<PollRequest>, FetchError> + Send + Sync>;

/// A feed that speaks by itself over a websocket.
#[async_trait]
pub trait StreamedFeed: Send + Sync + std::fmt::Debug {
    /// Its name, source and cadence.
    fn profile(&self) -> &Profile;

    /// Whether another feed asks for what this one missed while it was not connected.
    fn is_filled_in(&self) -> bool {
        false
    }

    /// Learns what is needed before a session, such as contract sizes, and says how to open it.
    ///
    /// # Errors
    /// [`FeedError`] when the session cannot be opened without what could not be learnt.
    async fn session(&self, http: &HttpClient) -> Result<Session, FeedError>;

    /// Learns during a session what the upstream has listed since, such as contract sizes.
    ///
    /// # Errors
    /// [`FeedError`] when it could not be learnt; it is tried again.
    async fn refresh(&self, http: &HttpClient) -> Result<Refreshed, FeedError> {
        let _ = http;
        Ok(Refreshed::default())
    }

    /// What one text message says.
    ///
    /// # Errors
    /// [`ParseError`] when it is no message of this stream.
    fn read(&self, text: &str) -> Result<Message, ParseError>;
}

/// How a websocket session is opened and kept.
#[derive(Debug, Clone)]
pub struct Session {
    /// The address.
    pub url: url::Url,
    /// Texts sent once after connecting.
    pub subscribe: Vec<String>,
    /// A text the upstream wants as a sign of life; a protocol ping is sent where it wants none.
    pub ping: Option<String>,
    /// How often a sign of life is sent.
    pub ping_every: Duration,
    /// After this long without rows the session counts as broken, acknowledged or not.
    pub idle_timeout: Duration,
    /// After this long a new session is opened before the upstream cuts the old one.
    pub renew_after: Duration,
    /// How often the feed is refreshed.
    pub refresh_every: Duration,
    /// What the subscription leaves out, and why.
    pub left_out: Option<String>,
}

/// What a session learnt of listings since it began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// Texts that subscribe to what is new.
    pub subscribe: Vec<String>,
    /// What the subscription leaves out from now on, and why.
    pub left_out: Option<String>,
}

/// How soon a stream knows what was listed since its session began.
pub(super) const REFRESH_EVERY: Duration = Duration::from_mins(5);

/// What a message of a stream means.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// Rows.
    Rows(Parsed),
    /// An acknowledgement or a sign of life: no rows, and no proof that rows will come.
    Control,
    /// The upstream wants this text sent back.
    Reply(String),
    /// The upstream refuses a part of the subscription; these texts ask for the rest.
    Narrowed {
        /// What is refused, and why; `None` while it is being looked for.
        refused: Option<String>,
        /// Texts to send.
        resend: Vec<String>,
    },
    /// The upstream refuses the subscription or announces the end of the session.
    Refused(String),
}

/// One visit of a polled feed to its upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollContext {
    /// Up to when everything is already recorded; `None` on the first visit ever.
    pub seen_until: Option<Timestamp>,
    /// The present instant.
    pub now: Timestamp,
}

/// A request together with the pure function that reads its answer.
pub struct PollRequest {
    /// What to send.
    pub request: Request,
    /// What the answer says.
    pub read: Reader,
    /// What to ask about the rest of an answer that was cut.
    next: Option<Next>,
}

/// Reads the bytes of an answer.
pub type Reader = Box<dyn Fn(&[u8]) -> Result<Parsed, ParseError> + Send + Sync>;

/// The question about what an answer lacks.
type Next = Box<dyn Fn(&Parsed) -> Result<Option<PollRequest>, FetchError> + Send + Sync>;

/// The rows of one answer or message, in our units and words.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// Rows to record.
    pub batch: Batch,
    /// Rows that could not be taken, and why.
    pub refused: Vec<RejectedRow>,
    /// The newest instant the answer covers, where its rows alone do not tell: an answer without
    /// liquidations is still an answer.
    pub covered_until: Option<Timestamp>,
    /// Whether the upstream cut the answer, so that rows of its span are missing.
    pub truncated: bool,
}

impl PollRequest {
    /// A request with the function that reads its answer.
    pub fn new(request: Request, read: impl Fn(&[u8]) -> Result<Parsed, ParseError> + Send + Sync + 'static) -> Self {
        Self { request, read: Box::new(read), next: None }
    }

    /// The same question, whose answer is changed by `change`.
    #[must_use]
    pub(super) fn map(self, change: impl Fn(Parsed) -> Parsed + Send + Sync + 'static) -> Self {
        let Self { request, read, next } = self;
        Self { request, read: Box::new(move |body| read(body).map(&change)), next }
    }

    /// The same question, with the one about the rest where its answer is cut.
    #[must_use]
    pub fn followed_by(mut self, next: impl Fn(&Parsed) -> Result<Option<Self>, FetchError> + Send + Sync + 'static) -> Self {
        self.next = Some(Box::new(next));
        self
    }

    /// The question about the rest of an answer, if it was cut and one can be asked.
    ///
    /// # Errors
    /// [`FetchError::Address`] when the configured address cannot be asked.
    pub fn next(&self, answer: &Parsed) -> Result<Option<Self>, FetchError> {
        self.next.as_ref().filter(|_| answer.truncated).map_or(Ok(None), |next| next(answer))
    }
}

impl PollContext {
    /// How long after its publication a row still counts as seen live.
    const LIVE_MS: i64 = 5 * 60_000;

    /// How a row that was published at `published_at` by its source's rule became known: on commit
    /// when it was seen live or turned up later than its rule says, else by the rule.
    #[must_use]
    pub fn knowledge(&self, published_at: Timestamp) -> KnownAtRule {
        let live = self.now.ms_since(published_at) <= Self::LIVE_MS;
        let turned_up_late = self.seen_until.is_some_and(|seen| published_at <= seen);
        if live || turned_up_late { KnownAtRule::OnCommit } else { KnownAtRule::AtPublication(published_at) }
    }

    /// From where to ask: a little before what is recorded, at most `depth_ms` back, and that far on
    /// the first visit.
    #[must_use]
    pub fn from(&self, overlap_ms: i64, depth_ms: i64) -> Timestamp {
        let farthest = self.now.plus_ms(-depth_ms);
        self.seen_until.map_or(farthest, |seen| seen.plus_ms(-overlap_ms).max(farthest))
    }
}

impl Message {
    /// A refusal in the upstream's own words, where it has any.
    pub(super) fn refused(words: Option<&serde_json::Value>) -> Self {
        Self::Refused(words.and_then(serde_json::Value::as_str).unwrap_or("unnamed error").to_owned())
    }
}

impl Parsed {
    /// An answer without rows.
    #[must_use]
    pub const fn new(source: Source) -> Self {
        Self { batch: Batch::new(source), refused: Vec::new(), covered_until: None, truncated: false }
    }

    /// Adds a reading or flow.
    pub fn push(&mut self, key: SeriesKey, observed_at: Timestamp, knowledge: KnownAtRule, value: f64) {
        self.batch.push_reading(key, Observation { observed_at, knowledge, value });
    }

    /// Refuses a row.
    pub fn refuse(&mut self, subject: impl Into<String>, observed_at: Timestamp, reason: impl std::fmt::Display) {
        self.refused.push(RejectedRow { subject: subject.into(), observed_at, reason: reason.to_string() });
    }

    /// The newest instant it speaks of.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        self.observed().chain(self.covered_until).max()
    }

    /// Where the rest of a cut answer about `start` to `end` begins: at its newest instant, whose rows may come twice and count
    /// once, or after it if the answer holds no other. `None` if the answer did not go on.
    pub(super) fn rest_of(&self, start: Timestamp, end: Timestamp) -> Option<Timestamp> {
        let newest = self.newest().filter(|newest| *newest >= start)?;
        Some(newest.max(start.plus_ms(1))).filter(|rest| *rest < end)
    }

    /// How many instants it speaks of, refused rows counted one by one.
    #[must_use]
    pub fn instants(&self) -> usize {
        self.observed().collect::<BTreeSet<_>>().len() + self.refused.len()
    }

    /// The instant of every row.
    fn observed(&self) -> impl Iterator<Item = Timestamp> {
        let readings = self.batch.readings.values().flatten().map(|row| row.observed_at);
        let candles = self.batch.candles.values().flatten().map(|row| row.observed_at);
        let orders = self.batch.orders.iter().map(|order| order.occurred_at);
        readings.chain(candles).chain(orders)
    }

    /// The rows of several messages of one stream, in their order.
    ///
    /// Orders have no ids, and an upstream repeats messages after a reconnect: as many equal orders
    /// are kept as the fullest message held.
    #[must_use]
    pub fn merge(source: Source, messages: Vec<Self>) -> Self {
        let mut all = Self::new(source);
        let mut held: BTreeMap<OrderKey, usize> = BTreeMap::new();
        for message in messages {
            for (key, rows) in message.batch.readings {
                all.batch.readings.entry(key).or_default().extend(rows);
            }
            for (key, rows) in message.batch.candles {
                all.batch.candles.entry(key).or_default().extend(rows);
            }
            all.refused.extend(message.refused);
            all.covered_until = all.covered_until.max(message.covered_until);
            all.truncated |= message.truncated;
            let mut here: BTreeMap<OrderKey, usize> = BTreeMap::new();
            for order in message.batch.orders {
                let copies = here.entry(order_key(&order)).or_default();
                *copies += 1;
                let most = held.entry(order_key(&order)).or_default();
                if *copies > *most {
                    *most = *copies;
                    all.batch.orders.push(order);
                }
            }
        }
        all
    }
}

/// The cadence of a publisher of trading days: the next comes after one day, or after four over a long
/// weekend.
pub(super) const fn trading_day_cadence() -> Cadence {
    let day_ms = Period::DAY.ms();
    Cadence { expected_every_ms: day_ms, late_after_ms: 5 * day_ms, stale_after_ms: 8 * day_ms }
}

/// The cadence of a stream of events that counts as broken after so many seconds of silence.
pub(super) fn stream_cadence(silent_after_seconds: u64) -> Cadence {
    let silent_ms = i64::try_from(silent_after_seconds).unwrap_or(i64::MAX / 10_000).saturating_mul(1_000);
    Cadence { expected_every_ms: silent_ms / 5, late_after_ms: silent_ms, stale_after_ms: 3 * silent_ms }
}

type OrderKey = (String, Timestamp, Side, u64, u64);

fn order_key(order: &LiquidationOrder) -> OrderKey {
    (order.symbol.clone(), order.occurred_at, order.side, order.price_usd.to_bits(), order.quantity.to_bits())
}

impl std::fmt::Debug for PolledFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PolledFeed").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for PollRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Question").field("request", &self.request).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Asset;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_row_is_known_by_its_rule_only_when_it_is_old_and_was_not_looked_for_before() {
        let visit = PollContext { seen_until: Some(at("2026-02-04T08:00:00Z")), now: at("2026-02-04T12:00:00Z") };
        for (published, expected) in [
            ("2026-02-04T11:59:00Z", KnownAtRule::OnCommit),
            ("2026-02-04T13:00:00Z", KnownAtRule::OnCommit),
            ("2026-02-04T07:00:00Z", KnownAtRule::OnCommit),
            ("2026-02-04T09:00:00Z", KnownAtRule::AtPublication(at("2026-02-04T09:00:00Z"))),
        ] {
            assert_eq!(visit.knowledge(at(published)), expected, "published {published}");
        }
    }

    #[test]
    fn a_visit_asks_a_little_before_what_is_recorded_and_never_too_far_back() {
        let now = at("2026-02-04T12:00:00Z");
        let first = PollContext { seen_until: None, now };
        assert_eq!(first.from(60_000, 3_600_000), at("2026-02-04T11:00:00Z"));
        let next = PollContext { seen_until: Some(at("2026-02-04T11:59:00Z")), now };
        assert_eq!(next.from(60_000, 3_600_000), at("2026-02-04T11:58:00Z"));
        let late = PollContext { seen_until: Some(at("2026-02-01")), now };
        assert_eq!(late.from(60_000, 3_600_000), at("2026-02-04T11:00:00Z"));
    }

    #[test]
    fn a_repeated_message_adds_no_order_and_equal_orders_of_one_message_stay() {
        let order = |usd: f64| LiquidationOrder {
            source: "venue".parse().unwrap(),
            symbol: "BTCUSDT".to_owned(),
            asset: Asset::btc(),
            side: Side::Long,
            occurred_at: at("2026-02-03T19:00:00Z"),
            knowledge: KnownAtRule::OnCommit,
            price_usd: 73_000.0,
            quantity: usd / 73_000.0,
            usd,
        };
        let message = |sizes: &[f64]| {
            let mut parsed = Parsed::new("venue".parse().unwrap());
            parsed.batch.orders = sizes.iter().map(|usd| order(*usd)).collect();
            parsed
        };
        let kept = |messages: &[&[f64]]| {
            let parsed = Parsed::merge("venue".parse().unwrap(), messages.iter().map(|sizes| message(sizes)).collect());
            parsed.batch.orders.len()
        };
        assert_eq!(kept(&[&[730.0], &[730.0]]), 1);
        assert_eq!(kept(&[&[730.0], &[730.0, 730.0, 1_460.0]]), 3);
        assert_eq!(kept(&[&[730.0, 730.0, 1_460.0], &[1_460.0, 730.0]]), 3);
    }
}
