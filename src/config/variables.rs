use std::path::PathBuf;

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::ConfigError;
use super::error::reject_unknown;

/// Prefix of every variable of this program.
const PREFIX: &str = "MARKET_STRESS_";

/// Name of the provider in figment.
pub(super) const NAME: &str = "environment";

/// Variables that Kubernetes sets in every container next to a service called `market-stress`; not settings.
const NOT_OURS: [&str; 2] = ["MARKET_STRESS_SERVICE_", "MARKET_STRESS_PORT"];

/// Settings found in the environment.
#[derive(Debug)]
pub(super) struct Variables {
    file: Option<PathBuf>,
    settings: Dict,
}

impl Variables {
    /// Selects this program's variables. Text is parsed by the type of the default: text, list, number or switch.
    pub(super) fn new(variables: Vec<(String, String)>, known: &Dict) -> Result<Self, ConfigError> {
        let mut found = Self { file: None, settings: Dict::new() };
        for (name, text) in variables {
            if name == "DATABASE_URL" {
                found.settings.entry("database_url".to_owned()).or_insert_with(|| Value::from(text));
                continue;
            }
            let Some(rest) = name.strip_prefix(PREFIX).filter(|_| !NOT_OURS.iter().any(|other| name.starts_with(other))) else {
                continue;
            };
            let path: Vec<String> = rest.to_ascii_lowercase().split("__").map(str::to_owned).collect();
            if path == ["config"] {
                found.file = Some(PathBuf::from(text));
                continue;
            }
            let value = read(&text, find(known, &path));
            insert(&mut found.settings, &path, value);
            reject_unknown(&found.settings, known, &format!("environment variable {name}"))?;
        }
        Ok(found)
    }

    /// Returns the configuration file named in the environment.
    pub(super) fn file(&self) -> Option<PathBuf> {
        self.file.clone()
    }
}

impl Provider for Variables {
    fn metadata(&self) -> Metadata {
        Metadata::named(NAME)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.settings.clone())]))
    }
}

/// Returns the variable that sets a key.
pub(super) fn name_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

fn find<'a>(known: &'a Dict, path: &[String]) -> Option<&'a Value> {
    let (last, tables) = path.split_last()?;
    let mut dict = known;
    for name in tables {
        dict = dict.get(name)?.as_dict()?;
    }
    dict.get(last)
}

fn read(text: &str, default: Option<&Value>) -> Value {
    match default {
        Some(Value::Array(..)) => {
            Value::from(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect::<Vec<_>>())
        }
        Some(Value::Num(..) | Value::Bool(..)) => text.trim().parse().unwrap_or_else(|never| match never {}),
        _ => Value::from(text),
    }
}

fn insert(dict: &mut Dict, path: &[String], value: Value) {
    match path {
        [] => {}
        [name] => {
            dict.insert(name.clone(), value);
        }
        [name, rest @ ..] => {
            let table = dict.entry(name.clone()).or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, inner) = table {
                insert(inner, rest, value);
            }
        }
    }
}
