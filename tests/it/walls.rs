//! Dependency rules: which room may use which, and which outside crate belongs to which room.
//!
//! The tables below are the rules; `docs/ARCHITECTURE.md` shows them with the reasons.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rstest::rstest;

use crate::rust_paths::{NamedPath, named_paths};

/// The rooms and what each may use of the others: a whole room, or one item of it.
const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("stats", &[]),
    ("store", &["domain"]),
    ("market", &["domain", "stats", "store"]),
    ("metrics", &["domain", "market", "stats"]),
    ("files", &["domain", "store"]),
    ("keys", &["domain"]),
    ("scenario", &["domain"]),
    ("ingest", &["domain", "market::Recorder", "store"]),
    // A push is a file in the body of a request, so the parsers of files read it.
    ("api", &["domain", "files", "keys", "market", "metrics", "store"]),
];

/// The files that wire the rooms. They may use every room and no room may use them.
const WIRING: &[&str] = &["app", "cli", "config", "lib", "main", "telemetry"];

/// Every dependency and where it may be used; `wiring` stands for the files of [`WIRING`].
const CRATES: &[(&str, &[&str])] = &[
    ("arc-swap", &["market"]),
    ("async-trait", &["api", "ingest", "market", "store", "wiring"]),
    ("axum", &["api", "wiring"]),
    ("base64", &["api"]),
    ("bytes", &["files"]),
    ("chrono", &["api", "domain", "files", "ingest", "market", "metrics", "scenario", "store", "wiring"]),
    ("chrono-tz", &["files"]),
    ("clap", &["wiring"]),
    ("csv", &["api", "files", "wiring"]),
    ("encoding_rs_io", &["files"]),
    ("figment", &["scenario", "wiring"]),
    ("flate2", &["api", "files"]),
    ("futures-util", &["api", "ingest", "store", "wiring"]),
    ("getrandom", &["keys"]),
    ("indicatif", &["wiring"]),
    ("moka", &["api"]),
    ("nalgebra", &["stats"]),
    ("parquet", &["files"]),
    ("prometheus-client", &["api", "wiring"]),
    ("reqwest", &["ingest"]),
    ("rustls", &["ingest", "wiring"]),
    ("scraper", &["ingest"]),
    ("serde", &["api", "domain", "files", "ingest", "market", "metrics", "scenario", "store", "wiring"]),
    ("serde_json", &["api", "files", "ingest", "metrics", "store", "wiring"]),
    ("sha2", &["keys"]),
    ("sqlx", &["store"]),
    ("statrs", &["stats"]),
    ("strsim", &["domain"]),
    ("subtle", &["keys"]),
    ("tempfile", &["wiring"]),
    ("thiserror", &["api", "domain", "files", "ingest", "keys", "market", "metrics", "scenario", "stats", "store", "wiring"]),
    ("tokio", &["api", "ingest", "market", "store", "wiring"]),
    ("tokio-tungstenite", &["ingest"]),
    ("tokio-util", &["api", "ingest", "market", "wiring"]),
    ("tracing", &["api", "ingest", "market", "store", "wiring"]),
    ("tracing-subscriber", &["wiring"]),
    ("url", &["api", "ingest", "store", "wiring"]),
    ("utoipa", &["api", "metrics"]),
    ("utoipa-axum", &["api"]),
    ("utoipa-swagger-ui", &["api"]),
    ("uuid", &["api"]),
    ("xxhash-rust", &["api"]),
    ("zip", &["files"]),
];

/// Returns the root of the project.
pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns every file under `folder` whose name ends in `.extension`, in order.
pub(crate) fn files_under(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Returns the module path of a file of `src`: `store/sqlite.rs` is `["store", "sqlite"]`.
fn module_of(file: &str) -> Vec<&str> {
    let mut module: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
    if module.len() > 1 && module.last() == Some(&"mod") {
        module.pop();
    }
    module
}

/// Returns the faults of one file of `src`, as text.
fn offences(file: &str, source: &str) -> Vec<String> {
    let module = module_of(file);
    let room = module[0];
    let place: &[&str] = if ["lib", "main"].contains(&room) { &[] } else { &module };
    if !WIRING.contains(&room) && !ROOMS.iter().any(|(name, _)| *name == room) {
        return vec![format!("{file}: `{room}` is not a room: write it into the tables of this test")];
    }
    named_paths(source, place)
        .iter()
        .filter_map(|path| offence(room, path).map(|why| format!("{file}:{}: {}: {why}", path.line, path.segments.join("::"))))
        .collect()
}

fn offence(room: &str, path: &NamedPath) -> Option<String> {
    if path.segments[0] == "crate" { wall_offence(room, path) } else { crate_offence(room, &path.segments[0]) }
}

/// Checks a path of this crate, named from `room`.
fn wall_offence(room: &str, path: &NamedPath) -> Option<String> {
    let Some(other) = path.segments.get(1) else {
        return path.renamed.then(|| "the crate may not get another name".to_owned());
    };
    if WIRING.contains(&room) || other == room {
        return None;
    }
    if other == "*" {
        return Some("a glob over the crate hides which rooms are used".to_owned());
    }
    let (_, known) = ROOMS.iter().find(|(name, _)| *name == room)?;
    let inside = path.segments[1..].join("::");
    if !known.iter().any(|door| inside == *door || inside.starts_with(&format!("{door}::"))) {
        return Some(format!("{room} may know only {known:?}"));
    }
    path.re_exported.then(|| format!("{room} may not hand on what belongs to {other}"))
}

/// Checks a path of an outside crate, named from `room`.
fn crate_offence(room: &str, name: &str) -> Option<String> {
    let (_, rooms) = CRATES.iter().find(|(dependency, _)| dependency.replace('-', "_") == name)?;
    let place = if WIRING.contains(&room) { "wiring" } else { room };
    (!rooms.contains(&place)).then(|| format!("only {rooms:?} may use it"))
}

#[test]
fn every_room_keeps_to_its_walls() {
    let src = project().join("src");
    let found: Vec<String> = files_under(&src, "rs")
        .iter()
        .flat_map(|path| {
            let file = path.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
            offences(&file, &std::fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(found.is_empty(), "{} paths that break the rules:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_dependency_has_its_rooms_written_down() {
    let manifest: serde_json::Value =
        figment::Figment::from(figment::providers::Data::<figment::providers::Toml>::file_exact(project().join("Cargo.toml")))
            .extract()
            .unwrap();
    let declared: BTreeSet<&str> = manifest["dependencies"].as_object().unwrap().keys().map(String::as_str).collect();
    let written: BTreeSet<&str> = CRATES.iter().map(|(name, _)| *name).collect();
    assert_eq!(declared, written, "left: Cargo.toml, right: the table of this test");
}

#[rstest]
#[case::plain_use("metrics/drawdown.rs", "use crate::store::Store;", "metrics may know only")]
#[case::group("stats/mod.rs", "use crate::{stats::rank, domain::Asset};", "stats may know only")]
#[case::nested_group("domain/asset.rs", "use crate::{domain::{Side, Bar}, market::{view::{A, B}}};", "market::view::A")]
#[case::inline_type("api/mod.rs", "fn f(x: &crate::ingest::Feed) {}", "crate::ingest::Feed")]
#[case::inline_call("ingest/mod.rs", "fn f() { let x = crate::api::problem(3); }", "crate::api::problem")]
#[case::own_name("api/mod.rs", "fn f() { market_stress::ingest::run() }", "crate::ingest::run")]
#[case::upwards("store/sqlite.rs", "use super::super::metrics::Answer;", "crate::metrics::Answer")]
#[case::upwards_from_tests("store/sqlite.rs", "mod tests { use super::super::super::api::X; }", "crate::api::X")]
#[case::macro_body("market/mod.rs", "macro_rules! m { () => { $crate::api::x() } }", "crate::api::x")]
#[case::in_a_macro("market/mod.rs", "fn f() { tracing::info!(a = crate::metrics::NAME); }", "crate::metrics::NAME")]
#[case::quoted("domain/bar.rs", "#[serde(with = \"crate::api::time\")] struct A;", "crate::api::time")]
#[case::wiring("ingest/mod.rs", "use crate::config::Config;", "ingest may know only")]
#[case::one_door_only("ingest/mod.rs", "use crate::market::{Recorder, Market};", "crate::market::Market")]
#[case::glob("files/mod.rs", "use crate::*;", "a glob over the crate")]
#[case::renamed_crate("api/mod.rs", "use crate as house;", "another name")]
#[case::renamed_crate_in_a_group("api/mod.rs", "use crate::{self as house};", "another name")]
#[case::re_exported("market/mod.rs", "pub use crate::store::Store;", "may not hand on")]
#[case::re_exported_within("market/mod.rs", "pub(crate) use crate::store::Store;", "may not hand on")]
#[case::outside_crate("api/mod.rs", "use sqlx::Row;", "only [\"store\"]")]
#[case::outside_crate_whole("metrics/mod.rs", "use sqlx as db;", "only [\"store\"]")]
#[case::outside_crate_in_a_group("market/mod.rs", "use {std::fmt, axum::Router};", "axum::Router")]
#[case::outside_crate_inline("metrics/mod.rs", "fn f() { tokio::spawn(g()); }", "tokio::spawn")]
#[case::outside_crate_absolute("files/mod.rs", "fn f() { ::reqwest::get(1); }", "only [\"ingest\"]")]
#[case::outside_crate_derived("store/row.rs", "#[derive(utoipa::ToSchema)] struct A;", "utoipa::ToSchema")]
#[case::outside_crate_declared("api/mod.rs", "extern crate scraper;", "only [\"ingest\"]")]
#[case::wiring_writes_no_sql("app.rs", "use sqlx::Row;", "only [\"store\"]")]
#[case::unknown_room("utils/mod.rs", "", "not a room")]
fn an_offence_is_found_and_named(#[case] file: &str, #[case] source: &str, #[case] expected: &str) {
    let found = offences(file, source);
    assert_eq!(found.len(), if source.contains("{A, B}") { 2 } else { 1 }, "{found:?}");
    assert!(found[0].contains(expected), "{found:?}");
}

#[rstest]
#[case("metrics/drawdown.rs", "use crate::{domain::Asset, market::MarketView, stats};")]
#[case("ingest/binance/mod.rs", "use crate::market::Recorder; use super::http::Client; use reqwest::Url;")]
#[case("api/mod.rs", "pub use problem::Problem; pub(crate) use self::envelope::Envelope; use axum::Router;")]
#[case("app.rs", "use crate::{api, ingest, store::sqlite}; use axum::serve;")]
#[case("main.rs", "fn main() { market_stress::cli::run(); }")]
#[case("store/mod.rs", "//! See crate::api::X.\n/* use axum::Router; */\nconst A: &str = \"axum::Router\";")]
fn what_is_allowed_is_not_reported(#[case] file: &str, #[case] source: &str) {
    assert_eq!(offences(file, source), Vec::<String>::new());
}
