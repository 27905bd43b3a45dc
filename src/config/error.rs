use std::path::{Path, PathBuf};

use figment::Figment;
use figment::value::{Dict, Value};

use crate::domain::did_you_mean;

/// Fault of the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {} cannot be read: {source}", path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration file {} is not TOML: {reason}", path.display())]
    Syntax {
        /// Path of the file.
        path: PathBuf,
        /// Message of the parser.
        reason: String,
    },
    /// Unknown key.
    #[error("{origin}: unknown setting `{key}`{hint}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Origin of the key.
        origin: String,
        /// Suggestion of the nearest known key.
        hint: String,
    },
    /// Value that is not allowed.
    #[error("{origin}: `{key}` {reason}; allowed: {allowed}")]
    Value {
        /// The key.
        key: String,
        /// Origin of the value.
        origin: String,
        /// The fault.
        reason: String,
        /// Allowed values.
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
        let value = figment.find_value(key).ok().map(|value| text_of(&value)).unwrap_or_default();
        Self::Value { allowed: allowed(key), reason: format!("cannot be {value}"), key: key.to_owned(), origin }
    }
}

/// Rejects the first key that is not known.
pub(super) fn reject_unknown(given: &Dict, known: &Dict, origin: &str) -> Result<(), ConfigError> {
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

/// Returns all keys, those of tables with their path.
pub(super) fn paths(known: &Dict, prefix: &str) -> Vec<String> {
    known
        .iter()
        .flat_map(|(name, value)| match value {
            Value::Dict(_, inner) if !inner.is_empty() => paths(inner, &format!("{prefix}{name}.")),
            _ => vec![format!("{prefix}{name}")],
        })
        .collect()
}

/// Returns the allowed values of a key, listed under the key itself or under its name in any table.
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

fn text_of(value: &Value) -> String {
    match value {
        Value::String(_, text) => format!("`{text}`"),
        Value::Num(_, number) => number.to_i128().map_or_else(String::new, |number| number.to_string()),
        _ => "this".to_owned(),
    }
}
