//! Rules of the project that no compiler checks: names, sizes, paired migrations, and links.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rstest::rstest;

use crate::rust_functions::functions;
use crate::rust_paths::lines_without_tests;
use crate::walls::{files_under, project};

/// Names that do not describe the content of a module.
const EMPTY_NAMES: [&str; 5] = ["common", "helpers", "models", "types", "utils"];

/// Maximum lines of a file of `src`, without its tests.
const MAX_FILE_LINES: usize = 400;

/// Maximum lines of a function of `src`, its signature included.
const MAX_FUNCTION_LINES: usize = 40;

/// Functions of `src` that are longer, by file. Split one before you add one.
const LONG_FUNCTIONS: [(&str, &str); 3] = [
    ("src/ingest/runner.rs", "run_once"),
    ("src/metrics/cross_market/safe_haven.rs", "answer_with"),
    ("src/metrics/liquidations/cascades.rs", "find"),
];

/// Folders whose files the documents name in backticks.
const NAMED_FOLDERS: [&str; 7] = ["benches/", "docs/", "migrations/", "openapi/", "src/", "tests/", ".ci/"];

/// Returns `README.md` and its neighbours, and everything in `docs`.
fn documents() -> Vec<PathBuf> {
    let neighbours = std::fs::read_dir(project()).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = neighbours.filter(|path| path.extension().is_some_and(|it| it == "md")).collect();
    found.extend(files_under(&project().join("docs"), "md"));
    found
}

/// Returns the text without its fenced blocks, in which brackets are code.
fn prose(markdown: &str) -> String {
    markdown.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}

/// Returns the targets of `[text](target)`.
fn links(prose: &str) -> Vec<&str> {
    prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

/// Returns the texts in backticks that are the path of one file or folder of the project.
fn named_files(prose: &str) -> Vec<&str> {
    let quoted = prose.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted
        .filter(|text| NAMED_FOLDERS.iter().any(|folder| text.starts_with(folder)))
        .filter(|text| !text.contains(['<', '*', '{', ' ']))
        .collect()
}

/// Returns the anchor of a heading: lower case, blanks to hyphens, other signs removed.
fn anchor(heading: &str) -> String {
    let lower = heading.trim().to_lowercase();
    lower
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// Returns the fault of one link of the document at `from`.
fn broken(from: &Path, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, section) = target.split_once('#').map_or((target, None), |(file, section)| (file, Some(section)));
    let path = if file.is_empty() { from.to_owned() } else { from.parent()?.join(file) };
    if !path.exists() {
        return Some(format!("{}: {target}: no such file", from.display()));
    }
    let section = section?;
    let text = prose(&std::fs::read_to_string(path).unwrap());
    let found = text.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line.trim_start_matches('#')) == section);
    (!found).then(|| format!("{}: {target}: no such heading", from.display()))
}

/// Returns the names of the files in a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn every_link_of_the_documents_has_a_target() {
    let mut found = Vec::new();
    for document in documents() {
        let text = prose(&std::fs::read_to_string(&document).unwrap());
        found.extend(links(&text).into_iter().filter_map(|target| broken(&document, target)));
        let missing = named_files(&text).into_iter().filter(|file| !project().join(file).exists());
        found.extend(missing.map(|file| format!("{}: `{file}`: no such file", document.display())));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_module_has_an_empty_name() {
    let found: Vec<PathBuf> = ["src", "tests"]
        .iter()
        .flat_map(|folder| files_under(&project().join(folder), "rs"))
        .filter(|path| {
            let place = path.strip_prefix(project()).unwrap().with_extension("");
            place.iter().any(|word| EMPTY_NAMES.iter().any(|name| word == *name))
        })
        .collect();
    assert!(found.is_empty(), "describe the content instead of {EMPTY_NAMES:?}: {found:?}");
}

#[test]
fn no_file_is_too_long() {
    let mut found = Vec::new();
    for path in files_under(&project().join("src"), "rs") {
        let lines = lines_without_tests(&std::fs::read_to_string(&path).unwrap());
        if lines > MAX_FILE_LINES {
            found.push(format!("{}: {lines} lines", path.display()));
        }
    }
    assert!(found.is_empty(), "more than {MAX_FILE_LINES} lines without tests; split them:\n{}", found.join("\n"));
}

#[test]
fn only_the_listed_functions_are_long() {
    let mut found = Vec::new();
    for path in files_under(&project().join("src"), "rs") {
        let file = path.strip_prefix(project()).unwrap().to_string_lossy().into_owned();
        let long = functions(&std::fs::read_to_string(&path).unwrap()).into_iter().filter(|it| it.lines > MAX_FUNCTION_LINES);
        let unlisted = long.filter(|it| !LONG_FUNCTIONS.contains(&(file.as_str(), it.name.as_str())));
        found.extend(unlisted.map(|it| format!("{file}:{}: {} has {} lines", it.line, it.name, it.lines)));
    }
    assert!(found.is_empty(), "functions of more than {MAX_FUNCTION_LINES} lines; split them:\n{}", found.join("\n"));
}

#[test]
fn the_migrations_of_both_engines_are_paired() {
    let migrations = project().join("migrations");
    let sqlite = names(&migrations.join("sqlite"));
    assert_eq!(sqlite, names(&migrations.join("postgres")), "left: sqlite, right: postgres");
    assert!(!sqlite.is_empty(), "no migrations were found");
}

#[rstest]
#[case("see [a](docs/none.md)", "no such file")]
#[case("see [a](#nowhere)", "no such heading")]
#[case("see [a](README.md#nowhere)", "no such heading")]
fn a_broken_link_is_found(#[case] text: &str, #[case] expected: &str) {
    let found: Vec<String> = links(text).into_iter().filter_map(|target| broken(&project().join("README.md"), target)).collect();
    assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
}

#[test]
fn code_blocks_external_links_and_patterns_are_ignored() {
    let text = prose("a\n```\n[x](none.md)\n```\n[b](https://example.org) `src/<room>/mod.rs` `src/lib.rs`\n");
    assert_eq!(links(&text), ["https://example.org"]);
    assert_eq!(named_files(&text), ["src/lib.rs"]);
    assert_eq!(anchor(" Two clocks: why, and how? "), "two-clocks-why-and-how");
}
