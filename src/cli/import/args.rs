use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::domain::{Asset, Metric, Period, Source, SourceInfo, SourceKind};
use crate::files::{Column, FileKind, ImportOptions, SideMeaning};

/// What is said of every kind of file.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// CSV files to store one after the other; `-` reads standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Who said it, such as binance-perp.
    #[arg(long)]
    pub(super) source: Option<Source>,
    /// What the source is, which decides how its figures may be added to others': venue, aggregator, publisher or
    /// scenario. Sources that a feed knows need none; others are taken for venues.
    #[arg(long, value_name = "KIND")]
    source_kind: Option<SourceKind>,
    /// What the figures of the source leave out; shown beside every answer that uses them.
    #[arg(long, value_name = "TEXT", requires = "source_kind")]
    source_note: Option<String>,
    /// The column with the instant the row speaks of.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    pub(super) time_column: Option<String>,
    /// The column with the instant the row was known; without one the source's publication rule holds.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    pub(super) known_at_column: Option<String>,
    /// Take rows in any order of time.
    #[arg(long)]
    pub(super) unsorted: bool,
    /// Leave bad rows out and store the rest.
    #[arg(long)]
    pub(super) skip_bad: bool,
    /// Report as JSON, one object a file.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Candles {
    #[command(flatten)]
    common: Common,
    /// The asset, such as btc.
    #[arg(long)]
    asset: Option<Asset>,
    /// The length of a bar, such as 30m, 1h or 1d.
    #[arg(long)]
    interval: Option<Period>,
    /// The column with the first price.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    open_column: Option<String>,
    /// The column with the highest price.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    high_column: Option<String>,
    /// The column with the lowest price.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    low_column: Option<String>,
    /// The column with the last price.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    close_column: Option<String>,
    /// The column with the traded amount, in USD where its name ends in `usd`, else in coins; files without one are fine.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    volume_column: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Series {
    #[command(flatten)]
    common: Common,
    /// What is measured, such as `open_interest`.
    #[arg(long)]
    metric: Option<Metric>,
    /// Of which asset; total for the whole market.
    #[arg(long)]
    asset: Option<Asset>,
    /// Which part of it, such as a fund.
    #[arg(long)]
    part: Option<String>,
    /// The span a value summarises, such as 1d.
    #[arg(long)]
    interval: Option<Period>,
    /// The column with the value.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    value_column: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct EtfFlows {
    #[command(flatten)]
    common: Common,
    /// The asset the funds hold.
    #[arg(long)]
    asset: Option<Asset>,
    /// The column with the fund.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    fund_column: Option<String>,
    /// The column with the flow, USD.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    flow_column: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Liquidations {
    #[command(flatten)]
    common: Common,
    /// The asset.
    #[arg(long)]
    asset: Option<Asset>,
    /// The span of a sum, such as 4h.
    #[arg(long)]
    interval: Option<Period>,
    /// The column with closed long positions, USD.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    long_column: Option<String>,
    /// The column with closed short positions, USD.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    short_column: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Orders {
    #[command(flatten)]
    common: Common,
    /// What BUY and SELL mean; long and short always mean the position.
    #[arg(long, value_enum, default_value_t)]
    side_means: SideMeans,
    /// The column with the instrument.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    symbol_column: Option<String>,
    /// The column with the side.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    side_column: Option<String>,
    /// The column with the filled quantity.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    quantity_column: Option<String>,
    /// The column with the average fill price, USD.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    price_column: Option<String>,
    /// The column with the value, USD; without one it is quantity times price.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    usd_column: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Options {
    #[command(flatten)]
    common: Common,
    /// The asset the options are on.
    #[arg(long)]
    asset: Option<Asset>,
    /// The column with the option's name, such as BTC-29MAY26-82000-P; the asset may be left out.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    instrument_column: Option<String>,
    /// The column with the implied volatility of the mark price, annualised percent.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    mark_iv_column: Option<String>,
    /// The column with the forward of the expiry, USD.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    underlying_column: Option<String>,
    /// The column with the open interest, coins; files without one are fine.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    open_interest_column: Option<String>,
    /// The column with the amount traded in 24 hours, coins; files without one are fine.
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    volume_column: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum SideMeans {
    /// The forced order: SELL closed a long.
    #[default]
    Order,
    /// The position: BUY was a long.
    Position,
}

/// A kind of file, and what the flags say of it.
pub(super) type Request = (FileKind, Common, ImportOptions);

impl Candles {
    pub(super) fn request(self) -> Request {
        let columns = [
            (Column::Open, self.open_column),
            (Column::High, self.high_column),
            (Column::Low, self.low_column),
            (Column::Close, self.close_column),
            (Column::Volume, self.volume_column),
        ];
        let options = self.common.options(columns);
        (FileKind::Candles, self.common, ImportOptions { asset: self.asset, interval: self.interval, ..options })
    }
}

impl Series {
    pub(super) fn request(self) -> Request {
        let options = self.common.options([(Column::Value, self.value_column)]);
        let Self { asset, interval, metric, part, .. } = self;
        (FileKind::Series, self.common, ImportOptions { asset, interval, metric, part, ..options })
    }
}

impl EtfFlows {
    pub(super) fn request(self) -> Request {
        let options = self.common.options([(Column::Fund, self.fund_column), (Column::Flow, self.flow_column)]);
        (FileKind::EtfFlows, self.common, ImportOptions { asset: self.asset, ..options })
    }
}

impl Liquidations {
    pub(super) fn request(self) -> Request {
        let options = self.common.options([(Column::Long, self.long_column), (Column::Short, self.short_column)]);
        (FileKind::Liquidations, self.common, ImportOptions { asset: self.asset, interval: self.interval, ..options })
    }
}

impl Orders {
    pub(super) fn request(self) -> Request {
        let columns = [
            (Column::Symbol, self.symbol_column),
            (Column::Side, self.side_column),
            (Column::Quantity, self.quantity_column),
            (Column::Price, self.price_column),
            (Column::Usd, self.usd_column),
        ];
        let side_means = match self.side_means {
            SideMeans::Order => SideMeaning::Order,
            SideMeans::Position => SideMeaning::Position,
        };
        let options = self.common.options(columns);
        (FileKind::Orders, self.common, ImportOptions { side_means, ..options })
    }
}

impl Options {
    pub(super) fn request(self) -> Request {
        let columns = [
            (Column::Instrument, self.instrument_column),
            (Column::MarkIv, self.mark_iv_column),
            (Column::Underlying, self.underlying_column),
            (Column::OpenInterest, self.open_interest_column),
            (Column::OptionVolume, self.volume_column),
        ];
        let options = self.common.options(columns);
        (FileKind::Options, self.common, ImportOptions { asset: self.asset, ..options })
    }
}

impl Common {
    /// What the flags say of a source.
    pub(super) fn told_of(&self, source: &Source) -> Option<SourceInfo> {
        let note = self.source_note.clone().unwrap_or_default();
        self.source_kind.map(|kind| SourceInfo { source: source.clone(), kind, note })
    }

    /// What is said of every kind of file, with the columns named for this one.
    fn options<const N: usize>(&self, columns: [(Column, Option<String>); N]) -> ImportOptions {
        let clocks = [(Column::Time, self.time_column.clone()), (Column::KnownAt, self.known_at_column.clone())];
        let named = clocks.into_iter().chain(columns).filter_map(|(column, name)| Some((column, name?)));
        ImportOptions {
            columns: named.collect(),
            source: self.source.clone(),
            unsorted: self.unsorted,
            skip_bad: self.skip_bad,
            ..ImportOptions::default()
        }
    }
}
