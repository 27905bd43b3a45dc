/// Jaro-Winkler similarity above which a name is suggested; 1 is the same name.
const SUGGEST_ABOVE: f64 = 0.7;

/// Returns the known name most similar to `given`; `None` if none is similar enough.
#[must_use]
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let similarity = |name: &str| strsim::jaro_winkler(given, name);
    let similar = known.into_iter().map(|name| (similarity(name), name)).filter(|(similarity, _)| *similarity > SUGGEST_ABOVE);
    similar.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

/// Returns the suggestion as the end of an error text; empty if no known name is similar enough.
#[must_use]
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(given, known).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::slip("windw", "; did you mean `window`?")]
    #[case::nothing_similar("foo", "")]
    #[case::nothing_given("", "")]
    fn only_a_similar_name_is_suggested(#[case] given: &str, #[case] expected: &str) {
        assert_eq!(did_you_mean(given, ["window", "as_of", "180d"]), expected);
    }
}
