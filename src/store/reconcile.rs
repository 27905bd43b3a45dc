//! Decides what a row adds to what is stored: one pure piece, used by both engines.
//!
//! [`admit`] refuses what cannot be true and puts the rest in order; [`reconcile`] compares it with
//! the stored vintages. Neither knows a database.

use crate::domain::{
    Bar, CommitReport, InvalidBar, Knowledge, Metric, Observation, Refusal, SeriesKey, Timestamp, Vintage, finite,
};

/// Something a row can state: a number or a bar.
pub(super) trait Statement: Copy + Send + Sync + 'static {
    /// The statement as it is stored, or why it cannot be true of `metric`.
    fn admit(self, metric: Metric) -> Result<Self, String>;

    /// Whether both say the same, number by number.
    fn agrees(&self, other: &Self) -> bool;

    /// The statement in words, for refusals.
    fn words(&self) -> String;
}

impl Statement for f64 {
    fn admit(self, metric: Metric) -> Result<Self, String> {
        if metric == Metric::Candle {
            return Err("a candle series holds bars, not single values; name another metric".to_owned());
        }
        plausible(finite(self).map_err(|e| e.to_string())?, metric)
    }

    fn agrees(&self, other: &Self) -> bool {
        self.to_bits() == other.to_bits()
    }

    fn words(&self) -> String {
        self.to_string()
    }
}

impl Statement for Bar {
    fn admit(self, metric: Metric) -> Result<Self, String> {
        if metric != Metric::Candle {
            return Err(format!("a {metric} series holds single values, not bars; name the metric candle"));
        }
        let bar = Self::new(self.open, self.high, self.low, self.close, self.volume).map_err(|e: InvalidBar| e.to_string())?;
        let price = |price: f64| plausible(price + 0.0, metric);
        Ok(Self {
            open: price(bar.open)?,
            high: price(bar.high)?,
            low: price(bar.low)?,
            close: price(bar.close)?,
            volume: bar.volume.map(|volume| volume + 0.0),
        })
    }

    fn agrees(&self, other: &Self) -> bool {
        let volumes_agree = match (&self.volume, &other.volume) {
            (Some(a), Some(b)) => a.agrees(b),
            (None, None) => true,
            _ => false,
        };
        volumes_agree
            && self.open.agrees(&other.open)
            && self.high.agrees(&other.high)
            && self.low.agrees(&other.low)
            && self.close.agrees(&other.close)
    }

    fn words(&self) -> String {
        let volume = self.volume.map_or_else(|| "unknown".to_owned(), |volume| volume.to_string());
        format!("open {} high {} low {} close {} volume {volume}", self.open, self.high, self.low, self.close)
    }
}

/// Lets a finite number through when `metric` can take it.
pub(super) fn plausible(value: f64, metric: Metric) -> Result<f64, String> {
    let (lowest, highest) = metric.plausible();
    if (lowest..=highest).contains(&value) {
        Ok(value)
    } else {
        Err(format!("{value} is not a plausible {metric}: {lowest} to {highest}; check the unit"))
    }
}

/// Says why an instant cannot be stored.
pub(super) fn check_instant(name: &str, at: Timestamp) -> Result<(), String> {
    if at.is_acceptable() {
        Ok(())
    } else {
        Err(format!("{name} {} ms after 1970 is not between {} and {}", at.unix_ms(), Timestamp::MIN, Timestamp::MAX))
    }
}

/// The rows that can be true, ordered by instant; rows with their real vintage come first among
/// those of one instant, oldest vintage first, the others stay in the order they were given.
pub(super) fn admit<P: Statement>(key: &SeriesKey, rows: &[Observation<P>], report: &mut CommitReport) -> Vec<Observation<P>> {
    let mut admitted = Vec::with_capacity(rows.len());
    for row in rows {
        match admit_row(key.metric, row) {
            Ok(row) => admitted.push(row),
            Err(reason) => report.refused.push(refusal(key, row.observed_at, reason)),
        }
    }
    admitted.sort_by_key(|row| (row.observed_at, real_vintage(row).unwrap_or(Timestamp::from_unix_ms(i64::MAX))));
    admitted
}

fn admit_row<P: Statement>(metric: Metric, row: &Observation<P>) -> Result<Observation<P>, String> {
    check_instant("observed_at", row.observed_at)?;
    if let Knowledge::Published(at) | Knowledge::Vintage(at) = row.knowledge {
        check_instant("known_at", at)?;
    }
    Ok(Observation { value: row.value.admit(metric)?, ..*row })
}

fn real_vintage<P>(row: &Observation<P>) -> Option<Timestamp> {
    match row.knowledge {
        Knowledge::Vintage(at) => Some(at),
        Knowledge::OnCommit | Knowledge::Published(_) => None,
    }
}

fn refusal(key: &SeriesKey, observed_at: Timestamp, reason: String) -> Refusal {
    Refusal { subject: key.to_string(), observed_at, reason }
}

/// The vintages to add, ordered by (`observed_at`, `known_at`); `report` counts what became of each row.
///
/// `incoming` comes from [`admit`]; `stored` holds every vintage of its points that there is, ordered
/// by (`observed_at`, `known_at`).
pub(super) fn reconcile<P: Statement>(
    key: &SeriesKey,
    stored: &[Vintage<P>],
    incoming: &[Observation<P>],
    now: Timestamp,
    report: &mut CommitReport,
) -> Vec<Vintage<P>> {
    let mut added = Vec::with_capacity(incoming.len());
    let mut rest = stored;
    for rows in incoming.chunk_by(|a, b| a.observed_at == b.observed_at) {
        let observed_at = rows[0].observed_at;
        rest = &rest[rest.partition_point(|vintage| vintage.observed_at < observed_at)..];
        let known = rest.partition_point(|vintage| vintage.observed_at == observed_at);
        let mut point = Point::new(&rest[..known]);
        for row in rows {
            match point.apply(row, now) {
                Ok(Verdict::New) => report.new += 1,
                Ok(Verdict::Unchanged) => report.unchanged += 1,
                Ok(Verdict::Revised) => report.revised += 1,
                Err(reason) => report.refused.push(refusal(key, observed_at, reason)),
            }
        }
        point.added.sort_by_key(|vintage| vintage.known_at);
        added.append(&mut point.added);
    }
    added
}

/// What became of a row that was not refused.
enum Verdict {
    New,
    Unchanged,
    Revised,
}

/// Everything known about one instant of one series while a batch is applied to it.
struct Point<'a, P> {
    stored: &'a [Vintage<P>],
    added: Vec<Vintage<P>>,
    /// What the batch said about this point without a vintage.
    said: Option<P>,
}

impl<'a, P: Statement> Point<'a, P> {
    const fn new(stored: &'a [Vintage<P>]) -> Self {
        Self { stored, added: Vec::new(), said: None }
    }

    /// The vintage that was known at `at`.
    fn known_at(&self, at: Timestamp) -> Option<Vintage<P>> {
        self.stored.iter().chain(&self.added).filter(|vintage| vintage.known_at <= at).max_by_key(|v| v.known_at).copied()
    }

    fn apply(&mut self, row: &Observation<P>, now: Timestamp) -> Result<Verdict, String> {
        match row.knowledge {
            Knowledge::Vintage(at) => self.fill(row, at),
            Knowledge::OnCommit => self.state(row, now, now),
            Knowledge::Published(at) => self.state(row, at, now),
        }
    }

    /// A row with its real vintage is compared with what was known then, and may fill the past.
    fn fill(&mut self, row: &Observation<P>, at: Timestamp) -> Result<Verdict, String> {
        match self.known_at(at) {
            Some(known) if known.value.agrees(&row.value) => Ok(Verdict::Unchanged),
            Some(known) if known.known_at == at => Err(format!(
                "{} contradicts {}, which the log holds as known at the same instant {at}; give the vintage its own instant",
                row.value.words(),
                known.value.words()
            )),
            _ => self.add(row, at),
        }
    }

    /// A row without a vintage is compared with the last thing known, and never changes the past.
    fn state(&mut self, row: &Observation<P>, first_known_at: Timestamp, now: Timestamp) -> Result<Verdict, String> {
        if let Some(said) = self.said {
            return if said.agrees(&row.value) {
                Ok(Verdict::Unchanged)
            } else {
                Err(format!("the batch says both {} and {} of this point; keep one of them", said.words(), row.value.words()))
            };
        }
        self.said = Some(row.value);
        match self.known_at(Timestamp::MAX) {
            Some(last) if last.value.agrees(&row.value) => Ok(Verdict::Unchanged),
            Some(last) => self.add(row, now.max(last.known_at.plus_ms(1))),
            None => self.add(row, first_known_at),
        }
    }

    fn add(&mut self, row: &Observation<P>, known_at: Timestamp) -> Result<Verdict, String> {
        check_instant("known_at", known_at)?;
        let verdict = if self.stored.is_empty() && self.added.is_empty() { Verdict::New } else { Verdict::Revised };
        self.added.push(Vintage { observed_at: row.observed_at, known_at, value: row.value });
        Ok(verdict)
    }
}
