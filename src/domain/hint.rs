/// How much alike two names must be for one to be meant by the other (Jaro and Winkler): 1 is the same name.
const LEAST_LIKENESS: f64 = 0.7;

/// The known name that somebody who wrote `given` is most likely to have meant; `None` where none is alike.
#[must_use]
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |name: &str| strsim::jaro_winkler(given, name);
    let alike = known.into_iter().map(|name| (likeness(name), name)).filter(|(likeness, _)| *likeness > LEAST_LIKENESS);
    alike.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

/// The same as the end of an error's sentence; empty where no known name is alike.
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
    #[case::nothing_alike("foo", "")]
    #[case::nothing_given("", "")]
    fn only_a_name_that_is_alike_is_offered(#[case] given: &str, #[case] expected: &str) {
        assert_eq!(did_you_mean(given, ["window", "as_of", "180d"]), expected);
    }
}
