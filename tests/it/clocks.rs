//! No test asks the computer what time it is: read token by token, and the few that may are named.

use std::collections::BTreeSet;

use proc_macro2::TokenTree;
use rstest::rstest;

use crate::rust_paths::{named_paths, test_modules, tokens};
use crate::walls::{files_under, project};

/// Types that know the present instant, or how long ago something was.
const CLOCKS: [&str; 3] = ["Instant", "SystemClock", "SystemTime"];

/// Where tests may name one of them all the same, and why.
const MAY_NAME: [(&str, &str, &str); 5] = [
    ("tests/it/harness/clock.rs", "SystemClock", "a clock of a test's choosing runs in several processes, which share no other"),
    ("tests/it/harness/waiting.rs", "Instant", "a wait has a deadline"),
    ("tests/it/upstream.rs", "Instant", "requests are spaced in real time, and the upstream notes when they come"),
    ("tests/it/real_stress.rs", "Instant", "tells how long an answer about real data took; nothing is compared"),
    (
        "src/ingest/host_limiter.rs",
        "Instant",
        "the gate is told the present as one; only differences matter, and there is no other way to make one",
    ),
];

/// Where tests run the program on the computer's clock, and why no result depends on what that shows.
const MAY_RUN: [(&str, &str); 8] = [
    ("tests/it/backfill.rs", "the past that is read has both its ends given, a year and more ago"),
    ("tests/it/collectors.rs", "two services on one file run no feeds"),
    ("tests/it/import.rs", "files bring their own instants"),
    ("tests/it/keys_command.rs", "a key is good from its making to its end, whenever that is"),
    ("tests/it/real_data.rs", "files bring their own instants, and are asked about on a clock that stands still"),
    ("tests/it/real_files.rs", "files bring their own times, which lie years ago"),
    ("tests/it/service.rs", "no feeds run; what is asked about the present is how a database that is away shows"),
    ("tests/it/sources_check.rs", "nothing is stored, and the answers tried are older than the test"),
];

/// Where the program asks the computer's clock.
const MAY_ASK: [&str; 3] = ["src/domain/clock.rs", "src/domain/mod.rs", "src/main.rs"];

/// The words among some tokens and all that they enclose.
fn words(tokens: &[TokenTree]) -> BTreeSet<String> {
    tokens
        .iter()
        .flat_map(|token| match token {
            TokenTree::Ident(word) => BTreeSet::from([word.to_string()]),
            TokenTree::Group(group) => words(&group.stream().into_iter().collect::<Vec<_>>()),
            _ => BTreeSet::new(),
        })
        .collect()
}

/// The clocks that the tests of a file name.
fn clocks_in(file: &str, source: &str) -> BTreeSet<String> {
    let tokens = tokens(source);
    let tests = if file.starts_with("src/") { test_modules(&tokens) } else { tokens };
    words(&tests).into_iter().filter(|word| CLOCKS.contains(&word.as_str())).collect()
}

/// Whether the tests of a file run the program without a clock of their own.
fn runs_the_program(source: &str) -> bool {
    let starts =
        |segments: &[String]| matches!(segments, [.., kind, make] if kind == "Program" && (make == "new" || make == "on"));
    named_paths(source, &[]).iter().any(|path| starts(&path.segments))
}

/// Every file of a folder of the project, by its path in it, with what it holds.
fn sources(folder: &str) -> impl Iterator<Item = (String, String)> {
    files_under(&project().join(folder), "rs").into_iter().map(|path| {
        let file = path.strip_prefix(project()).unwrap().to_str().unwrap().to_owned();
        (file, std::fs::read_to_string(path).unwrap())
    })
}

#[test]
fn no_test_reads_the_computers_clock_but_those_named() {
    let found: BTreeSet<(String, String)> = sources("src")
        .chain(sources("tests"))
        .flat_map(|(file, source)| clocks_in(&file, &source).into_iter().map(move |clock| (file.clone(), clock)))
        .collect();
    let named = MAY_NAME.iter().map(|(file, clock, _)| ((*file).to_owned(), (*clock).to_owned())).collect();
    assert_eq!(found, named, "left: found, right: the table of this test; take a clock or wait with the harness");
}

#[test]
fn no_test_runs_the_program_on_the_computers_clock_but_those_named() {
    let found: BTreeSet<String> = sources("tests").filter(|(_, source)| runs_the_program(source)).map(|(file, _)| file).collect();
    let named = MAY_RUN.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(found, named, "left: found, right: the table of this test; give the program a clock");
}

#[test]
fn only_main_hands_over_the_computers_clock() {
    let found: Vec<String> =
        sources("src").filter(|(_, source)| words(&tokens(source)).contains("SystemClock")).map(|(file, _)| file).collect();
    assert_eq!(found, MAY_ASK);
}

#[rstest]
#[case::used("tests/it/a.rs", "use market_stress::domain::SystemClock;", &["SystemClock"])]
#[case::in_a_group("tests/it/a.rs", "use std::{time::{Duration, SystemTime as S}};", &["SystemTime"])]
#[case::from_a_glob("tests/it/a.rs", "fn f() { g(SystemClock) }", &["SystemClock"])]
#[case::inline("tests/it/a.rs", "fn f() { tokio::time::Instant::now(); }", &["Instant"])]
#[case::in_a_macro("tests/it/a.rs", "fn f() { assert!(Instant::now() > a); }", &["Instant"])]
#[case::tests_of_src("src/a.rs", "#[cfg(test)]\nmod tests { fn f() { Instant::now(); } }", &["Instant"])]
#[case::src_itself("src/a.rs", "fn f() { Instant::now(); }\n#[cfg(test)]\nmod tests {}", &[])]
#[case::words_alone("tests/it/a.rs", "//! Instant\nfn an_instant() { say(\"SystemClock\") }", &[])]
fn a_clock_is_found(#[case] file: &str, #[case] source: &str, #[case] expected: &[&str]) {
    assert_eq!(clocks_in(file, source), expected.iter().map(ToString::to_string).collect());
}
