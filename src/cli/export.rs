use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::app;
use crate::cli::Failure;
use crate::config::Config;
use crate::domain::{SeriesKey, TimeRange, Timestamp};
use crate::files::{ExportFormat, Exporter, Selection};

const EXAMPLES: &str = "\
Examples:
  market-stress export candle.btc@binance-perp:30m --since 2026-01-01 --output btc.csv
  market-stress export etf_flow.btc.IBIT@farside etf_flow.btc.FBTC@farside --format ndjson
  market-stress export series > series.csv      every reading and flow; candles and orders likewise
  market-stress import series series.csv        imports it: each row has its series and vintage";

/// Selection and format of the export.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Export {
    /// Series keys, or one of `candles`, `series` and `orders` for all of that kind.
    #[arg(required = true, value_name = "KEY")]
    what: Vec<String>,
    /// Only rows observed at or after this time (RFC 3339 or a date).
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only rows observed before this time (RFC 3339 or a date).
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Format of the rows.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write to this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// CSV with a header line, as read by `import`.
    #[default]
    Csv,
    /// One JSON object a line.
    Ndjson,
}

impl Export {
    pub(super) async fn run(&self, config: &Config) -> Result<(), Failure> {
        let selection = self.selection()?;
        let everything = TimeRange::all();
        let range = TimeRange::new(self.since.unwrap_or(everything.from()), self.until.unwrap_or(everything.to()))
            .map_err(|error| Failure::Usage(error.to_string()))?;
        let format = match self.format {
            Format::Csv => ExportFormat::Csv,
            Format::Ndjson => ExportFormat::Ndjson,
        };
        let out: Box<dyn Write + Send> = match &self.output {
            Some(path) => Box::new(BufWriter::new(File::create(path)?)),
            None => Box::new(BufWriter::new(io::stdout())),
        };
        let mut exporter = Exporter::new(selection, range, format, out);
        app::open_store(config).await?.load(&mut exporter).await?;
        match exporter.finish()?.missing.first() {
            None => Ok(()),
            Some((key, nearest)) => {
                let hint = nearest.as_ref().map(|nearest| format!("; did you mean {nearest}?")).unwrap_or_default();
                Err(Failure::NoRows { key: key.to_string(), hint })
            }
        }
    }

    fn selection(&self) -> Result<Selection, Failure> {
        match self.what.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["candles"] => return Ok(Selection::Candles(BTreeSet::new())),
            ["series"] => return Ok(Selection::Series(BTreeSet::new())),
            ["orders"] => return Ok(Selection::Orders),
            _ => {}
        }
        let keys = self.what.iter().map(|text| text.parse::<SeriesKey>()).collect::<Result<BTreeSet<_>, _>>();
        let words = "name series by their keys, or one of candles, series and orders for all there are";
        Ok(Selection::of(keys.map_err(|error| Failure::Usage(format!("{error}; {words}")))?)?)
    }
}
