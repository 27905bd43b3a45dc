//! Indicators of the stress index that are read from bars: falls, volatility, illiquidity, other markets.

use crate::domain::{Asset, AssetClass, Bar, Period, Vintage};
use crate::market::Bars;
use crate::metrics::stress::measure::Day;
use crate::metrics::stress::recipe::RECIPE;
use crate::stats::breadth::Breadth;
use crate::stats::correlation::{paired_log_returns, pearson};
use crate::stats::liquidity;
use crate::stats::ohlc::Ohlc;
use crate::stats::rank::median;
use crate::stats::sum::mean;
use crate::stats::threshold::at_least;
use crate::stats::volatility;

/// Periods a year of a market that never closes.
const DAYS_A_YEAR: f64 = 365.0;
/// Days over which coins are ranked by traded value.
const RANKING_DAYS: i64 = 30;

impl<'a> Day<'a> {
    pub(super) fn fall_from_high(&mut self, days: i64) -> Option<f64> {
        let bars = self.own_bars()?;
        let close = self.bar_of_day(&bars)?.close;
        let closes = self.window(&bars, days)?;
        let high = closes.iter().map(|bar| bar.value.close).fold(close, f64::max);
        (high > 0.0).then(|| 1.0 - close / high)
    }

    pub(super) fn low_under_high(&mut self, low_days: i64, high_days: i64) -> Option<f64> {
        let bars = self.own_bars()?;
        self.fall_of(&bars, low_days, high_days)
    }

    pub(super) fn coins_fallen(&mut self, (low_days, high_days): (i64, i64), fall: f64, top: usize, least: usize) -> Option<f64> {
        let coins = self.most_traded_coins(top);
        let fallen = coins.iter().map(|bars| Some(at_least(self.fall_of(bars, low_days, high_days)?, fall)));
        fallen.collect::<Breadth>().share(least)
    }

    pub(super) fn garman_klass(&mut self, days: i64) -> Option<f64> {
        let bars = self.own_bars()?;
        volatility::garman_klass(&prices(&self.window(&bars, days)?), DAYS_A_YEAR)
    }

    pub(super) fn close_to_close(&mut self, days: i64) -> Option<f64> {
        let bars = self.own_bars()?;
        let window = self.window(&bars, days + 1)?;
        let returns: Vec<f64> = window.windows(2).filter_map(|pair| log_return(&pair[0], &pair[1])).collect();
        volatility::close_to_close(&returns, DAYS_A_YEAR)
    }

    pub(super) fn parkinson_to_usual(&mut self, days: i64, usual_days: i64) -> Option<f64> {
        let bars = self.own_bars()?;
        let window = self.window(&bars, usual_days + days - 1)?;
        let days = usize::try_from(days).ok()?;
        let range =
            |run: &[Vintage<Bar>]| run.last().and_then(|bar| Some((bar.observed_at, volatility::squared_range(&price(bar)?))));
        let ranges = self.memory.ranges.entry((bars.key.clone(), days)).or_default();
        ranges.against_usual(window, days, range, |ranges| volatility::parkinson_of(ranges, DAYS_A_YEAR))
    }

    pub(super) fn level(&mut self, asset: &str) -> Option<f64> {
        let bars = self.bars(&asset.parse().ok()?)?;
        Some(self.bar_of_day(&bars)?.close)
    }

    pub(super) fn correlation(&mut self, with: &str, observations: usize) -> Option<f64> {
        let (ours, theirs) = (self.own_bars()?, self.bars(&with.parse().ok()?)?);
        // Three of seven days may be closed, and a year has a dozen holidays.
        let days = i64::try_from(observations).ok()?.saturating_mul(7) / 4;
        let span = self.span(days)?;
        let closes = |bars: &Bars<'_>| bars.all(span).iter().map(|bar| (bar.observed_at, bar.value.close)).collect::<Vec<_>>();
        let pairs = paired_log_returns(&closes(&ours), &closes(&theirs));
        let last = &pairs[pairs.len().checked_sub(observations)?..];
        let (ours, theirs): (Vec<f64>, Vec<f64>) = last.iter().map(|pair| (pair.first, pair.second)).unzip();
        pearson(&ours, &theirs).map(|correlation| correlation.max(0.0))
    }

    pub(super) fn behind(&mut self, asset: &str, days: i64) -> Option<f64> {
        let (ours, theirs) = (self.own_bars()?, self.bars(&asset.parse().ok()?)?);
        let before = theirs.finished_at_or_before(self.start.plus_days(-days))?;
        let ours_before = ours.finished_at_or_before(before.observed_at)?;
        let change = |now: Bar, then: Bar| (now.close / then.close).ln();
        let theirs = change(self.bar_of_day(&theirs)?, before.value);
        Some(theirs - change(self.bar_of_day(&ours)?, ours_before.value))
    }

    pub(super) fn amihud_to_usual(&mut self, days: i64, usual_days: i64) -> Option<f64> {
        let bars = self.own_bars()?;
        self.amihud_of(&bars, days, usual_days)
    }

    pub(super) fn corwin_schultz(&mut self, days: i64) -> Option<f64> {
        let bars = self.own_bars()?;
        self.finished_day(&bars)?;
        liquidity::corwin_schultz(&prices(&self.window(&bars, days)?))
    }

    pub(super) fn coins_amihud_to_usual(&mut self, (days, usual_days): (i64, i64), top: usize, least: usize) -> Option<f64> {
        let mut coins = self.most_traded_coins(top);
        coins.retain(|bars| bars.key.asset != self.asset);
        let found: Vec<f64> = coins.iter().filter_map(|bars| self.amihud_of(bars, days, usual_days)).collect();
        if found.len() >= least { median(&found) } else { None }
    }

    /// Coins with a bar of this day, the most traded first.
    pub(super) fn coins_by_value(&self) -> Vec<Bars<'a>> {
        let counted = |asset: &&Asset| asset.class() == AssetClass::Crypto && !RECIPE.not_counted.contains(&asset.as_str());
        let coins = self.view.candle_assets().filter(counted).filter_map(|asset| self.find_bars(asset));
        let mut by_value: Vec<(f64, Bars<'a>)> = coins.map(|bars| (self.traded_lately(&bars), bars)).collect();
        by_value.sort_by(|a, b| b.0.total_cmp(&a.0));
        by_value.into_iter().map(|(_, bars)| bars).collect()
    }

    fn own_bars(&mut self) -> Option<Bars<'a>> {
        let asset = self.asset.clone();
        self.bars(&asset)
    }

    /// The lowest low of the last days under the highest high of more days, a fraction.
    fn fall_of(&self, bars: &Bars<'_>, low_days: i64, high_days: i64) -> Option<f64> {
        let days = self.window(bars, high_days)?;
        let recent = self.span(low_days)?;
        let high = days.iter().map(|bar| bar.value.high).fold(f64::MIN, f64::max);
        let low = days.iter().filter(|bar| recent.contains(bar.observed_at)).map(|bar| bar.value.low).fold(f64::MAX, f64::min);
        (high > 0.0).then(|| 1.0 - low / high)
    }

    /// Illiquidity against its usual level. The running day has no volume yet, so only finished ones count.
    fn amihud_of(&mut self, bars: &Bars<'_>, days: i64, usual_days: i64) -> Option<f64> {
        self.finished_day(bars)?;
        let window = self.window(bars, usual_days + days)?;
        let days = usize::try_from(days).ok()?;
        let impact = |run: &[Vintage<Bar>]| {
            let [.., before, last] = run else { return None };
            let usd = traded_usd(&last.value).filter(|usd| *usd > 0.0)?;
            Some((before.observed_at, log_return(before, last)?.abs() / usd))
        };
        let impacts = self.memory.impacts.entry((bars.key.clone(), days)).or_default();
        impacts.against_usual(window, days, impact, mean)
    }

    fn finished_day(&self, bars: &Bars<'_>) -> Option<Vintage<Bar>> {
        bars.finished_at_or_before(self.start).filter(|bar| bar.observed_at == self.start)
    }

    /// What was traded over the last days, USD: close enough to rank coins by.
    fn traded_lately(&self, bars: &Bars<'_>) -> f64 {
        let traded = |span| {
            let days = bars.summary(span);
            let all = Bar { volume: Some(days.volume.value()), ..self.bar_of_day(bars)? };
            traded_usd(&all)
        };
        self.span(RANKING_DAYS).and_then(traded).unwrap_or_default()
    }
}

fn prices(bars: &[Vintage<Bar>]) -> Vec<Ohlc> {
    bars.iter().filter_map(price).collect()
}

fn price(bar: &Vintage<Bar>) -> Option<Ohlc> {
    (bar.value.low > 0.0).then(|| Ohlc::from(bar.value))
}

/// What was traded in a bar, USD.
fn traded_usd(bar: &Bar) -> Option<f64> {
    bar.volume.map(|coins| coins * bar.close)
}

/// The log return from a day to the next; over a gap there is none.
fn log_return(before: &Vintage<Bar>, day: &Vintage<Bar>) -> Option<f64> {
    let adjacent = day.observed_at.ms_since(before.observed_at) == Period::DAY.ms();
    let positive = before.value.close > 0.0 && day.value.close > 0.0;
    (adjacent && positive).then(|| (day.value.close / before.value.close).ln())
}
