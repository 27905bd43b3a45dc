//! Short ways for the tests of presets to read a text and to write down what it becomes.

use std::io::Cursor;
use std::path::Path;

use crate::domain::{KnownAtRule, Observation};
use crate::files::{FileError, ImportOptions, Input, Parsed, read};

/// Reads a text under a name.
pub(super) fn read_text(options: &ImportOptions, name: &str, text: &str) -> Result<Parsed, FileError> {
    read(Input::File(Box::new(Cursor::new(text.as_bytes()))), Some(Path::new(name)), options)
}

/// Reads a text that must be good.
pub(super) fn parsed(name: &str, text: &str) -> Parsed {
    read_text(&ImportOptions::default(), name, text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The reason for which a text is refused, with the advice of the command line.
pub(super) fn refusal(name: &str, text: &str) -> String {
    let error = read_text(&ImportOptions::default(), name, text).expect_err("it must be refused");
    format!("{error}{}", error.advice())
}

/// The series of bars and its bars, in words.
pub(super) fn bars(name: &str, text: &str) -> Vec<String> {
    bars_with(&ImportOptions::default(), name, text)
}

/// The same with flags.
pub(super) fn bars_with(options: &ImportOptions, name: &str, text: &str) -> Vec<String> {
    let parsed = read_text(options, name, text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (key, bars) = parsed.batch.candles.first_key_value().expect("bars");
    let words = bars.iter().map(|Observation { observed_at, value, .. }| {
        let volume = value.volume.map_or("none".to_owned(), |volume| volume.to_string());
        format!("{observed_at} {} {} {} {} {volume}", value.open, value.high, value.low, value.close)
    });
    [key.to_string()].into_iter().chain(words).collect()
}

/// The readings of all series, in words.
pub(super) fn readings(name: &str, text: &str) -> Vec<String> {
    readings_with(&ImportOptions::default(), name, text)
}

/// The same with flags.
pub(super) fn readings_with(options: &ImportOptions, name: &str, text: &str) -> Vec<String> {
    let parsed = read_text(options, name, text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let of_series = parsed.batch.readings.iter();
    of_series.flat_map(|(key, rows)| rows.iter().map(move |row| format!("{key} {} {}", row.observed_at, row.value))).collect()
}

/// The instants at which the readings were known, in the order of [`readings`].
pub(super) fn known(name: &str, text: &str) -> Vec<String> {
    let known = |knowledge: KnownAtRule| match knowledge {
        KnownAtRule::AtPublication(at) | KnownAtRule::Vintage(at) => at.to_string(),
        KnownAtRule::OnCommit => "on commit".to_owned(),
    };
    parsed(name, text).batch.readings.values().flatten().map(|row| known(row.knowledge)).collect()
}

/// The forced orders, in words.
pub(super) fn orders(name: &str, text: &str) -> Vec<String> {
    let words = parsed(name, text).batch.orders.into_iter().map(|order| {
        let (side, at) = (order.side.as_str(), order.occurred_at);
        format!(
            "{} {}@{} {side} {at} {} {} {}",
            order.symbol, order.asset, order.source, order.price_usd, order.quantity, order.usd
        )
    });
    words.collect()
}
