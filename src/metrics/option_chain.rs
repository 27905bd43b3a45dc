use std::collections::BTreeMap;

use crate::domain::{Asset, Metric, OptionName, Period, SeriesKey, Source, Timestamp, Vintage};
use crate::market::{ColumnView, MarketView};
use crate::metrics::trail::Trail;
use crate::stats::options::{Right, Smile, SmileQuote};

/// Days of the year that time to expiry is counted in.
const YEAR_DAYS: f64 = 365.0;

/// The options of one asset at one source, by expiry: their whole past as far as it is known.
///
/// A snapshot is what was read in one go: the rows that share the instant of the newest.
#[derive(Debug)]
pub(super) struct OptionChain<'a> {
    expiries: BTreeMap<Timestamp, Expiry<'a>>,
}

/// The options that expire at one instant.
#[derive(Debug, Default)]
struct Expiry<'a> {
    /// The forward of the expiry, or of one of its options, which is the same.
    forward: Option<ColumnView<'a, f64>>,
    options: Vec<Contract<'a>>,
}

#[derive(Debug)]
struct Contract<'a> {
    key: &'a SeriesKey,
    right: Right,
    strike: f64,
    vol: ColumnView<'a, f64>,
    open_interest: Option<ColumnView<'a, f64>>,
    volume: Option<ColumnView<'a, f64>>,
}

/// One option's volatility and when it was read.
#[derive(Debug, Clone, Copy)]
struct Quote {
    at: Timestamp,
    quote: SmileQuote,
}

/// One expiry at one snapshot.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ExpirySnapshot {
    pub(super) taken_at: Timestamp,
    pub(super) expires_at: Timestamp,
    /// To the expiry, in years of 365 days.
    pub(super) years: f64,
    pub(super) forward: Option<f64>,
    /// Options with a volatility.
    pub(super) quotes: usize,
    pub(super) smile: Option<Smile>,
}

/// Coins of puts and of calls; `None` where no option states any.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct PutsAndCalls {
    pub(super) puts: Option<f64>,
    pub(super) calls: Option<f64>,
}

impl<'a> OptionChain<'a> {
    /// The options known at the cutoff. Names that say no expiry, strike and right are left out.
    pub(super) fn open(view: &'a MarketView, asset: &Asset, source: &Source) -> Self {
        let mut expiries: BTreeMap<Timestamp, Expiry<'a>> = BTreeMap::new();
        let of_source = |metric| view.readings(metric, asset).filter(|(key, _)| key.source == *source);
        for (key, vol) in of_source(Metric::OptionVol) {
            let Some(name) = key.part.as_deref().and_then(OptionName::from_part) else { continue };
            let of_metric = |metric| view.reading(&SeriesKey { metric, ..key.clone() });
            let (open_interest, volume) = (of_metric(Metric::OptionOpenInterest), of_metric(Metric::OptionVolume));
            let right = if name.is_put { Right::Put } else { Right::Call };
            let contract = Contract { key, right, strike: name.strike, vol, open_interest, volume };
            expiries.entry(name.expires_at).or_default().options.push(contract);
        }
        for (key, column) in of_source(Metric::OptionForward) {
            let part = key.part.as_deref().unwrap_or_default();
            let date = part.split('-').next().unwrap_or_default();
            if let Some(expiry) = OptionName::expires_at(date).and_then(|at| expiries.get_mut(&at)) {
                expiry.forward = expiry.forward.filter(|known| known.last().map(at) >= column.last().map(at)).or(Some(column));
            }
        }
        Self { expiries }
    }

    /// Notes what the newest snapshot was read from: of each expiry that is left one option, since all
    /// of them come in one go and there are hundreds.
    pub(super) fn note(&self, trail: &mut Trail<'_>, as_of: Timestamp) {
        for expiry in self.expiries.range(as_of..).map(|(_, expiry)| expiry) {
            let newest = expiry.options.iter().max_by_key(|contract| contract.vol.last().map(at));
            if let Some(contract) = newest {
                trail.read(contract.key, contract.vol);
            }
        }
    }

    /// The newest snapshot at `until` or up to a day before, of expiries at least `least` and at most
    /// `most` years away.
    pub(super) fn snapshot(&self, until: Timestamp, (least, most): (f64, f64)) -> Vec<ExpirySnapshot> {
        let near = self.expiries.range(until..).filter(|(at, _)| (least..=most).contains(&years(until, **at)));
        let expiries: Vec<(&Timestamp, &Expiry<'_>)> = near.collect();
        let quotes: Vec<Vec<Quote>> = expiries.iter().map(|(_, expiry)| expiry.quotes(until)).collect();
        let taken_at = quotes.iter().flatten().map(|quote| quote.at).max();
        let Some(taken_at) = taken_at.filter(|at| until.ms_since(*at) <= Period::DAY.ms()) else { return Vec::new() };
        let snapshots = expiries
            .into_iter()
            .zip(quotes)
            .map(|((expires_at, expiry), quotes)| expiry.snapshot(*expires_at, taken_at, &quotes));
        snapshots.filter(|snapshot| snapshot.quotes > 0).collect()
    }

    /// Coins open in the options of a snapshot.
    pub(super) fn open_interest(&self, snapshot: &ExpirySnapshot) -> PutsAndCalls {
        self.coins(snapshot, |contract| contract.open_interest)
    }

    /// Coins traded in the options of a snapshot in 24 hours.
    pub(super) fn volume(&self, snapshot: &ExpirySnapshot) -> PutsAndCalls {
        self.coins(snapshot, |contract| contract.volume)
    }

    fn coins(&self, snapshot: &ExpirySnapshot, of: fn(&Contract<'a>) -> Option<ColumnView<'a, f64>>) -> PutsAndCalls {
        let mut coins = PutsAndCalls::default();
        for contract in self.expiries.get(&snapshot.expires_at).into_iter().flat_map(|expiry| &expiry.options) {
            coins.add(contract.right, of(contract).and_then(|column| value_at(column, snapshot.taken_at)));
        }
        coins
    }

    /// The instant of the first volatility known.
    pub(super) fn first_at(&self) -> Option<Timestamp> {
        let contracts = self.expiries.values().flat_map(|expiry| &expiry.options);
        contracts.filter_map(|contract| contract.vol.first()).map(at).min()
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
        let forward = self.forward.and_then(|column| value_at(column, taken_at));
        let quotes: Vec<SmileQuote> = quotes.iter().filter(|quote| quote.at == taken_at).map(|quote| quote.quote).collect();
        let smile = forward.and_then(|forward| Smile::new(forward, years, &quotes));
        ExpirySnapshot { taken_at, expires_at, years, forward, quotes: quotes.len(), smile }
    }
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
    pub(super) fn plus(self, other: Self) -> Self {
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
