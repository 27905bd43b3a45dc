//! Command line: commands, flags and help.
//!
//! Owns flags, help, reports for people and for programs, and exit codes: 0 for done, 1 for failed,
//! 2 for invalid usage. The work itself is done by the other rooms.

mod backfill;
mod demo;
mod export;
mod failure;
mod feeds;
mod import;
mod keys;
mod openapi;
mod progress;
mod report;
mod serve;
mod settings;
mod sources;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::app;
use crate::domain::Clock;

use failure::Failure;
use settings::Settings;

/// How much stress the crypto market is under, how we know, and what was known when.
#[derive(Debug, Parser)]
#[command(name = "market-stress", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  market-stress demo                               a synthetic market, nothing to set up
  market-stress serve                              stores in ./data/market-stress.db
  DATABASE_URL=postgres://localhost/stress market-stress serve --listen 0.0.0.0:8080
  market-stress import candles btc-binance-perp-30m.csv
  market-stress export candle.btc@binance-perp:30m --since 2026-01-01 > btc.csv
  market-stress backfill --source binance-candles --since 2020-01-01
  market-stress sources check                      which publishers are reachable from your network

Exit codes: 0 done, 1 failed, 2 invalid usage.";

/// Commands of the program.
#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a synthetic scenario from a temporary store: nothing to set up, nothing left behind.
    Demo(demo::Demo),
    /// Collect market data and serve queries over HTTP.
    Serve(serve::Serve),
    /// Store files: all rows of a file or none.
    Import(Box<import::Import>),
    /// Write series or orders as they are stored: every vintage with the instant it was known.
    Export(export::Export),
    /// Back-fill the history of the feeds into the store; resumes where an earlier run stopped.
    Backfill(backfill::Backfill),
    /// Check the feeds.
    #[command(subcommand)]
    Sources(sources::Sources),
    /// Create, list and revoke the API keys for pushing rows over HTTP.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Print the OpenAPI document of the service.
    Openapi,
    /// Check the health of the service on the configured address; for container health checks.
    Health,
}

/// Runs the command given by the arguments of a process, the first of which is its name. `clock` gives the present.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>, clock: Arc<dyn Clock>) -> ExitCode {
    let cli = Cli::parse_from(arguments);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::Runtime);
    match runtime.and_then(|runtime| runtime.block_on(run(cli, clock))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn run(cli: Cli, clock: Arc<dyn Clock>) -> Result<(), Failure> {
    match cli.command {
        Command::Demo(demo) => Box::pin(demo.run(&cli.settings)).await,
        Command::Serve(serve) => serve.run(&cli.settings, clock).await,
        Command::Import(import) => import.run(&cli.settings.load()?, &*clock).await,
        Command::Export(export) => export.run(&cli.settings.load()?).await,
        Command::Backfill(backfill) => backfill.run(&cli.settings.load()?, &clock).await,
        Command::Sources(sources) => sources.run(&cli.settings.load()?, &*clock).await,
        Command::Keys(keys) => keys.run(&cli.settings.load()?, &*clock).await,
        Command::Openapi => openapi::write(),
        Command::Health => {
            let listen = cli.settings.load()?.listen;
            app::probe_livez(listen).await.map_err(|error| Failure::Unhealthy { listen, error })
        }
    }
}
