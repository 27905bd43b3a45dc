use chrono::{Datelike, Days, Months, NaiveDate, Weekday};
use serde::Deserialize;

use super::file::{Anchor, POSITIONS, read};
use super::path::{Path, Scale, rounded};
use super::prices::{Bitcoin, known_at_once, steps};
use super::{CUTOFF, ScenarioError};
use crate::domain::{Asset, Batch, Metric, Period, SeriesKey, Source, Timestamp};

/// Options expire, and chains are sampled, at 08:00 UTC.
const FIXING_MS: i64 = 8 * Period::HOUR.ms();
/// Standard deviations from the forward to the strike of delta 0.25.
const QUARTER_DELTA: f64 = 0.674_49;
/// Growth rate of the forward with time, a year.
const CARRY: f64 = 0.05;
/// Implied volatility in a long calm, percent.
const CALM_VOL: f64 = 45.0;
/// Decay time of the excess over the calm volatility along the expiries, days.
const FADE_DAYS: f64 = 90.0;
/// Tenor of the implied-volatility index and the risk reversal, days.
const TENOR_DAYS: f64 = 30.0;
/// Lowest and highest strike as parts of the forward.
const STRIKES: (f64, f64) = (0.55, 1.7);
/// Coins open in an option at the money. The turnovers are the share of them traded in a day.
const OPEN_COINS: f64 = 9_000.0;
const PUT_TURNOVER: f64 = 0.11;
const CALL_TURNOVER: f64 = 0.05;
/// Open puts for each open call.
const PUTS_PER_CALL: f64 = 0.8;

#[derive(Deserialize)]
struct File {
    options: Section,
}

#[derive(Deserialize)]
struct Section {
    from: Timestamp,
    whole_days: i64,
    strike_step_usd: f64,
    butterfly: f64,
    expiries: Vec<NaiveDate>,
    risk_reversal: Reversal,
}

#[derive(Deserialize)]
struct Reversal {
    swing: f64,
    anchors: Vec<Anchor>,
}

/// Inputs of every quote of one chain.
struct Chain {
    at: Timestamp,
    spot: f64,
    index_vol: f64,
    risk_reversal: f64,
    butterfly: f64,
    whole: bool,
}

/// One expiry of a chain.
struct Expiry<'a> {
    chain: &'a Chain,
    name: String,
    years: f64,
    forward: f64,
    at_the_money: f64,
}

/// Returns the chains of options on bitcoin; `index` is the path of the implied-volatility index.
pub(super) fn batch(source: &Source, bitcoin: &Bitcoin, index: &Path) -> Result<Batch, ScenarioError> {
    let section = read::<File>("positions.toml", POSITIONS)?.options;
    let anchors = section.risk_reversal.anchors.iter().map(Anchor::point);
    let risk_reversal = Path::new("risk_reversal", anchors, Scale::Linear, section.risk_reversal.swing)?;
    let whole_from = CUTOFF.plus_days(-section.whole_days);
    let mut batch = Batch::new(source.clone());
    for at in steps(section.from.plus_ms(FIXING_MS), CUTOFF, Period::DAY.ms()) {
        let chain = Chain {
            at,
            spot: bitcoin.price.value(at),
            index_vol: index.value(at),
            risk_reversal: risk_reversal.value(at),
            butterfly: section.butterfly,
            whole: at >= whole_from,
        };
        let expiries = if chain.whole { section.expiries.clone() } else { around_tenor(at) };
        for date in expiries {
            chain.expiry(date).push(&mut batch, section.strike_step_usd);
        }
    }
    Ok(batch)
}

impl Chain {
    fn expiry(&self, date: NaiveDate) -> Expiry<'_> {
        let days = Timestamp::from_date(date).plus_ms(FIXING_MS).days_since(self.at);
        let fading = ((TENOR_DAYS - days) / FADE_DAYS).exp();
        let years = days / 365.0;
        Expiry {
            chain: self,
            name: date.format("%-d%b%y").to_string().to_uppercase(),
            years,
            forward: self.spot * (CARRY * years).exp(),
            at_the_money: CALM_VOL + (self.index_vol - CALM_VOL) * fading,
        }
    }
}

impl Expiry<'_> {
    fn push(&self, batch: &mut Batch, step: f64) {
        self.push_reading(batch, Metric::OptionForward, &self.name, self.forward);
        let (lowest, highest) = STRIKES;
        let mut strike = (self.forward * lowest / step).ceil() * step;
        while strike <= self.forward * highest {
            self.push_strike(batch, strike);
            strike += step;
        }
    }

    /// Adds the option out of the money at a strike.
    fn push_strike(&self, batch: &mut Batch, strike: f64) {
        let deviation = self.at_the_money / 100.0 * self.years.sqrt();
        let wing = ((strike / self.forward).ln() / deviation / QUARTER_DELTA).clamp(-3.0, 3.0);
        let vol = self.at_the_money + self.chain.risk_reversal * wing / 2.0 + self.chain.butterfly * wing * wing;
        let put = strike < self.forward;
        let part = format!("{}-{strike:.0}-{}", self.name, if put { "P" } else { "C" });
        self.push_reading(batch, Metric::OptionVol, &part, vol);
        if self.chain.whole {
            let open = OPEN_COINS * (-wing * wing / 4.0).exp() * if put { PUTS_PER_CALL } else { 1.0 };
            let turnover = if put { PUT_TURNOVER } else { CALL_TURNOVER };
            self.push_reading(batch, Metric::OptionOpenInterest, &part, open);
            self.push_reading(batch, Metric::OptionVolume, &part, open * turnover);
        }
    }

    fn push_reading(&self, batch: &mut Batch, metric: Metric, part: &str, value: f64) {
        let key = SeriesKey::new(metric, Asset::btc(), batch.source.clone(), Period::INSTANT).with_part(part);
        batch.push_reading(key, known_at_once(self.chain.at, rounded(value)));
    }
}

/// Returns the last expiry up to the tenor and the first after it, from month-ends and the Fridays two weeks before.
fn around_tenor(at: Timestamp) -> Vec<NaiveDate> {
    let days = |date: &NaiveDate| Timestamp::from_date(*date).plus_ms(FIXING_MS).days_since(at);
    let month_ends = (0..4).map(|month| last_friday(at.date() + Months::new(month)));
    let listed: Vec<_> = month_ends.flat_map(|end| [end - Days::new(14), end]).collect();
    let before = listed.iter().rfind(|date| days(date) <= TENOR_DAYS);
    let after = listed.iter().find(|date| days(date) > TENOR_DAYS);
    before.into_iter().chain(after).copied().collect()
}

/// Returns the last Friday of the month of a date.
fn last_friday(date: NaiveDate) -> NaiveDate {
    let first = date - Days::new(u64::from(date.day0()));
    let last = first + Months::new(1) - Days::new(1);
    last - Days::new(u64::from(last.weekday().days_since(Weekday::Fri)))
}
