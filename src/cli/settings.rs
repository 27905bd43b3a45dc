use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::Failure;
use crate::config::{self, Config, LogFormat};
use crate::telemetry;

/// Settings common to all commands; they take precedence over the environment and the file.
#[derive(Debug, Args, Serialize)]
pub(super) struct Settings {
    /// Read settings from this TOML file instead of ./market-stress.toml.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Settings")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// Address of the store: `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`.
    #[arg(long, global = true, value_name = "URL", help_heading = "Settings")]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
    /// Format of log lines: text or json.
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "Settings")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log_format: Option<LogFormat>,
    /// Log filter: a level, or levels by module such as `warn,market_stress=debug`.
    #[arg(long, global = true, value_name = "FILTER", help_heading = "Settings")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log_filter: Option<String>,
}

/// Settings common to all commands and those of one.
#[derive(Debug, Serialize)]
struct Flags<'a, T> {
    #[serde(flatten)]
    common: &'a Settings,
    #[serde(flatten)]
    own: &'a T,
}

impl Settings {
    /// Loads the configuration and starts logging.
    pub(super) fn load(&self) -> Result<Config, Failure> {
        self.load_with(&serde_json::Map::new())
    }

    /// Loads the configuration with the settings of one command and starts logging.
    pub(super) fn load_with<T: Serialize>(&self, own: &T) -> Result<Config, Failure> {
        let config = Config::load(self.config.as_deref(), config::environment(), Flags { common: self, own })?;
        telemetry::start(&config);
        Ok(config)
    }
}
