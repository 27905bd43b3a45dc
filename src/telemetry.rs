//! Structured logs, set up once by the program's entry.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Starts logging to standard error, in the format and with the filter of the configuration.
/// A second call changes nothing.
pub fn start(config: &Config) {
    let filter = config.log_filter.parse().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    // The only failure is that a subscriber is already set, as in tests; then that one stays.
    let _ = match config.log_format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}
