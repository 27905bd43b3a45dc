use crate::domain::{Asset, Metric, Period, SeriesKey, Source, TimeRange, Timestamp};
use crate::market::{ColumnView, MarketView};
use crate::metrics::price::price::PriceSeries;
use crate::metrics::provenance::Provenance;
use crate::metrics::source_order::{Candidates, Need, price_candidates};
use crate::metrics::{QueryError, SourceOrder, WarningCode};
use crate::stats::open_interest::Change;

/// Open futures positions at one instant, counted on one side.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::metrics) struct Position {
    pub(in crate::metrics) usd: f64,
    /// `None` where a source states USD only and no price is known.
    pub(in crate::metrics) coins: Option<f64>,
    /// The part of `usd` in inverse contracts, which are counted in USD.
    inverse_usd: f64,
}

/// How the positions of the sources present at both of two instants moved.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::metrics) struct PositionChange {
    pub(in crate::metrics) start: Position,
    pub(in crate::metrics) end: Position,
    /// `None` where coins are not known at both ends.
    pub(in crate::metrics) effect: Option<Change>,
    /// What is held at the end at the prices of the start, USD; `None` where coins are not known at both ends.
    end_at_start_prices: Option<f64>,
}

/// The part of a series of open interest that tells of inverse contracts, USD. It is counted in the whole too.
const INVERSE: &str = "inverse";

type Series<'a> = (&'a SeriesKey, ColumnView<'a, f64>);

/// One source's open interest: in USD, in coins, or both, and how much of it is in inverse contracts.
#[derive(Debug)]
pub(in crate::metrics) struct SourceOpenInterest<'a> {
    pub(in crate::metrics) source: Source,
    usd: Option<Series<'a>>,
    coins: Option<Series<'a>>,
    inverse_usd: Option<Series<'a>>,
}

/// The open interest of one asset at every source that answers a question (METHODOLOGY section 5).
///
/// What a source does not state itself follows from the other unit and the price of the asset.
#[derive(Debug)]
pub(in crate::metrics) struct OpenInterestBySource<'a> {
    prices: Option<PriceSeries<'a>>,
    pub(in crate::metrics) legs: Vec<SourceOpenInterest<'a>>,
}

impl Position {
    /// USD a coin; `None` where nothing is held, or next to nothing.
    pub(in crate::metrics) fn price_usd(self) -> Option<f64> {
        self.coins.filter(|coins| *coins > 0.0).map(|coins| self.usd / coins).filter(|price| price.is_finite())
    }

    fn plus(self, other: Self) -> Self {
        let coins = self.coins.zip(other.coins).map(|(a, b)| a + b);
        Self { usd: self.usd + other.usd, coins, inverse_usd: self.inverse_usd + other.inverse_usd }
    }

    /// Coins in linear contracts and their price, USD.
    fn linear(self) -> Option<(f64, f64)> {
        let price = self.price_usd()?;
        Some(((self.usd - self.inverse_usd) / price, price))
    }
}

impl PositionChange {
    fn between(start: Position, end: Position) -> Self {
        let inverse = Change::of_inverse(start.inverse_usd, end.inverse_usd);
        let linear = start.linear().zip(end.linear());
        Self {
            start,
            end,
            effect: linear.map(|(start, end)| Change::of_linear(start, end).merge(inverse)),
            end_at_start_prices: linear.map(|((_, price), (coins, _))| coins * price + end.inverse_usd),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            start: self.start.plus(other.start),
            end: self.end.plus(other.end),
            effect: self.effect.zip(other.effect).map(|(a, b)| a.merge(b)),
            end_at_start_prices: self.end_at_start_prices.zip(other.end_at_start_prices).map(|(a, b)| a + b),
        }
    }

    /// The growth of positions themselves as a factor: linear contracts in coins, inverse ones in USD,
    /// weighed at the prices of the start. `None` where nothing was held.
    pub(in crate::metrics) fn position_growth(&self) -> Option<f64> {
        let end = self.end_at_start_prices?;
        (self.start.usd > 0.0).then(|| end / self.start.usd)
    }

    /// The natural logarithm of [`Self::position_growth`]; `None` where nothing is left.
    pub(in crate::metrics) fn log_positions(&self) -> Option<f64> {
        self.position_growth().filter(|growth| *growth > 0.0).map(f64::ln)
    }

    /// The natural logarithm of the growth of the price at which positions were valued.
    pub(in crate::metrics) fn log_price(&self) -> Option<f64> {
        let (start, end) = self.start.price_usd().zip(self.end.price_usd())?;
        (start > 0.0 && end > 0.0).then(|| (end / start).ln())
    }
}

impl<'a> SourceOpenInterest<'a> {
    fn series(&self) -> impl Iterator<Item = &Series<'a>> {
        self.usd.iter().chain(&self.coins).chain(&self.inverse_usd)
    }

    /// The column whose rows set the times of this leg.
    fn clock(&self) -> Option<Series<'a>> {
        self.usd.or(self.coins)
    }

    /// How old a row may be and still tell of an instant.
    fn tolerance_ms(&self) -> i64 {
        self.clock().map_or(0, |(key, _)| key.expected_every_ms().max(Period::HOUR.ms()))
    }

    /// The value of one of its series at an instant, from a row no older than its rhythm allows.
    fn value(&self, series: Option<Series<'_>>, at: Timestamp) -> Option<f64> {
        let (row_at, value) = row_at(series?, at)?;
        (at.ms_since(row_at) <= self.tolerance_ms()).then_some(value)
    }

    /// When the newest row at or before `at` was true.
    fn newest_at(&self, at: Timestamp) -> Option<Timestamp> {
        row_at(self.clock()?, at).map(|(at, _)| at)
    }

    fn first_at(&self) -> Option<Timestamp> {
        let (key, column) = self.clock()?;
        Some(column.first()?.observed_at.plus_ms(key.period.ms()))
    }
}

/// The newest row that was true at `at` or before: the end of its period and its value.
fn row_at((key, column): Series<'_>, at: Timestamp) -> Option<(Timestamp, f64)> {
    let row = column.at_or_before(at.plus_ms(-key.period.ms()))?;
    Some((row.observed_at.plus_ms(key.period.ms()), row.value))
}

impl<'a> OpenInterestBySource<'a> {
    /// The legs of an asset at the sources asked for; see [`SourceOrder::choose_summed`] for the default.
    pub(in crate::metrics) fn open(
        view: &'a MarketView,
        trail: &mut Provenance<'_>,
        order: &SourceOrder,
        asset: &Asset,
        asked: &[Source],
    ) -> Result<Self, QueryError> {
        let metrics = [Metric::OpenInterest, Metric::OpenInterestNative];
        let series = metrics.into_iter().flat_map(|metric| view.readings(metric, asset));
        let sources = order.choose_summed(trail, &Candidates::at(trail.at()).with(series), asked)?;
        let legs: Vec<SourceOpenInterest<'a>> = sources
            .into_iter()
            .map(|source| SourceOpenInterest {
                usd: finest(view, Metric::OpenInterest, asset, &source, None),
                coins: finest(view, Metric::OpenInterestNative, asset, &source, None),
                inverse_usd: finest(view, Metric::OpenInterest, asset, &source, Some(INVERSE)),
                source,
            })
            .collect();
        for (key, column) in legs.iter().flat_map(SourceOpenInterest::series) {
            trail.read(key, *column);
        }
        let price = order.choose(trail, &price_candidates(view, asset, trail.at()), None, Need::Level)?;
        warn_of_units(trail, &legs);
        Ok(Self { prices: price.map(|price| PriceSeries::open(view, asset, &price.source)), legs })
    }

    /// A book without legs.
    pub(in crate::metrics) const fn empty() -> Self {
        Self { prices: None, legs: Vec::new() }
    }

    /// Whether a source states open interest of an asset.
    pub(in crate::metrics) fn is_stated(view: &MarketView, asset: &Asset, source: &Source) -> bool {
        let stated = |metric| finest(view, metric, asset, source, None).is_some();
        stated(Metric::OpenInterest) || stated(Metric::OpenInterestNative)
    }

    /// The series the legs are read from.
    pub(in crate::metrics) fn keys(&self) -> impl Iterator<Item = &'a SeriesKey> {
        self.legs.iter().flat_map(SourceOpenInterest::series).map(|(key, _)| *key)
    }

    /// What one source holds at an instant, USD.
    pub(in crate::metrics) fn usd_of(&self, source: &Source, at: Timestamp) -> Option<f64> {
        let leg = self.legs.iter().find(|leg| leg.source == *source)?;
        leg.value(leg.usd, at).or_else(|| Some(leg.value(leg.coins, at)? * self.price(at)?))
    }

    /// What one leg holds at an instant, from a row no older than its rhythm allows.
    pub(in crate::metrics) fn holding(&self, leg: &SourceOpenInterest<'_>, at: Timestamp) -> Option<Position> {
        let (usd, coins) = match (leg.value(leg.usd, at), leg.value(leg.coins, at)) {
            (Some(usd), Some(coins)) => (usd, Some(coins)),
            (Some(usd), None) => (usd, self.price(at).map(|price| usd / price)),
            (None, Some(coins)) => (coins * self.price(at)?, Some(coins)),
            (None, None) => return None,
        };
        Some(Position { usd, coins, inverse_usd: leg.value(leg.inverse_usd, at).unwrap_or_default().min(usd) })
    }

    /// What all legs that tell of an instant hold together; `None` where none does.
    pub(in crate::metrics) fn total(&self, at: Timestamp) -> Option<Position> {
        self.legs.iter().filter_map(|leg| self.holding(leg, at)).reduce(Position::plus)
    }

    /// How the legs that tell of both instants moved: one that is missing at either end is left out,
    /// so that it does not look like positions opened or closed.
    pub(in crate::metrics) fn movement(&self, from: Timestamp, to: Timestamp) -> Option<PositionChange> {
        self.legs.iter().filter_map(|leg| self.leg_movement(leg, from, to)).reduce(PositionChange::plus)
    }

    /// The [`movement`](Self::movement) from each of some instants to the next.
    pub(in crate::metrics) fn movements(&self, instants: &[Timestamp]) -> Vec<Option<PositionChange>> {
        let held = |at: &Timestamp| self.legs.iter().map(|leg| self.holding(leg, *at)).collect::<Vec<_>>();
        let held: Vec<Vec<Option<Position>>> = instants.iter().map(held).collect();
        let moved = |pair: &[Vec<Option<Position>>]| {
            let legs = pair[0].iter().zip(&pair[1]);
            legs.filter_map(|(start, end)| Some(PositionChange::between((*start)?, (*end)?))).reduce(PositionChange::plus)
        };
        held.windows(2).map(moved).collect()
    }

    /// How one leg moved; `None` unless it tells of both instants.
    pub(in crate::metrics) fn leg_movement(
        &self,
        leg: &SourceOpenInterest<'_>,
        from: Timestamp,
        to: Timestamp,
    ) -> Option<PositionChange> {
        Some(PositionChange::between(self.holding(leg, from)?, self.holding(leg, to)?))
    }

    /// When the newest row of all legs at or before `at` was true.
    pub(in crate::metrics) fn newest_at(&self, at: Timestamp) -> Option<Timestamp> {
        self.legs.iter().filter_map(|leg| leg.newest_at(at)).max()
    }

    /// When the first row of all legs was true.
    pub(in crate::metrics) fn first_at(&self) -> Option<Timestamp> {
        self.legs.iter().filter_map(SourceOpenInterest::first_at).min()
    }

    /// The highest value on record up to `to`: of one source in USD among all its rows, otherwise
    /// among the totals at the ends of UTC days and at `to`.
    pub(in crate::metrics) fn peak(&self, to: Timestamp) -> Option<(Timestamp, f64)> {
        if let [SourceOpenInterest { usd: Some((key, column)), .. }] = self.legs.as_slice() {
            let range = TimeRange::new(Timestamp::MIN, to.plus_ms(1 - key.period.ms())).ok()?;
            let mark = column.summary(range).max?;
            return Some((mark.at.plus_ms(key.period.ms()), mark.value));
        }
        let first = self.first_at()?.day_start().plus_days(1);
        let days = std::iter::successors(Some(first), |day| Some(day.plus_days(1))).take_while(|day| *day < to);
        let totals = days.chain([to]).filter_map(|at| Some((at, self.total(at)?.usd)));
        totals.max_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn price(&self, at: Timestamp) -> Option<f64> {
        self.prices.as_ref()?.at(at).filter(|price| *price > 0.0)
    }
}

/// The series of a source with the shortest rows, of the whole or of a part.
fn finest<'a>(view: &'a MarketView, metric: Metric, asset: &Asset, source: &Source, part: Option<&str>) -> Option<Series<'a>> {
    let of_source = view.readings(metric, asset).filter(|(key, _)| key.source == *source && key.part.as_deref() == part);
    of_source.min_by_key(|(key, _)| key.period)
}

fn warn_of_units(trail: &mut Provenance<'_>, legs: &[SourceOpenInterest<'_>]) {
    for leg in legs.iter().filter(|leg| leg.coins.is_none()) {
        let detail = format!("{} states USD only: its coins are USD over the price, right for linear contracts", leg.source);
        trail.warn(WarningCode::NoData, detail);
    }
}
