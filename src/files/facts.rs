use std::fmt::Display;
use std::path::Path;

use crate::domain::{Asset, Metric, Period, SeriesKey, Source};
use crate::files::column::Header;
use crate::files::keys::Keys;
use crate::files::plan::{Fact, Origin, Plan};
use crate::files::{Column, FileError, FileKind, ImportOptions, NameFacts};

/// What the rows of a file are about: stated by a flag, else by the content, the publisher's name for the file, or
/// a name of our own making.
#[derive(Debug)]
pub(super) struct ImportContext<'a> {
    pub(super) options: &'a ImportOptions,
    /// What no flag stated, and where it was found.
    pub(super) told: Vec<(String, Origin)>,
    plan: &'a Plan,
    name: NameFacts,
}

/// A flag and what it is about.
struct Flag {
    what: &'static str,
    name: &'static str,
}

const ASSET: Flag = Flag { what: "asset", name: "--asset" };
const SOURCE: Flag = Flag { what: "source", name: "--source" };
const INTERVAL: Flag = Flag { what: "interval", name: "--interval" };
const METRIC: Flag = Flag { what: "metric", name: "--metric" };

impl<'a> ImportContext<'a> {
    pub(super) fn new(plan: &'a Plan, path: Option<&Path>, options: &'a ImportOptions) -> Self {
        let name = path.map(|path| NameFacts::of(plan.kind, path)).unwrap_or_default();
        Self { options, told: Vec::new(), plan, name }
    }

    /// The name the commit is recorded under.
    pub(super) fn writer(&self) -> Source {
        let stated = self.plan.source.as_ref().map(|fact| fact.value.clone());
        self.options.source.clone().or(stated).or_else(|| self.name.source.clone()).unwrap_or_else(Source::import)
    }

    pub(super) fn asset(&mut self) -> Result<Asset, FileError> {
        let found = self.plan.asset.clone().or_else(|| by_name(self.name.asset.clone()));
        self.settle(&ASSET, self.options.asset.clone(), found)
    }

    pub(super) fn source(&mut self) -> Result<Source, FileError> {
        let found = self.plan.source.clone().or_else(|| by_name(self.name.source.clone()));
        self.settle(&SOURCE, self.options.source.clone(), found)
    }

    /// The interval, which may be `inferred` from the rows.
    pub(super) fn interval(&mut self, inferred: Option<Period>) -> Result<Period, FileError> {
        let found = self.stated_interval().or_else(|| inferred.map(|interval| Fact::new(interval, Origin::Content)));
        self.settle(&INTERVAL, self.options.interval, found.filter(|fact| fact.origin != Origin::Flag))
    }

    /// The interval that a flag or a name states.
    pub(super) fn stated_interval(&self) -> Option<Fact<Period>> {
        let of_flag = self.options.interval.map(|interval| Fact::new(interval, Origin::Flag));
        of_flag.or_else(|| self.plan.interval.clone()).or_else(|| by_name(self.name.interval))
    }

    /// The metric that a flag or a name states.
    pub(super) fn metric(&self) -> Option<Metric> {
        self.options.metric.or(self.name.metric)
    }

    /// The asset of option chains; `None` if the names of the options state it.
    pub(super) fn chain_asset(&mut self) -> Result<Option<Asset>, FileError> {
        let is_stated = self.options.asset.is_some() || self.plan.asset.is_some() || self.name.asset.is_some();
        if self.plan.preset.is_some() && !is_stated { Ok(None) } else { self.asset().map(Some) }
    }

    /// The source of every order, unless the file has a column for it.
    pub(super) fn order_source(&mut self, header: &Header) -> Result<Option<Source>, FileError> {
        if self.options.source.is_none() && header.has(Column::Source) { Ok(None) } else { self.source().map(Some) }
    }

    pub(super) fn candle_keys(&mut self, header: &Header, inferred: Option<Period>) -> Result<Keys, FileError> {
        if header.has(Column::Series) {
            return self.column_keys(true);
        }
        let (asset, source, interval) = (self.asset()?, self.source()?, self.interval(inferred)?);
        Ok(Keys::Fixed(SeriesKey::new(Metric::Candle, asset, source, interval)))
    }

    pub(super) fn series_keys(&mut self, header: &Header) -> Result<Keys, FileError> {
        if header.has(Column::Series) {
            return self.column_keys(false);
        }
        let metric = self.settle(&METRIC, self.options.metric, by_name(self.name.metric))?;
        let asset = self.asset()?;
        self.key(metric, &asset, self.options.part.clone()).map(Keys::Fixed)
    }

    /// The series of one column of several.
    pub(super) fn key(&mut self, metric: Metric, asset: &Asset, part: Option<String>) -> Result<SeriesKey, FileError> {
        let source = self.source()?;
        let interval = match self.stated_interval() {
            Some(_) if metric != Metric::EtfFlow => self.interval(None)?,
            _ => Period::INSTANT,
        };
        let part = part.map(|part| format!(".{part}")).unwrap_or_default();
        let suffix = if interval.is_instant() { String::new() } else { format!(":{interval}") };
        Ok(format!("{metric}.{asset}{part}@{source}{suffix}").parse()?)
    }

    fn column_keys(&self, candles: bool) -> Result<Keys, FileError> {
        let ImportOptions { asset, source, interval, metric, part, .. } = self.options;
        let named_twice = asset.is_some() || source.is_some() || interval.is_some() || metric.is_some() || part.is_some();
        if named_twice { Err(FileError::NamedTwice) } else { Ok(Keys::from_column(candles)) }
    }

    /// A flag wins over what was found, unless the content contradicts it.
    fn settle<T: Display + PartialEq>(&mut self, flag: &Flag, given: Option<T>, found: Option<Fact<T>>) -> Result<T, FileError> {
        match (given, found) {
            (Some(given), Some(found)) if given != found.value && self.plan.preset.is_some() => {
                // The source is the caller's to name: a copy of a publisher's file may be kept apart.
                if found.origin == Origin::Content && flag.name != SOURCE.name {
                    return Err(FileError::Contradiction {
                        flag: flag.name,
                        given: given.to_string(),
                        found: found.value.to_string(),
                    });
                }
                self.tell(format!("{} {given} and not {} of {}", flag.what, found.value, found.origin), Origin::Flag);
                Ok(given)
            }
            (Some(given), _) => Ok(given),
            (None, Some(found)) => {
                self.tell(format!("{} {}", flag.what, found.value), found.origin);
                Ok(found.value)
            }
            (None, None) => Err(FileError::Unnamed { what: flag.what, flag: flag.name, example: self.plan.kind.example_name() }),
        }
    }

    /// Reports something once.
    fn tell(&mut self, what: String, origin: Origin) {
        if !self.told.iter().any(|(told, _)| *told == what) {
            self.told.push((what, origin));
        }
    }
}

fn by_name<T>(value: Option<T>) -> Option<Fact<T>> {
    value.map(|value| Fact::new(value, Origin::Name))
}

impl FileKind {
    /// The kind that the columns of a table prove.
    pub(super) fn of(has: impl Fn(Column) -> bool) -> Option<Self> {
        if [Column::Open, Column::High, Column::Low, Column::Close].into_iter().all(&has) {
            Some(Self::Candles)
        } else if has(Column::Fund) {
            Some(Self::EtfFlows)
        } else if has(Column::Instrument) && has(Column::MarkIv) {
            Some(Self::Options)
        } else if has(Column::Symbol) && has(Column::Side) {
            Some(Self::Orders)
        } else if has(Column::Long) && has(Column::Short) {
            Some(Self::Liquidations)
        } else if has(Column::Value) {
            Some(Self::Series)
        } else {
            None
        }
    }
}
