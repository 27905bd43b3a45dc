//! Address of a log. Its password is never printed.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

use super::StoreError;

/// Address of a log: `sqlite://path/to/file` or `postgres://user:password@host/database`.
///
/// Displayed and debugged with its password hidden.
#[derive(Clone)]
pub struct StoreUrl {
    text: String,
    pub(super) place: Place,
}

/// Database that an address names.
#[derive(Clone)]
pub(super) enum Place {
    Sqlite(PathBuf),
    Postgres(Box<PgConnectOptions>),
}

impl StoreUrl {
    /// Returns the address of a log in a SQLite file.
    #[must_use]
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { text: format!("sqlite://{}", path.display()), place: Place::Sqlite(path) }
    }
}

impl FromStr for StoreUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |reason: String| StoreError::Address { url: without_password(text), reason };
        match text.split_once("://") {
            Some(("sqlite", path)) => sqlite_path(path).map(Self::sqlite).map_err(|reason| invalid(reason.to_owned())),
            Some(("postgres" | "postgresql", _)) => {
                let options: PgConnectOptions = text.parse().map_err(|e: sqlx::Error| invalid(e.to_string()))?;
                Ok(Self { text: without_password(text), place: Place::Postgres(Box::new(options)) })
            }
            _ => Err(invalid("it must start with sqlite:// or postgres://".to_owned())),
        }
    }
}

fn sqlite_path(path: &str) -> Result<&str, &'static str> {
    if path.starts_with(":memory:") {
        return Err("a database in memory would be a different one for each connection; use a file, or for a short-lived log \
                    one in a temporary folder");
    }
    if path.contains('?') {
        return Err("options after `?` are not supported: the program sets them; remove them");
    }
    if path.is_empty() { Err("the path of the file is missing, as in sqlite://data/market.db") } else { Ok(path) }
}

/// Returns the address with `***` as the password and without options, which may contain one too.
fn without_password(text: &str) -> String {
    let bare = text.split('?').next().unwrap_or_default();
    match url::Url::parse(bare) {
        Ok(mut url) if url.password().is_some() => {
            // Fails only for addresses that cannot have a password.
            let _ = url.set_password(Some("***"));
            url.to_string()
        }
        Ok(_) => bare.to_owned(),
        Err(_) => bare.rsplit_once('@').map_or_else(|| bare.to_owned(), |(_, host)| format!("***@{host}")),
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::memory("sqlite://:memory:", "temporary folder")]
    #[case::no_path("sqlite://", "path of the file is missing")]
    #[case::options("sqlite://a.db?mode=ro", "options after")]
    #[case::another_database("mysql://h/d", "start with sqlite:// or postgres://")]
    #[case::no_scheme("market.db", "start with sqlite:// or postgres://")]
    #[case::bad_port("postgres://u:secret@h:port/d", "port")]
    fn errors_of_invalid_addresses_name_the_reason(#[case] text: &str, #[case] reason: &str) {
        let error = text.parse::<StoreUrl>().unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }

    #[rstest]
    #[case("postgres://u:secret@h:5432/d")]
    #[case("postgresql://u:secret@h/d?sslmode=disable")]
    #[case("postgres://h/d?password=secret")]
    fn the_password_is_never_printed(#[case] text: &str) {
        let url: StoreUrl = text.parse().unwrap();
        assert!(!format!("{url} {url:?}").contains("secret"), "{url}");
    }

    #[test]
    fn a_relative_and_an_absolute_file_are_accepted() {
        for text in ["sqlite://data/market.db", "sqlite:///var/lib/market.db"] {
            assert_eq!(text.parse::<StoreUrl>().unwrap().to_string(), text);
        }
    }
}
