use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Metric, SeriesKey, Source, Timestamp, Version};

/// An answer: the figures, what they were computed from, and what is wrong with them.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Answer<T> {
    /// The figures.
    pub data: T,
    /// How they were computed and as of when.
    pub meta: Meta,
    /// What was read, with its age: one entry for each source and metric, or each series with `sources=full`; left
    /// out with `sources=none`.
    #[schema(value_type = Vec<SourceEntry>, required = false)]
    pub sources: Vec<SourceReading>,
    /// What a reader must know before using the figures; empty when nothing.
    pub warnings: Vec<Warning>,
    /// The series that were read with the commit that last touched each: the ground of the `ETag`.
    #[serde(skip)]
    pub reads: Vec<(SeriesKey, Version)>,
    /// When the next row of any series read is expected; how long an answer may be reused.
    #[serde(skip)]
    pub next_expected_at: Option<Timestamp>,
    /// The same in words, where the question is answered in words too.
    #[serde(skip)]
    pub words: Option<Words>,
}

/// An answer in words, for a person or a language model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// As plain text.
    pub text: String,
    /// As markdown.
    pub markdown: String,
}

/// How the figures were computed and as of when.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Meta {
    /// The cutoff: only rows known by this instant were used.
    pub as_of: Timestamp,
    /// Whether the cutoff was the clock's because the question named none.
    pub as_of_defaulted: bool,
    /// The number of the last commit recorded by the cutoff; 0 when the log begins later.
    #[schema(value_type = i64)]
    pub data_version: Version,
    /// The span that was looked at, where the question has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowBounds>,
    /// The formula.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// How many rows entered the figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_obs: Option<u64>,
    /// How many rows the span should hold and how many it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
}

/// A resolved span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct WindowBounds {
    /// The first instant inside.
    pub from: Timestamp,
    /// The last instant inside.
    pub to: Timestamp,
}

/// The formula behind the figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Method {
    /// Its name, as in `docs/METHODOLOGY.md`.
    pub name: &'static str,
    /// Its version; grows when the same rows would give other figures.
    pub version: u32,
    /// The length of the bars it used, such as `1d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// Which prices it used, such as `close` or `intraday`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
}

/// How many rows a span should hold and how many it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Coverage {
    /// Rows a complete feed would have.
    pub expected: u64,
    /// Rows there are.
    pub present: u64,
}

/// What an answer was read from: the series of one metric from one source, or one series.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SourceEntry {
    /// The series, where each has an entry of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<SeriesKey>,
    /// Who says so.
    pub source: Source,
    /// What is measured.
    pub metric: Metric,
    /// How many series were read.
    pub n_series: usize,
    /// When the newest of their newest rows was true (the end of its period for bars and sums).
    pub observed_at: Timestamp,
    /// When the oldest of their newest rows was true.
    pub oldest_observed_at: Timestamp,
    /// From when on the newest was known.
    pub known_at: Timestamp,
    /// Seconds from `observed_at` to the cutoff.
    pub age_seconds: i64,
    /// The worst state among the series.
    pub state: Freshness,
    /// What its figures leave out; absent when nothing is known to be missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl SourceEntry {
    /// One entry for each series.
    #[must_use]
    pub fn of_series(readings: &[SourceReading]) -> Vec<Self> {
        readings.iter().map(|reading| Self { series: Some(reading.series.clone()), ..Self::of(reading) }).collect()
    }

    /// One entry for each source and metric, in the order in which they were read.
    #[must_use]
    pub fn of_sources(readings: &[SourceReading]) -> Vec<Self> {
        let mut entries: Vec<Self> = Vec::new();
        let mut places: BTreeMap<(&Source, Metric), usize> = BTreeMap::new();
        for reading in readings {
            match places.entry((&reading.source, reading.series.metric)) {
                Entry::Occupied(place) => entries[*place.get()].add(reading),
                Entry::Vacant(place) => {
                    place.insert(entries.len());
                    entries.push(Self::of(reading));
                }
            }
        }
        entries
    }

    fn of(reading: &SourceReading) -> Self {
        Self {
            series: None,
            source: reading.source.clone(),
            metric: reading.series.metric,
            n_series: 1,
            observed_at: reading.observed_at,
            oldest_observed_at: reading.observed_at,
            known_at: reading.known_at,
            age_seconds: reading.age_seconds,
            state: reading.state,
            note: reading.note.clone(),
        }
    }

    fn add(&mut self, reading: &SourceReading) {
        self.n_series += 1;
        self.oldest_observed_at = self.oldest_observed_at.min(reading.observed_at);
        self.state = self.state.max(reading.state);
        if (reading.observed_at, reading.known_at) > (self.observed_at, self.known_at) {
            (self.observed_at, self.known_at) = (reading.observed_at, reading.known_at);
            self.age_seconds = reading.age_seconds;
        }
    }
}

/// The newest row of one series that was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceReading {
    /// The series.
    pub series: SeriesKey,
    /// Who says so.
    pub source: Source,
    /// When the newest row used was true (the end of its period for bars and sums).
    pub observed_at: Timestamp,
    /// From when on it was known.
    pub known_at: Timestamp,
    /// Seconds from `observed_at` to the cutoff.
    pub age_seconds: i64,
    /// Whether the series is as young as it should be.
    pub state: Freshness,
    /// What its figures leave out; absent when nothing is known to be missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How the age of a series compares with its rhythm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// The newest row is there.
    Fresh,
    /// A row is overdue, by no more than the tolerance of its series.
    Late,
    /// The series is not live: it has been silent for longer than three times its cadence, its publication delay and
    /// the longest pause of its calendar.
    Stale,
}

/// Something a reader must know before using the figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Warning {
    /// What it is, for programs.
    pub code: WarningCode,
    /// What it means here, for people.
    pub detail: String,
}

/// The closed set of warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// Too few rows for the formula.
    InsufficientHistory,
    /// A series that was read has not been updated for long.
    StaleInput,
    /// Rows are missing inside the span.
    Gap,
    /// The true figure is at least this large.
    LowerBound,
    /// The last bar is still running.
    PartialBar,
    /// The figure may still be restated by its publisher.
    Provisional,
    /// The span was cut where history begins.
    HistoryLimit,
    /// The sample does not vary.
    ZeroVariance,
    /// No row was known by the cutoff.
    NoData,
    /// A source that comes earlier in the order has died, and another answers.
    SourceSwitched,
    /// A price is zero or less: what needs its logarithm or a ratio to it leaves it out.
    NonPositivePrice,
    /// The feeds listened during a part of the window only.
    NotCovered,
}

impl<T> Answer<T> {
    /// The same answer about something else, as when rows are cut to a page.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Answer<U> {
        Answer {
            data: f(self.data),
            meta: self.meta,
            sources: self.sources,
            warnings: self.warnings,
            reads: self.reads,
            next_expected_at: self.next_expected_at,
            words: self.words,
        }
    }
}
