//! The newest bar of a file, which some publishers write while it is still running.

use crate::domain::{Bar, Batch, Observation, SeriesKey};
use crate::files::ImportOptions;
use crate::files::plan::Plan;

/// A newest bar with less than this part of the usual volume was probably still running.
const LOW_VOLUME_RATIO: f64 = 0.1;

/// So many bars tell what volume is usual.
const LEAST_BARS: usize = 5;

/// What became of the newest bars.
#[derive(Debug, Default)]
pub(super) struct Newest {
    /// Bars that were taken out.
    pub(super) left_out: u64,
    /// What was found, in words.
    pub(super) told: Vec<String>,
}

/// Takes newest bars out that are not over, or probably were not when the file was written.
pub(super) fn judge(batch: &mut Batch, plan: &Plan, options: &ImportOptions) -> Newest {
    let mut newest = Newest::default();
    for (key, bars) in &mut batch.candles {
        let Some(last) = bars.last() else { continue };
        let at = last.observed_at;
        let is_running = options.now.is_some_and(|now| at.plus_ms(key.period.ms()) > now);
        let is_low = is_low(bars);
        let reason = match options.keep_last {
            _ if is_running => format!("left out, as it is not over before {}", at.plus_ms(key.period.ms())),
            Some(false) => "left out (--drop-last)".to_owned(),
            None if plan.writes_running_bar && is_low => {
                "left out: its volume is far below the others, so it was probably still running when the file was written; \
                 --keep-last stores it"
                    .to_owned()
            }
            None if plan.writes_running_bar => {
                newest.told.push(told(
                    key,
                    bars,
                    "stored; this publisher writes the bar that is still running, and --drop-last leaves it out",
                ));
                continue;
            }
            Some(true) | None => continue,
        };
        newest.told.push(told(key, bars, &reason));
        newest.left_out += 1;
        bars.pop();
    }
    batch.candles.retain(|_, bars| !bars.is_empty());
    newest
}

fn told(key: &SeriesKey, bars: &[Observation<Bar>], reason: &str) -> String {
    let at = bars.last().map(|bar| bar.observed_at.to_string()).unwrap_or_default();
    format!("newest bar of {key}, {at}: {reason}")
}

/// Whether the volume of the last bar is far below the median of the others.
fn is_low(bars: &[Observation<Bar>]) -> bool {
    let Some((last, others)) = bars.split_last() else { return false };
    let mut volumes: Vec<f64> = others.iter().rev().take(100).filter_map(|bar| bar.value.volume).collect();
    volumes.sort_by(f64::total_cmp);
    let (Some(volume), Some(median)) = (last.value.volume, volumes.get(volumes.len() / 2)) else { return false };
    volumes.len() >= LEAST_BARS && volume < LOW_VOLUME_RATIO * median
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{KnownAtRule, Source, Timestamp};
    use crate::files::FileKind;

    fn batch(volumes: &[f64]) -> Batch {
        let mut batch = Batch::new(Source::import());
        for (day, volume) in (0..).zip(volumes) {
            let observed_at = "2026-01-01".parse::<Timestamp>().unwrap().plus_days(day);
            let value = Bar::new(1.0, 1.0, 1.0, 1.0, Some(*volume)).unwrap();
            let knowledge = KnownAtRule::AtPublication(observed_at.plus_days(1));
            batch.push_candle("candle.btc@x:1d".parse().unwrap(), Observation { observed_at, knowledge, value });
        }
        batch
    }

    fn left_out(volumes: &[f64], writes_running_bar: bool, options: &ImportOptions) -> u64 {
        judge(&mut batch(volumes), &Plan { writes_running_bar, ..Plan::new(FileKind::Candles) }, options).left_out
    }

    #[test]
    fn a_bar_that_is_not_over_is_left_out() {
        let at = |now: &str| ImportOptions { now: now.parse().ok(), ..ImportOptions::default() };
        assert_eq!(left_out(&[1.0, 1.0], false, &at("2026-01-02T23:59:00Z")), 1);
        assert_eq!(left_out(&[1.0, 1.0], false, &at("2026-01-03")), 0);
    }

    #[test]
    fn a_low_volume_shows_a_running_bar_of_those_who_write_it() {
        let volumes = [5.0, 6.0, 5.0, 6.0, 5.0, 0.1];
        let keep = ImportOptions { keep_last: Some(true), ..ImportOptions::default() };
        let drop = ImportOptions { keep_last: Some(false), ..ImportOptions::default() };
        assert_eq!(left_out(&volumes, true, &ImportOptions::default()), 1);
        assert_eq!(left_out(&volumes, false, &ImportOptions::default()), 0);
        assert_eq!((left_out(&volumes, true, &keep), left_out(&[5.0, 5.0], false, &drop)), (0, 1));
    }
}
