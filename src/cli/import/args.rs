use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::Failure;
use crate::domain::{Asset, Metric, Period, Source, SourceInfo, SourceKind, Timestamp};
use crate::files::{
    Column, DateOrder, DecimalMark, FileKind, ImportOptions, MoneyScale, SideMeaning, TimeUnit, VolumeUnit, Zone,
};

/// What is stored, and how it is read.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(super) struct Flags {
    /// Files to store one after the other; `-` reads standard input. A first word candles, series, etf-flows,
    /// liquidations, orders or options states their kind, which is else found from the content.
    #[arg(required_unless_present = "list_presets", value_name = "[KIND] FILE")]
    words: Vec<PathBuf>,
    /// List the layouts of publishers that are recognised, and exit.
    #[arg(long)]
    pub(super) list_presets: bool,
    /// Read the file in the layout of this publisher.
    #[arg(long = "as", value_name = "PRESET")]
    preset: Option<String>,
    /// The asset, such as btc; total for the whole market.
    #[arg(long)]
    asset: Option<Asset>,
    /// Who said it, such as binance-perp.
    #[arg(long)]
    source: Option<Source>,
    /// The length of a bar or the span that a value sums up, such as 30m, 1h or 1d.
    #[arg(long)]
    interval: Option<Period>,
    /// What a series measures, such as `open_interest`.
    #[arg(long)]
    metric: Option<Metric>,
    /// Which part of the asset a series is about, such as a fund.
    #[arg(long)]
    part: Option<String>,
    /// The symbol of every order, such as `BTCUSD_PERP`.
    #[arg(long)]
    symbol: Option<String>,
    /// What the source is, which decides how its figures may be added to others': venue, aggregator, publisher or
    /// scenario. Sources that a feed knows need none; others are taken for venues.
    #[arg(long, value_name = "KIND")]
    source_kind: Option<SourceKind>,
    /// What the figures of the source leave out; shown beside every answer that uses them.
    #[arg(long, value_name = "TEXT", requires = "source_kind")]
    source_note: Option<String>,
    /// Show what would be stored, and store nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Leave bad rows out and store the rest.
    #[arg(long)]
    pub(super) skip_bad: bool,
    /// Report as JSON, one object a file.
    #[arg(long)]
    pub(super) json: bool,
    /// Rows are taken in any order of time without it.
    #[arg(long, hide = true)]
    unsorted: bool,
    #[command(flatten)]
    meaning: Meaning,
    #[command(flatten)]
    columns: Columns,
}

/// What cells mean, where the content leaves doubt.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cells")]
struct Meaning {
    /// The instant of every row, of a snapshot without a column of time.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// The order of day and month in dates such as 04/05/2024.
    #[arg(long, value_enum)]
    date_order: Option<Order>,
    /// The unit of Unix times, which is else decided by their size.
    #[arg(long, value_enum, value_name = "UNIT")]
    times_in: Option<Unit>,
    /// The zone of times without one, such as `America/New_York` or +08:00; UTC without it.
    #[arg(long)]
    zone: Option<Zone>,
    /// Store each row under its date in this zone: for exchange days stamped at local midnight, at the opening or close.
    #[arg(long, value_name = "ZONE")]
    day_of: Option<Zone>,
    /// The byte between two cells; `tab` for a tab.
    #[arg(long, value_parser = delimiter)]
    delimiter: Option<u8>,
    /// The decimal mark.
    #[arg(long, value_enum)]
    decimal: Option<Mark>,
    /// What a value of 1 stands for: units, thousands, millions or billions of USD.
    #[arg(long, value_name = "SCALE")]
    values_in: Option<MoneyScale>,
    /// The unit of a volume whose column states none.
    #[arg(long, value_enum, value_name = "UNIT")]
    volume_means: Option<Amount>,
    /// What BUY and SELL mean; long and short always mean the position.
    #[arg(long, value_enum, default_value_t)]
    side_means: SideMeans,
    /// Store the newest bar although it may still have been running when the file was written.
    #[arg(long, conflicts_with = "drop_last")]
    keep_last: bool,
    /// Leave the newest bar out.
    #[arg(long)]
    drop_last: bool,
}

/// Columns whose names are not recognised.
#[derive(Debug, Args)]
#[command(next_help_heading = "Columns")]
struct Columns {
    /// The names of all columns in their order, of a file without a header: time,open,high,low,close,volume.
    #[arg(long = "columns", value_name = "NAMES", value_delimiter = ',')]
    names: Option<Vec<String>>,
    /// The column with the instant the row speaks of.
    #[arg(long, value_name = "NAME")]
    time_column: Option<String>,
    /// The column with the instant the row was known; without one the source's publication rule holds.
    #[arg(long, value_name = "NAME")]
    known_at_column: Option<String>,
    /// Bars: the column with the first price.
    #[arg(long, value_name = "NAME")]
    open_column: Option<String>,
    /// Bars: the column with the highest price.
    #[arg(long, value_name = "NAME")]
    high_column: Option<String>,
    /// Bars: the column with the lowest price.
    #[arg(long, value_name = "NAME")]
    low_column: Option<String>,
    /// Bars: the column with the last price.
    #[arg(long, value_name = "NAME")]
    close_column: Option<String>,
    /// Bars: the column with the traded amount. Options: the one with the coins traded in 24 hours.
    #[arg(long, value_name = "NAME")]
    volume_column: Option<String>,
    /// Series: the column with the value.
    #[arg(long, value_name = "NAME")]
    value_column: Option<String>,
    /// ETF flows: the column with the fund.
    #[arg(long, value_name = "NAME")]
    fund_column: Option<String>,
    /// ETF flows: the column with the flow.
    #[arg(long, value_name = "NAME")]
    flow_column: Option<String>,
    /// Liquidations: the column with closed long positions, USD.
    #[arg(long, value_name = "NAME")]
    long_column: Option<String>,
    /// Liquidations: the column with closed short positions, USD.
    #[arg(long, value_name = "NAME")]
    short_column: Option<String>,
    /// Orders: the column with the instrument.
    #[arg(long, value_name = "NAME")]
    symbol_column: Option<String>,
    /// Orders: the column with the side.
    #[arg(long, value_name = "NAME")]
    side_column: Option<String>,
    /// Orders: the column with the filled quantity.
    #[arg(long, value_name = "NAME")]
    quantity_column: Option<String>,
    /// Orders: the column with the average fill price, USD.
    #[arg(long, value_name = "NAME")]
    price_column: Option<String>,
    /// Orders: the column with the value, USD; without one it is quantity times price.
    #[arg(long, value_name = "NAME")]
    usd_column: Option<String>,
    /// Options: the column with the option's name, such as BTC-29MAY26-82000-P; the asset may be left out.
    #[arg(long, value_name = "NAME")]
    instrument_column: Option<String>,
    /// Options: the column with the implied volatility of the mark price, annualised percent.
    #[arg(long, value_name = "NAME")]
    mark_iv_column: Option<String>,
    /// Options: the column with the forward of the expiry, USD.
    #[arg(long, value_name = "NAME")]
    underlying_column: Option<String>,
    /// Options: the column with the open interest, coins.
    #[arg(long, value_name = "NAME")]
    open_interest_column: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Order {
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Unit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mark {
    /// 1,234.5
    Point,
    /// 1.234,5
    Comma,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Amount {
    /// Coins or shares.
    Coins,
    /// US dollars.
    Usd,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum SideMeans {
    /// The forced order: SELL closed a long.
    #[default]
    Order,
    /// The position: BUY was a long.
    Position,
}

impl Flags {
    /// The files, and the options by which all of them are read.
    pub(super) fn request(&self, now: Timestamp) -> Result<(&[PathBuf], ImportOptions), Failure> {
        let kind = |word: &PathBuf| FileKind::ALL.iter().find(|(_, name)| word.as_os_str() == *name).map(|(kind, _)| *kind);
        let (kind, files) = match self.words.split_first() {
            Some((first, rest)) if kind(first).is_some() => (kind(first), rest),
            _ => (None, self.words.as_slice()),
        };
        if files.is_empty() {
            return Err(Failure::Usage(
                "which file? name one after the kind, such as `import candles btc-binance-perp-30m.csv`".to_owned(),
            ));
        }
        let options = ImportOptions {
            kind,
            preset: self.preset.clone(),
            columns: self.columns.named(),
            names: self.columns.names.clone(),
            asset: self.asset.clone(),
            source: self.source.clone(),
            interval: self.interval,
            metric: self.metric,
            part: self.part.clone(),
            symbol: self.symbol.clone(),
            skip_bad: self.skip_bad,
            now: Some(now),
            ..self.meaning.options()
        };
        Ok((files, options))
    }

    /// What the flags say of a source.
    pub(super) fn told_of(&self, source: &Source) -> Option<SourceInfo> {
        let note = self.source_note.clone().unwrap_or_default();
        self.source_kind.map(|kind| SourceInfo { source: source.clone(), kind, note })
    }
}

impl Meaning {
    fn options(&self) -> ImportOptions {
        ImportOptions {
            at: self.at,
            date_order: self.date_order.map(|order| match order {
                Order::Dmy => DateOrder::Dmy,
                Order::Mdy => DateOrder::Mdy,
            }),
            times_in: self.times_in.map(|unit| match unit {
                Unit::S => TimeUnit::Seconds,
                Unit::Ms => TimeUnit::Milliseconds,
                Unit::Us => TimeUnit::Microseconds,
                Unit::Ns => TimeUnit::Nanoseconds,
            }),
            zone: self.zone,
            day_of: self.day_of,
            delimiter: self.delimiter,
            decimal: self.decimal.map(|mark| match mark {
                Mark::Point => DecimalMark::Point,
                Mark::Comma => DecimalMark::Comma,
            }),
            values_in: self.values_in,
            volume_means: self.volume_means.map(|unit| match unit {
                Amount::Coins => VolumeUnit::Coins,
                Amount::Usd => VolumeUnit::Usd,
            }),
            side_means: match self.side_means {
                SideMeans::Order => SideMeaning::Order,
                SideMeans::Position => SideMeaning::Position,
            },
            keep_last: (self.keep_last || self.drop_last).then_some(self.keep_last),
            ..ImportOptions::default()
        }
    }
}

impl Columns {
    /// The columns named by flags, by what they mean.
    fn named(&self) -> std::collections::BTreeMap<Column, String> {
        let named = [
            (Column::Time, &self.time_column),
            (Column::KnownAt, &self.known_at_column),
            (Column::Open, &self.open_column),
            (Column::High, &self.high_column),
            (Column::Low, &self.low_column),
            (Column::Close, &self.close_column),
            (Column::Volume, &self.volume_column),
            (Column::Value, &self.value_column),
            (Column::Fund, &self.fund_column),
            (Column::Flow, &self.flow_column),
            (Column::Long, &self.long_column),
            (Column::Short, &self.short_column),
            (Column::Symbol, &self.symbol_column),
            (Column::Side, &self.side_column),
            (Column::Quantity, &self.quantity_column),
            (Column::Price, &self.price_column),
            (Column::Usd, &self.usd_column),
            (Column::Instrument, &self.instrument_column),
            (Column::MarkIv, &self.mark_iv_column),
            (Column::Underlying, &self.underlying_column),
            (Column::OpenInterest, &self.open_interest_column),
        ];
        named.into_iter().filter_map(|(column, name)| Some((column, name.clone()?))).collect()
    }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() => Ok(*byte),
        _ => Err("one character, such as `;`, or `tab`".to_owned()),
    }
}
