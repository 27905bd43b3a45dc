mod args;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use clap::Subcommand;

use self::args::{Candles, Common, EtfFlows, Liquidations, Options, Orders, Series};

use crate::app;
use crate::cli::report::{self, ImportReport};
use crate::cli::{Failure, progress};
use crate::config::Config;
use crate::domain::{Clock, Source};
use crate::files::{self, FileError, FileKind, ImportOptions, Parsed};
use crate::store::{OnRefusal, Store};

const EXAMPLES: &str = "\
Examples:
  market-stress import candles btc-binance-perp-30m.csv
  market-stress import candles --asset btc --source binance-perp --interval 1h --time-column ts - < bars.csv
  market-stress import series --metric fear_greed --asset total --source mine --interval 1d index.csv
  market-stress import etf-flows btc-farside.csv
  market-stress import orders --source binance --side-means position orders.csv
  market-stress import options btc-deribit-2026-04-28.csv

Asset, source, interval and metric that no flag gives are read from a name like btc-binance-perp-30m.csv or
open_interest-btc-coinglass-4h.csv. A file is stored as a whole or not at all; reading it again changes nothing.";

/// What kind of file is stored.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(super) enum Import {
    /// Bars of trading, known at their end: time, open, high, low, close, volume.
    Candles(Candles),
    /// Readings or flows: time, value. With an interval they are known at its end, without one at once.
    Series(Series),
    /// Fund flows by US trading day: `trading_day`, fund, `flow_usd`, `known_at`.
    EtfFlows(EtfFlows),
    /// Sums of liquidations by period: time, `long_usd`, `short_usd`.
    Liquidations(Liquidations),
    /// Single forced orders: time, symbol, side, quantity, price, usd.
    Orders(Orders),
    /// Snapshots of option chains: time, instrument, `mark_iv` (percent), `underlying_price` (USD), `open_interest`, volume
    /// (coins).
    Options(Options),
}

impl Import {
    pub(super) async fn run(self, config: &Config, clock: &dyn Clock) -> Result<(), Failure> {
        let (kind, common, options) = match self {
            Self::Candles(args) => args.request(),
            Self::Series(args) => args.request(),
            Self::EtfFlows(args) => args.request(),
            Self::Liquidations(args) => args.request(),
            Self::Orders(args) => args.request(),
            Self::Options(args) => args.request(),
        };
        let store = app::open_store(config).await?;
        for path in &common.files {
            let (parsed, report) = store_file(store.as_ref(), clock, kind, path, &options).await?;
            introduce(store.as_ref(), config, &common, parsed.batch.sources()).await?;
            report.write(common.json)?;
        }
        Ok(())
    }
}

/// Records what the flags or the feeds tell of sources; the flags win, and what the store knows stays otherwise.
async fn introduce(store: &dyn Store, config: &Config, common: &Common, sources: BTreeSet<Source>) -> Result<(), Failure> {
    let known = store.sources().await?;
    let feeds = config.ingest.entries();
    for source in sources {
        let of_feed = || feeds.iter().map(|entry| &entry.feed.profile().info).find(|info| info.source == source);
        let is_known = known.iter().any(|info| info.source == source);
        let told = common.told_of(&source).or_else(|| of_feed().filter(|_| !is_known).cloned());
        if let Some(info) = told {
            store.put_source(&info).await?;
        }
    }
    Ok(())
}

async fn store_file(
    store: &dyn Store,
    clock: &dyn Clock,
    kind: FileKind,
    path: &Path,
    options: &ImportOptions,
) -> Result<(Parsed, ImportReport), Failure> {
    let is_stdin = path.as_os_str() == "-";
    let name = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
    let parsed = open(path, is_stdin)
        .and_then(|input| files::read(kind, input, Some(path).filter(|_| !is_stdin), options))
        .map_err(|error| Failure::File { name: name.clone(), error })?;
    let on_refusal = if options.skip_bad { OnRefusal::Skip } else { OnRefusal::Abort };
    let report = store.append(&parsed.batch, clock.now(), on_refusal).await?.report;
    if on_refusal == OnRefusal::Abort && !report.refused.is_empty() {
        return Err(Failure::Refused { name, refused: report::refused(&report.refused) });
    }
    let report = ImportReport::new(name, &parsed, &report);
    Ok((parsed, report))
}

fn open(path: &Path, is_stdin: bool) -> Result<Box<dyn Read>, FileError> {
    if is_stdin {
        return Ok(Box::new(progress::of_bytes(io::stdin(), None)));
    }
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    Ok(Box::new(progress::of_bytes(file, Some(bytes))))
}
