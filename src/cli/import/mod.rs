mod args;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use self::args::Flags;
use crate::app;
use crate::cli::report::{self, ImportReport};
use crate::cli::{Failure, progress};
use crate::config::Config;
use crate::domain::{Clock, Source, Timestamp};
use crate::files::{self, FileError, ImportOptions, Input, PRESETS, Parsed};
use crate::store::{OnRefusal, Store};

const EXAMPLES: &str = "\
Examples:
  market-stress import BTCUSDT-1h-2024-11.zip
  market-stress import candles --asset btc --source mine --interval 1h --time-column ts - < bars.csv
  market-stress import series --metric fear_greed --asset total --source mine --interval 1d index.csv
  market-stress import --dry-run \"BITSTAMP_BTCUSD, 1D.csv\"
  market-stress import options --at 2025-12-05T01:10:00Z deribit_btc_options.csv
  market-stress import --list-presets

Text with any delimiter, JSON lists, lines of JSON objects and parquet are read, also packed as gz or zip. The layouts of
known publishers are recognised; asset, source, interval and metric that neither a flag nor the content states are read from a
name like btc-binance-perp-30m.csv or open_interest-btc-coinglass-4h.csv. The report states what was inferred, and from where.
A file is stored as a whole or not at all; reading it again changes nothing.";

/// Stores files.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Import {
    #[command(flatten)]
    flags: Flags,
}

impl Import {
    pub(super) async fn run(self, config: &Config, clock: &dyn Clock) -> Result<(), Failure> {
        if self.flags.list_presets {
            return list_presets();
        }
        let (paths, options) = self.flags.request(clock.now())?;
        let store = app::open_store(config).await?;
        for (place, path) in paths.iter().enumerate() {
            let stored = self.store_file((store.as_ref(), clock), config, path, &options).await;
            stored.map_err(|failure| failure.among(&names(&paths[..place]), &names(&paths[place + 1..]), self.flags.dry_run))?;
        }
        Ok(())
    }

    async fn store_file(
        &self,
        (store, clock): (&dyn Store, &dyn Clock),
        config: &Config,
        path: &Path,
        options: &ImportOptions,
    ) -> Result<(), Failure> {
        let is_stdin = path.as_os_str() == "-";
        let name = name(path);
        let parsed = open(path, is_stdin)
            .and_then(|input| files::read(input, Some(path).filter(|_| !is_stdin), options))
            .map_err(|error| Failure::File { name: name.clone(), error: Box::new(error) })?;
        let report = self.append(store, &name, &parsed, clock.now()).await?;
        if !self.flags.dry_run {
            self.introduce(store, config, parsed.batch.sources()).await?;
        }
        report.write(self.flags.json)?;
        Ok(())
    }

    /// Stores what was read, or with `--dry-run` finds out what that would change.
    async fn append(&self, store: &dyn Store, name: &str, parsed: &Parsed, now: Timestamp) -> Result<ImportReport, Failure> {
        let on_refusal = if self.flags.skip_bad { OnRefusal::Skip } else { OnRefusal::Abort };
        let report = if self.flags.dry_run {
            store.rehearse(&parsed.batch, now, on_refusal).await?
        } else {
            store.append(&parsed.batch, now, on_refusal).await?.report
        };
        let is_nothing_left = report.new + report.revised + report.unchanged == 0;
        if !report.refused.is_empty() && (on_refusal == OnRefusal::Abort || is_nothing_left) {
            return Err(Failure::Refused { name: name.to_owned(), refused: report::refused(&report.refused) });
        }
        Ok(ImportReport::new(name.to_owned(), parsed, &report, self.flags.dry_run))
    }

    /// Records what the flags or the feeds tell of sources; the flags win, and what the store knows stays otherwise.
    async fn introduce(&self, store: &dyn Store, config: &Config, sources: BTreeSet<Source>) -> Result<(), Failure> {
        let known = store.sources().await?;
        let feeds = config.ingest.entries();
        for source in sources {
            let of_feed = || feeds.iter().map(|entry| &entry.feed.profile().info).find(|info| info.source == source);
            let is_known = known.iter().any(|info| info.source == source);
            let told = self.flags.told_of(&source).or_else(|| of_feed().filter(|_| !is_known).cloned());
            if let Some(info) = told {
                store.put_source(&info).await?;
            }
        }
        Ok(())
    }
}

fn list_presets() -> Result<(), Failure> {
    let mut out = io::stdout();
    for preset in &PRESETS {
        writeln!(out, "{:24}{}", preset.name, preset.about)?;
    }
    Ok(())
}

fn name(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() }
}

fn names(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| name(path)).collect()
}

fn open(path: &Path, is_stdin: bool) -> Result<Input<'static>, FileError> {
    if is_stdin {
        return Ok(Input::Stream(Box::new(progress::of_bytes(io::stdin(), None))));
    }
    if path.is_dir() {
        return Err(FileError::Folder);
    }
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    Ok(Input::File(Box::new(progress::of_bytes(file, Some(bytes)))))
}
