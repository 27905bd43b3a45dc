use std::collections::BTreeMap;

use crate::domain::{Asset, Metric, OptionName, Period, SeriesKey, Source, TimeRange, Timestamp, Vintage};
use crate::market::{ColumnView, MarketView};
use crate::metrics::provenance::Provenance;
use crate::stats::options::{Right, Smile, SmileQuote, TermStructure, Wings};

/// Days of the year that time to expiry is counted in.
const YEAR_DAYS: f64 = 365.0;

/// The tenor that downside protection is judged at, years.
const PROTECTION_YEARS: f64 = 30.0 / YEAR_DAYS;
/// Expiries nearer than this make no constant tenor longer than it, years.
pub(in crate::metrics) const NEAREST_YEARS: f64 = 7.0 / YEAR_DAYS;
/// Expiries that can stand beside the tenor downside protection is judged at, years.
const BESIDE_PROTECTION_YEARS: (f64, f64) = (NEAREST_YEARS, 120.0 / YEAR_DAYS);

/// The options of one asset at one source, by expiry, as far as they are known.
///
/// A snapshot is what was read in one go: the rows that share the instant of the newest.
#[derive(Debug)]
pub(in crate::metrics) struct OptionChain<'a> {
    view: &'a MarketView,
    expiries: BTreeMap<Timestamp, Expiry<'a>>,
}

/// The options that expire at one instant.
#[derive(Debug, Default)]
struct Expiry<'a> {
    /// The forward of the expiry, or of some of its options, which is the same.
    forwards: Vec<ColumnView<'a, f64>>,
    options: Vec<Contract<'a>>,
}

#[derive(Debug)]
struct Contract<'a> {
    key: &'a SeriesKey,
    right: Right,
    strike: f64,
    vol: ColumnView<'a, f64>,
}

/// One option's volatility and when it was read.
#[derive(Debug, Clone, Copy)]
struct Quote {
    at: Timestamp,
    quote: SmileQuote,
}

/// One expiry at one snapshot.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::metrics) struct ExpirySnapshot {
    pub(in crate::metrics) taken_at: Timestamp,
    pub(in crate::metrics) expires_at: Timestamp,
    /// To the expiry, in years of 365 days.
    pub(in crate::metrics) years: f64,
    pub(in crate::metrics) forward: Option<f64>,
    /// Options with a volatility.
    pub(in crate::metrics) quotes: usize,
    pub(in crate::metrics) smile: Option<Smile>,
}

/// Coins of puts and of calls; `None` where no option states any.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::metrics) struct PutsAndCalls {
    pub(in crate::metrics) puts: Option<f64>,
    pub(in crate::metrics) calls: Option<f64>,
}

impl<'a> OptionChain<'a> {
    /// The options known at the cutoff that expire at `from` or later. Names that say no expiry, strike
    /// and right are left out.
    pub(in crate::metrics) fn open(view: &'a MarketView, asset: &Asset, source: &Source, from: Timestamp) -> Self {
        let mut expiries: BTreeMap<Timestamp, Expiry<'a>> = BTreeMap::new();
        let mut former = None;
        for (key, vol) in columns(view, Metric::OptionVol, asset, source) {
            if expiry_of(key, &mut former).is_none_or(|at| at < from) {
                continue;
            }
            let Some(name) = key.part.as_deref().and_then(OptionName::from_part) else { continue };
            let right = if name.is_put { Right::Put } else { Right::Call };
            let contract = Contract { key, right, strike: name.strike, vol };
            expiries.entry(name.expires_at).or_default().options.push(contract);
        }
        for (key, forward) in columns(view, Metric::OptionForward, asset, source) {
            if let Some(expiry) = expiry_of(key, &mut former).and_then(|at| expiries.get_mut(&at)) {
                expiry.forwards.push(forward);
            }
        }
        Self { view, expiries }
    }

    /// Notes what the newest snapshot was read from: of each expiry that is left one option, since all
    /// of them come in one go and there are hundreds.
    pub(in crate::metrics) fn note(&self, trail: &mut Provenance<'_>, as_of: Timestamp) {
        for expiry in self.expiries.range(as_of..).map(|(_, expiry)| expiry) {
            let newest = expiry.options.iter().max_by_key(|contract| contract.vol.last().map(at));
            if let Some(contract) = newest {
                trail.read(contract.key, contract.vol);
            }
        }
    }

    /// The newest snapshot at `until` or up to a day before, of expiries that are so many years away:
    /// the least and the most.
    pub(in crate::metrics) fn snapshot(&self, until: Timestamp, span: (f64, f64)) -> Vec<ExpirySnapshot> {
        let expiries: Vec<(Timestamp, &Expiry<'_>)> = self.near(until, span).collect();
        let quotes: Vec<Vec<Quote>> = expiries.iter().map(|(_, expiry)| expiry.quotes(until)).collect();
        let taken_at = quotes.iter().flatten().map(|quote| quote.at).max();
        let Some(taken_at) = taken_at.filter(|at| until.ms_since(*at) <= Period::DAY.ms()) else { return Vec::new() };
        let snapshots =
            expiries.into_iter().zip(quotes).map(|((expires_at, expiry), quotes)| expiry.snapshot(expires_at, taken_at, &quotes));
        snapshots.filter(|snapshot| snapshot.quotes > 0).collect()
    }

    /// What puts cost more than calls at 30 days, in the newest snapshot at `until` or up to a day before:
    /// the risk reversal with its sign turned, a fraction.
    pub(in crate::metrics) fn put_premium(&self, until: Timestamp) -> Option<f64> {
        let snapshot = self.snapshot(until, BESIDE_PROTECTION_YEARS);
        of_wings(&snapshot, NEAREST_YEARS, Wings::risk_reversal).linear_at(PROTECTION_YEARS).map(|reversal| -reversal)
    }

    /// When the last row was known that [`put_premium`](Self::put_premium) at `until` rests on; `None` where it rests on none.
    pub(in crate::metrics) fn put_premium_known_by(&self, until: Timestamp) -> Option<Timestamp> {
        let read = TimeRange::new(until.plus_ms(-Period::DAY.ms()), until.plus_ms(1)).ok()?;
        let mut known_by = None;
        for (_, expiry) in self.near(until, BESIDE_PROTECTION_YEARS) {
            let vols = expiry.options.iter().map(|contract| contract.vol);
            for column in vols.chain(expiry.forwards.iter().copied()) {
                column.for_each(read, |row| known_by = known_by.max(Some(row.known_at)));
            }
        }
        known_by
    }

    /// The expiries at least `least` and at most `most` years after `until`.
    fn near(&self, until: Timestamp, (least, most): (f64, f64)) -> impl Iterator<Item = (Timestamp, &Expiry<'a>)> {
        let near = self.expiries.range(until..).map(|(at, expiry)| (*at, expiry));
        near.filter(move |(at, _)| (least..=most).contains(&years(until, *at)))
    }

    /// Coins open in the options of a snapshot.
    pub(in crate::metrics) fn open_interest(&self, snapshot: &ExpirySnapshot) -> PutsAndCalls {
        self.coins(snapshot, Metric::OptionOpenInterest)
    }

    /// Coins traded in the options of a snapshot in 24 hours.
    pub(in crate::metrics) fn volume(&self, snapshot: &ExpirySnapshot) -> PutsAndCalls {
        self.coins(snapshot, Metric::OptionVolume)
    }

    fn coins(&self, snapshot: &ExpirySnapshot, metric: Metric) -> PutsAndCalls {
        let mut coins = PutsAndCalls::default();
        for contract in self.expiries.get(&snapshot.expires_at).into_iter().flat_map(|expiry| &expiry.options) {
            let column = self.view.reading(&SeriesKey { metric, ..contract.key.clone() });
            coins.add(contract.right, column.and_then(|column| value_at(column, snapshot.taken_at)));
        }
        coins
    }
}

impl Expiry<'_> {
    /// The newest quote of each option at `until` or before.
    fn quotes(&self, until: Timestamp) -> Vec<Quote> {
        let newest = |contract: &Contract<'_>| {
            let row = contract.vol.at_or_before(until)?;
            let quote = SmileQuote { right: contract.right, strike: contract.strike, vol: row.value / 100.0 };
            Some(Quote { at: row.observed_at, quote })
        };
        self.options.iter().filter_map(newest).collect()
    }

    fn snapshot(&self, expires_at: Timestamp, taken_at: Timestamp, quotes: &[Quote]) -> ExpirySnapshot {
        let years = years(taken_at, expires_at);
        let forward = self.forwards.iter().find_map(|column| value_at(*column, taken_at));
        let quotes: Vec<SmileQuote> = quotes.iter().filter(|quote| quote.at == taken_at).map(|quote| quote.quote).collect();
        let smile = forward.and_then(|forward| Smile::new(forward, years, &quotes));
        ExpirySnapshot { taken_at, expires_at, years, forward, quotes: quotes.len(), smile }
    }
}

/// Every column of a metric with something known, by key.
fn columns<'a>(
    view: &'a MarketView,
    metric: Metric,
    asset: &Asset,
    source: &Source,
) -> impl Iterator<Item = (&'a SeriesKey, ColumnView<'a, f64>)> {
    view.readings(metric, asset).filter(move |(key, _)| key.source == *source)
}

/// When what a series is about expires, by the first word of its part. Series come in the order of their
/// parts, so that most begin with the word that the former one began with.
fn expiry_of<'a>(key: &'a SeriesKey, former: &mut Option<(&'a str, Timestamp)>) -> Option<Timestamp> {
    let part = key.part.as_deref()?;
    let is_same = |word: &str| part.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    if let Some((_, expires_at)) = former.filter(|(word, _)| is_same(word)) {
        return Some(expires_at);
    }
    let word = part.split('-').next()?;
    *former = OptionName::expires_at(word).map(|expires_at| (word, expires_at));
    former.map(|(_, expires_at)| expires_at)
}

/// A figure of the wings of each expiry at least `nearest` years away, by tenor.
pub(in crate::metrics) fn of_wings(snapshot: &[ExpirySnapshot], nearest: f64, of: fn(&Wings) -> f64) -> TermStructure {
    let value = |expiry: &ExpirySnapshot| Some((expiry.years, of(&expiry.smile.as_ref()?.wings()?)));
    TermStructure::new(snapshot.iter().filter(|expiry| expiry.years >= nearest).filter_map(value).collect())
}

/// What a column says of exactly this instant.
fn value_at(column: ColumnView<'_, f64>, at: Timestamp) -> Option<f64> {
    column.at_or_before(at).filter(|row| row.observed_at == at).map(|row| row.value)
}

impl PutsAndCalls {
    fn add(&mut self, right: Right, coins: Option<f64>) {
        let Some(coins) = coins else { return };
        let side = if right == Right::Put { &mut self.puts } else { &mut self.calls };
        *side = Some(side.unwrap_or_default() + coins);
    }

    /// Both of two expiries.
    pub(in crate::metrics) fn plus(self, other: Self) -> Self {
        let add = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| a + b).or(a).or(b);
        Self { puts: add(self.puts, other.puts), calls: add(self.calls, other.calls) }
    }
}

fn at(row: Vintage<f64>) -> Timestamp {
    row.observed_at
}

fn years(from: Timestamp, to: Timestamp) -> f64 {
    to.days_since(from) / YEAR_DAYS
}
