use std::path::{Path, PathBuf};

use figment::Figment;
use figment::value::{Dict, Value};

use crate::domain::did_you_mean;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {} cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("the configuration file {} is not TOML: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        reason: String,
    },
    /// A key that does not exist.
    #[error("{origin}: there is no setting `{key}`{hint}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it stands.
        origin: String,
        /// The nearest one that exists.
        hint: String,
    },
    /// A value that is not allowed.
    #[error("{origin}: `{key}` {reason}; allowed: {allowed}")]
    Value {
        /// The key.
        key: String,
        /// Where the value stands.
        origin: String,
        /// What is wrong with it.
        reason: String,
        /// What it may be.
        allowed: &'static str,
    },
}

impl ConfigError {
    pub(super) fn syntax(path: &Path, error: &figment::Error) -> Self {
        Self::Syntax { path: path.to_path_buf(), reason: error.kind.to_string() }
    }

    pub(super) fn value(error: &figment::Error) -> Self {
        let key = error.path.join(".");
        let origin = error.metadata.as_ref().map_or_else(|| "configuration".to_owned(), |metadata| origin(metadata, &key));
        Self::Value { allowed: allowed(&key), reason: format!("cannot be read: {}", error.kind), key, origin }
    }

    pub(super) fn out_of_range(key: &str, figment: &Figment) -> Self {
        let origin = figment.find_metadata(key).map_or_else(|| "configuration".to_owned(), |metadata| origin(metadata, key));
        let value = figment.find_value(key).ok().map(|value| words(&value)).unwrap_or_default();
        Self::Value { allowed: allowed(key), reason: format!("cannot be {value}"), key: key.to_owned(), origin }
    }
}

/// Finds the first key that is not among the known ones.
pub(super) fn refuse_unknown(given: &Dict, known: &Dict, origin: &str) -> Result<(), ConfigError> {
    match unknown(given, known, "") {
        Some(key) => {
            let hint = did_you_mean(&key, paths(known, "").iter().map(String::as_str));
            Err(ConfigError::UnknownKey { hint, key, origin: origin.to_owned() })
        }
        None => Ok(()),
    }
}

fn unknown(given: &Dict, known: &Dict, prefix: &str) -> Option<String> {
    given.iter().find_map(|(name, value)| match (value, known.get(name)) {
        (_, None) => Some(format!("{prefix}{name}")),
        (Value::Dict(_, given), Some(Value::Dict(_, known))) => unknown(given, known, &format!("{prefix}{name}.")),
        _ => None,
    })
}

/// All keys, those of tables with their path.
pub(super) fn paths(known: &Dict, prefix: &str) -> Vec<String> {
    known
        .iter()
        .flat_map(|(name, value)| match value {
            Value::Dict(_, inner) if !inner.is_empty() => paths(inner, &format!("{prefix}{name}.")),
            _ => vec![format!("{prefix}{name}")],
        })
        .collect()
}

/// What a key may be: said for the key itself, or for its name in any table.
pub(super) fn allowed(key: &str) -> &'static str {
    let in_a_table = key.rsplit_once('.').map(|(_, name)| format!("*.{name}"));
    let named = |name: &str| name == key || in_a_table.as_deref() == Some(name);
    super::ALLOWED.iter().find(|(name, _)| named(name)).map_or("see .env.example", |(_, allowed)| allowed)
}

fn origin(metadata: &figment::Metadata, key: &str) -> String {
    match metadata.source.as_ref().and_then(|source| source.file_path()) {
        Some(path) => path.display().to_string(),
        None if metadata.name == super::variables::NAME => format!("environment variable {}", super::variables::name_of(key)),
        None => "command line".to_owned(),
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::String(_, text) => format!("`{text}`"),
        Value::Num(_, number) => number.to_i128().map_or_else(String::new, |number| number.to_string()),
        _ => "this".to_owned(),
    }
}
