//! Configuration: defaults, file, environment, flags, in rising order of precedence.
//!
//! The one place that reads the environment. It starts nothing.

mod address;
mod error;
mod variables;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use figment::value::Dict;
use serde::{Deserialize, Serialize};

pub use address::DatabaseUrl;
pub use error::ConfigError;
use variables::Variables;

use crate::domain::Source;
use crate::ingest::IngestConfig;

/// File that is read by default, if it exists.
const DEFAULT_FILE: &str = "market-stress.toml";

/// All settings. A key of the file is the field's name. The environment variable is the same name in
/// capitals after `MARKET_STRESS_`; plain `DATABASE_URL` is read too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Address and port the service listens on.
    pub listen: SocketAddr,
    /// Store: `sqlite://` and a path, or `postgres://` and a server.
    pub database_url: DatabaseUrl,
    /// Format of log lines.
    pub log_format: LogFormat,
    /// Log filter in the syntax of `RUST_LOG`: `info`, or `warn,market_stress=debug`.
    pub log_filter: String,
    /// Order of preference of sources, used if a query does not name one: the first that has data is used.
    pub source_order: Vec<Source>,
    /// Time limit of a query, seconds.
    pub request_timeout_seconds: u64,
    /// Maximum size of a request body, bytes.
    pub body_limit_bytes: u64,
    /// Sustained rate limit of a client address, requests a second; 0 for no limit.
    pub rate_limit_per_second: u32,
    /// Burst limit of a client address, requests.
    pub rate_limit_burst: u32,
    /// Maximum number of rows of one push.
    pub push_rows: usize,
    /// Sustained rate limit of a key, pushes a second; 0 for no limit.
    pub push_rate_limit_per_second: u32,
    /// Burst limit of a key, pushes.
    pub push_rate_limit_burst: u32,
    /// True if the client's address is the last one in `X-Forwarded-For`, as behind a proxy.
    pub behind_proxy: bool,
    /// Maximum number of concurrent requests; more are rejected.
    pub max_in_flight: usize,
    /// Size of the cache of rendered and compressed responses, bytes; 0 for no cache.
    pub cache_bytes: u64,
    /// Time limit for open requests and feeds to finish on shutdown, seconds.
    pub shutdown_grace_seconds: u64,
    /// Feeds. Their keys are in tables of the file, such as `[ingest.binance]`. A variable has two
    /// underscores between table and key: `MARKET_STRESS_INGEST__BINANCE__ENABLED`.
    pub ingest: IngestConfig,
}

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

impl std::str::FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("the log format must be text or json"),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            database_url: DatabaseUrl::new("sqlite://./data/market-stress.db"),
            log_format: LogFormat::Text,
            log_filter: "info".to_owned(),
            source_order: default_source_order(),
            request_timeout_seconds: 10,
            body_limit_bytes: 8 * 1024 * 1024,
            rate_limit_per_second: 200,
            rate_limit_burst: 1000,
            push_rows: 10_000,
            push_rate_limit_per_second: 10,
            push_rate_limit_burst: 50,
            behind_proxy: false,
            max_in_flight: 4096,
            cache_bytes: 64 * 1024 * 1024,
            shutdown_grace_seconds: 10,
            ingest: IngestConfig::default(),
        }
    }
}

/// Sources without a feed that are well known: published files, and what is computed from others.
const IMPORTS: [&str; 3] = ["coinmetrics", "derived", "import"];

/// The sources of the providers by their rank, then imports, then what is made up.
fn default_source_order() -> Vec<Source> {
    let others = IMPORTS.into_iter().chain([crate::scenario::SOURCE]);
    let named = others.filter_map(|name| name.parse().ok());
    crate::ingest::source_order().into_iter().chain(named).collect()
}

/// Allowed values of each key, for error texts. `*` matches any table.
const ALLOWED: [(&str, &str); 42] = [
    ("listen", "an address and port such as 127.0.0.1:8080"),
    ("database_url", "sqlite://./data/market-stress.db or postgres://user:password@host/database"),
    ("log_format", "text or json"),
    ("log_filter", "a level such as info, or levels by module such as warn,market_stress=debug"),
    ("source_order", "source names such as binance-perp; separated by commas in the environment"),
    ("request_timeout_seconds", "a whole number from 1 to 300"),
    ("body_limit_bytes", "a whole number from 1024 to 1073741824"),
    ("rate_limit_per_second", "a whole number; 0 for no limit"),
    ("rate_limit_burst", "a whole number"),
    ("push_rows", "a whole number from 1 to 1000000"),
    ("push_rate_limit_per_second", "a whole number; 0 for no limit"),
    ("push_rate_limit_burst", "a whole number"),
    ("behind_proxy", "true or false"),
    ("max_in_flight", "a whole number from 1"),
    ("cache_bytes", "a whole number; 0 for no cache"),
    ("shutdown_grace_seconds", "a whole number from 0 to 300"),
    ("*.enabled", "true or false"),
    ("*.backfill", "true or false"),
    ("*.backfill_most_days", "a whole number"),
    ("*.request_timeout_seconds", "a whole number"),
    ("*.user_agent", "text"),
    ("*.concurrent_requests", "a whole number"),
    ("*.host_spacing_ms", "a whole number"),
    ("*.rest_url", "an https address"),
    ("*.coin_rest_url", "an https address"),
    ("*.stream_url", "a wss address"),
    ("*.inverse_stream_url", "a wss address"),
    ("*.url", "an https address"),
    ("*.api_key", "a key as the publisher gave it; empty for none"),
    ("*.assets", "assets such as btc; separated by commas in the environment"),
    ("*.coin_assets", "assets such as btc; separated by commas in the environment"),
    ("*.exchanges", "names of venues as the publisher writes them, separated by commas"),
    ("*.coins", "a whole number up to 250"),
    ("*.every_minutes", "a whole number"),
    ("*.options_every_hours", "a whole number"),
    ("*.silent_after_seconds", "a whole number"),
    ("*.history_days", "a whole number"),
    ("*.minute_history_days", "a whole number"),
    ("*.hour_history_days", "a whole number"),
    ("*.day_history_days", "a whole number"),
    ("*.funding_history_days", "a whole number"),
    ("*.liquidation_history_hours", "a whole number"),
];

impl Config {
    /// Loads the configuration: defaults, then the file (`file`, else the one named by
    /// `MARKET_STRESS_CONFIG`, else `./market-stress.toml` if it exists), then `variables`, then `flags`.
    ///
    /// # Errors
    /// [`ConfigError`] for an unreadable file, an unknown key or a value that is not allowed, with its
    /// origin.
    pub fn load(file: Option<&Path>, variables: Vec<(String, String)>, flags: impl Serialize) -> Result<Self, ConfigError> {
        let defaults = Figment::from(Serialized::defaults(Self::default()));
        let known = defaults.extract::<Dict>().map_err(|error| ConfigError::value(&error))?;
        let variables = Variables::new(variables, &known)?;
        let mut figment = defaults;
        if let Some(path) = file.map(Path::to_path_buf).or_else(|| variables.file()).or_else(default_file) {
            let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::File { path: path.clone(), source })?;
            let named = Figment::from(Toml::string(&text));
            let keys: Dict = named.extract().map_err(|error| ConfigError::syntax(&path, &error))?;
            error::reject_unknown(&keys, &known, &path.display().to_string())?;
            figment = figment.merge(Toml::file_exact(path));
        }
        let figment = figment.merge(variables).merge(Serialized::globals(flags));
        let config: Self = figment.extract().map_err(|error| ConfigError::value(&error))?;
        config.check(&figment)?;
        Ok(config)
    }

    /// Returns the time limit of a query.
    #[must_use]
    pub const fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_seconds)
    }

    /// Returns the time limit for open work to finish.
    #[must_use]
    pub const fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace_seconds)
    }

    /// Rejects values that parse but are out of range.
    fn check(&self, figment: &Figment) -> Result<(), ConfigError> {
        let valid = [
            ("log_filter", self.log_filter.parse::<tracing_subscriber::EnvFilter>().is_ok()),
            ("request_timeout_seconds", (1..=300).contains(&self.request_timeout_seconds)),
            ("body_limit_bytes", (1024..=1024 * 1024 * 1024).contains(&self.body_limit_bytes)),
            ("push_rows", (1..=1_000_000).contains(&self.push_rows)),
            ("max_in_flight", self.max_in_flight > 0),
            ("shutdown_grace_seconds", self.shutdown_grace_seconds <= 300),
        ];
        match valid.into_iter().find(|(_, valid)| !valid) {
            Some((key, _)) => Err(ConfigError::out_of_range(key, figment)),
            None => Ok(()),
        }
    }
}

/// Returns the environment variables of the process.
#[must_use]
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .collect()
}

fn default_file() -> Option<PathBuf> {
    let path = PathBuf::from(DEFAULT_FILE);
    path.is_file().then_some(path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;

    use super::*;

    fn load(file: &str, variables: &[(&str, &str)], flags: &serde_json::Value) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, file).unwrap();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let loaded = Config::load(Some(&path), variables, flags);
        loaded.map_err(|error| error.to_string().replace(&path.display().to_string(), "settings.toml"))
    }

    #[test]
    fn flags_beat_the_environment_which_beats_the_file_which_beats_the_defaults() {
        let file = "listen = '127.0.0.1:1'\nlog_format = 'json'\nrequest_timeout_seconds = 7\n";
        let variables = [("MARKET_STRESS_LISTEN", "127.0.0.1:2"), ("MARKET_STRESS_REQUEST_TIMEOUT_SECONDS", "8")];
        let config = load(file, &variables, &serde_json::json!({"listen": "127.0.0.1:3"})).unwrap();
        assert_eq!(config.listen.port(), 3);
        assert_eq!(config.request_timeout_seconds, 8);
        assert_eq!(config.log_format, LogFormat::Json);
        assert_eq!(config.body_limit_bytes, Config::default().body_limit_bytes);
    }

    #[test]
    fn our_own_database_variable_beats_the_common_one() {
        let common = ("DATABASE_URL", "postgres://a/b");
        let own = ("MARKET_STRESS_DATABASE_URL", "postgres://c/d");
        for (variables, expected) in
            [(&[common][..], "postgres://a/b"), (&[common, own], "postgres://c/d"), (&[own, common], "postgres://c/d")]
        {
            assert_eq!(load("", variables, &serde_json::json!({})).unwrap().database_url.expose(), expected);
        }
    }

    #[test]
    fn a_list_is_separated_by_commas_and_digits_may_be_text() {
        let variables = [("MARKET_STRESS_SOURCE_ORDER", "okx, binance"), ("MARKET_STRESS_LOG_FILTER", "0")];
        let config = load("", &variables, &serde_json::json!({})).unwrap();
        assert_eq!(config.source_order.iter().map(Source::as_str).collect::<Vec<_>>(), ["okx", "binance"]);
        assert_eq!(config.log_filter, "0");
    }

    #[rstest]
    #[case::unknown_key("listn = 'x'", &[], "settings.toml: unknown setting `listn`; did you mean `listen`?")]
    #[case::unknown_variable("", &[("MARKET_STRESS_LISTN", "x")], "environment variable MARKET_STRESS_LISTN: unknown setting `listn`; did you mean `listen`?")]
    #[case::wrong_type("behind_proxy = 3", &[], "settings.toml: `behind_proxy` cannot be read: invalid type: found signed int `3`, expected a boolean; allowed: true or false")]
    #[case::no_address("", &[("MARKET_STRESS_LISTEN", "here")], "environment variable MARKET_STRESS_LISTEN: `listen` cannot be read: invalid socket address syntax; allowed: an address and port such as 127.0.0.1:8080")]
    #[case::out_of_range("request_timeout_seconds = 0", &[], "settings.toml: `request_timeout_seconds` cannot be 0; allowed: a whole number from 1 to 300")]
    #[case::no_level("log_filter = 'a=b=c'", &[], "settings.toml: `log_filter` cannot be `a=b=c`; allowed: a level such as info, or levels by module such as warn,market_stress=debug")]
    #[case::in_a_table("[ingest.binance]\nrest_url = 'here'", &[], "settings.toml: `ingest.binance.rest_url` cannot be read: relative URL without a base")]
    #[case::unknown_in_a_table("", &[("MARKET_STRESS_INGEST__BINANCE__ENABLE", "1")], "environment variable MARKET_STRESS_INGEST__BINANCE__ENABLE: unknown setting `ingest.binance.enable`; did you mean `ingest.binance.enabled`?")]
    #[case::no_toml("listen", &[], "the configuration file settings.toml is not TOML")]
    fn errors_name_the_setting_its_origin_and_the_allowed_values(
        #[case] file: &str,
        #[case] variables: &[(&str, &str)],
        #[case] message: &str,
    ) {
        let error = load(file, variables, &serde_json::json!({})).unwrap_err();
        assert!(error.starts_with(message), "{error}");
    }

    #[test]
    fn variables_that_kubernetes_sets_are_ignored() {
        let variables = [("MARKET_STRESS_SERVICE_HOST", "10.0.0.1"), ("MARKET_STRESS_PORT_8080_TCP", "tcp://10.0.0.1:8080")];
        assert_eq!(load("", &variables, &serde_json::json!({})).unwrap(), Config::default());
    }

    #[test]
    fn a_named_file_must_exist() {
        let error = Config::load(Some(Path::new("/nowhere/x.toml")), Vec::new(), ()).unwrap_err().to_string();
        assert!(error.starts_with("the configuration file /nowhere/x.toml cannot be read"), "{error}");
    }

    #[test]
    fn the_example_names_every_setting_with_its_default_and_no_other() {
        let known: Dict = Figment::from(Serialized::defaults(Config::default())).extract().unwrap();
        let settings: BTreeMap<String, String> = error::paths(&known, "")
            .into_iter()
            .map(|key| {
                let value = Figment::from(Serialized::defaults(Config::default())).find_value(&key).unwrap();
                (variables::name_of(&key), shown(&value))
            })
            .collect();
        let example: BTreeMap<String, String> = include_str!("../../.env.example")
            .lines()
            .map(|line| line.trim_start_matches("# "))
            .filter(|line| line.starts_with("MARKET_STRESS_") && *line != "MARKET_STRESS_CONFIG=market-stress.toml")
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        assert_eq!(example, settings);
    }

    #[test]
    fn a_made_up_source_answers_last_and_no_source_of_a_feed_is_forgotten() {
        let order = Config::default().source_order;
        let rank = |name: &str| order.iter().position(|source| source.as_str() == name).unwrap();
        for entry in IngestConfig::default().entries() {
            assert!(order.contains(&entry.feed.profile().info.source), "{}", entry.feed.profile().name);
        }
        for venue in ["binance-perp", "binance-coin", "bybit", "okx-coin", "deribit", "hyperliquid", "kraken-futures", "fred"] {
            assert!(rank(venue) < rank("scenario"), "{venue}");
        }
        for candles in ["binance-perp", "binance-coin-perp", "bybit", "okx", "hyperliquid"] {
            assert!(rank(candles) < rank("coingecko"), "{candles} has candles, CoinGecko samples prices");
        }
        assert_eq!(order.last().unwrap().as_str(), "scenario");
    }

    #[test]
    fn every_setting_says_what_is_allowed() {
        let known: Dict = Figment::from(Serialized::defaults(Config::default())).extract().unwrap();
        for path in error::paths(&known, "") {
            assert_ne!(error::allowed(&path), "see .env.example", "{path}");
        }
    }

    /// Returns a value as an environment variable would contain it.
    fn shown(value: &figment::value::Value) -> String {
        let json = serde_json::to_value(value).unwrap();
        match &json {
            serde_json::Value::Array(items) => items.iter().filter_map(|item| item.as_str()).collect::<Vec<_>>().join(","),
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}
