use std::fmt::Display;
use std::path::Path;

use crate::domain::{Asset, Metric, Period, SeriesKey, Source};
use crate::files::column::Header;
use crate::files::keys::Keys;
use crate::files::{Column, FileError, FileKind, ImportOptions, NameFacts};

/// What the rows of a file are about: said by the caller, else by the file's name.
#[derive(Debug)]
pub(super) struct ImportContext<'a> {
    pub(super) options: &'a ImportOptions,
    /// What was taken from the file's name, in words.
    pub(super) inferred: Vec<String>,
    name: NameFacts,
    kind: FileKind,
}

impl<'a> ImportContext<'a> {
    pub(super) fn new(kind: FileKind, path: Option<&Path>, options: &'a ImportOptions) -> Self {
        let name = path.map(|path| NameFacts::of(kind, path)).unwrap_or_default();
        Self { options, inferred: Vec::new(), name, kind }
    }

    /// The name the commit is recorded under.
    pub(super) fn writer(&self) -> Source {
        self.options.source.clone().or_else(|| self.name.source.clone()).unwrap_or_else(Source::import)
    }

    pub(super) fn asset(&mut self) -> Result<Asset, FileError> {
        let (given, named) = (self.options.asset.clone(), self.name.asset.clone());
        self.settle("asset", "--asset", given, named)
    }

    pub(super) fn source(&mut self) -> Result<Source, FileError> {
        let (given, named) = (self.options.source.clone(), self.name.source.clone());
        self.settle("source", "--source", given, named)
    }

    pub(super) fn interval(&mut self) -> Result<Period, FileError> {
        self.settle("interval", "--interval", self.options.interval, self.name.interval)
    }

    /// The source of every order, unless the file has a column for it.
    pub(super) fn order_source(&mut self, header: &Header) -> Result<Option<Source>, FileError> {
        if self.options.source.is_none() && header.has(Column::Source) { Ok(None) } else { self.source().map(Some) }
    }

    pub(super) fn candle_keys(&mut self, header: &Header) -> Result<Keys, FileError> {
        if header.has(Column::Series) {
            return self.column_keys(true);
        }
        let (asset, source, interval) = (self.asset()?, self.source()?, self.interval()?);
        Ok(Keys::Fixed(SeriesKey::new(Metric::Candle, asset, source, interval)))
    }

    pub(super) fn series_keys(&mut self, header: &Header) -> Result<Keys, FileError> {
        if header.has(Column::Series) {
            return self.column_keys(false);
        }
        let metric = self.settle("metric", "--metric", self.options.metric, self.name.metric)?;
        let (asset, source) = (self.asset()?, self.source()?);
        let part = self.options.part.as_ref().map(|part| format!(".{part}")).unwrap_or_default();
        let interval = if self.options.interval.or(self.name.interval).is_some() { self.interval()? } else { Period::INSTANT };
        let suffix = if interval.is_instant() { String::new() } else { format!(":{interval}") };
        Ok(Keys::Fixed(format!("{metric}.{asset}{part}@{source}{suffix}").parse()?))
    }

    fn column_keys(&self, candles: bool) -> Result<Keys, FileError> {
        let ImportOptions { asset, source, interval, metric, part, .. } = self.options;
        let named_twice = asset.is_some() || source.is_some() || interval.is_some() || metric.is_some() || part.is_some();
        if named_twice { Err(FileError::NamedTwice) } else { Ok(Keys::from_column(candles)) }
    }

    /// What the caller said wins over what the file's name says.
    fn settle<T: Display>(
        &mut self,
        what: &'static str,
        flag: &'static str,
        given: Option<T>,
        named: Option<T>,
    ) -> Result<T, FileError> {
        if let Some(fact) = given {
            return Ok(fact);
        }
        let fact = named.ok_or(FileError::Unnamed { what, flag, example: self.kind.example_name() })?;
        self.inferred.push(format!("{what} {fact}"));
        Ok(fact)
    }
}
