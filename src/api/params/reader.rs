//! Reads a query string against the declarations of an endpoint.
//!
//! An endpoint reads its parameters one by one; what it reads is what it declares. The same
//! reading, done on [`ParamReader::for_docs`], lists the parameters for the OpenAPI document.

use std::fmt::Display;

use url::form_urlencoded;
use utoipa::openapi::Required;
use utoipa::openapi::path::{self, ParameterIn};

use crate::api::params::page::{Cursor, PageKey};
use crate::api::params::parameter::{Choice, Kind, Parameter, clip, parsed};
use crate::api::response::problem::{ApiError, ParameterProblem};
use crate::domain::{Asset, Source, did_you_mean};
use crate::metrics::{Length, Moment, Window};

/// The longest value of a parameter, bytes.
const LONGEST_VALUE: usize = 2_048;
/// The longest cursor, bytes: it carries the values of other parameters.
const LONGEST_CURSOR: usize = 16_384;
/// The most parameters one query string may have.
const MOST_PARAMETERS: usize = 64;

/// What a client asks about.
pub(in crate::api) const ASSET: Parameter<Asset> = Parameter {
    name: "asset",
    about: "What to look at: a lower-case symbol such as `btc`, `total` for the whole crypto market, or one of `sp500`, `nasdaq`, `gold`, `silver`, `wti`, `vix`, `dxy`.",
    example: "btc",
    kind: Kind::ASSET,
    read: asset,
};

/// Whose figures to use.
const SOURCE: Parameter<Source> = Parameter {
    name: "source",
    about: "Whose figures to use. Default: the first source in the configured order that is live and covers the question.",
    example: "binance-perp",
    kind: Kind::SOURCE,
    read: parsed,
};

const SINCE: Parameter<Moment> = Parameter {
    name: "since",
    about: "Where the window begins, instead of `window`: RFC 3339, a date, or a length before `as_of` such as `-7d`.",
    example: "2026-01-29",
    kind: Kind::MOMENT,
    read: parsed,
};

const UNTIL: Parameter<Moment> = Parameter {
    name: "until",
    about: "Where the window that begins at `since` ends. Default: `as_of`.",
    example: "2026-02-04",
    kind: Kind::MOMENT,
    read: parsed,
};

const WINDOW: Parameter<Length> = Parameter {
    name: "window",
    about: "How long a window that ends at `as_of` is: `24h`, `30d`, `2w`, `1y` (365 days) or `all`.",
    example: "30d",
    kind: Kind::LENGTH,
    read: parsed,
};

/// A query string while it is being read.
#[derive(Default)]
pub(in crate::api) struct ParamReader {
    given: Vec<(String, String)>,
    known: Vec<&'static str>,
    problems: Vec<ParameterProblem>,
    /// The page that was asked for, where the answer is a list: it is part of what makes two questions the same.
    pub(in crate::api) page: Option<PageKey>,
    sheet: Option<Vec<path::Parameter>>,
}

impl ParamReader {
    /// Takes a query string apart; `path` holds the parameters of the path.
    #[must_use]
    pub(in crate::api) fn new(path: Vec<(String, String)>, raw: Option<&str>) -> Self {
        let mut query = Self { given: path, ..Self::default() };
        for (name, value) in form_urlencoded::parse(raw.unwrap_or_default().as_bytes()).take(MOST_PARAMETERS) {
            if query.given.iter().any(|(known, _)| *known == name) {
                query.reject(&name, "is given more than once: give it once, and lists separated by commas", vec![]);
            } else {
                query.given.push((name.into_owned(), value.into_owned()));
            }
        }
        query
    }

    /// A query nobody sent: reading it lists what is read.
    #[must_use]
    pub(in crate::api) fn for_docs() -> Self {
        Self { sheet: Some(vec![]), ..Self::default() }
    }

    /// What was read, for the OpenAPI document; empty unless the query is [`ParamReader::for_docs`].
    #[must_use]
    pub(in crate::api) fn into_docs(self) -> Vec<path::Parameter> {
        self.sheet.unwrap_or_default()
    }

    /// Reads a parameter that may be left out.
    pub(in crate::api) fn optional<T>(&mut self, parameter: &Parameter<T>) -> Option<T> {
        self.declare(parameter.name, || parameter.document(ParameterIn::Query, None));
        self.read(parameter)
    }

    /// Reads a parameter that must be given; leaving it out is refused.
    pub(in crate::api) fn required<T>(&mut self, parameter: &Parameter<T>) -> Option<T> {
        let found = self.optional(parameter);
        if let Some(declared) = self.sheet.as_mut().and_then(|sheet| sheet.last_mut()) {
            declared.required = Required::True;
        }
        if found.is_none() {
            self.reject(parameter.name, "is needed", vec![]);
        }
        found
    }

    /// Reads a parameter that is `default` when it is left out.
    pub(in crate::api) fn value_or<T: Display>(&mut self, parameter: &Parameter<T>, default: T) -> T {
        self.declare(parameter.name, || parameter.document(ParameterIn::Query, Some(&default.to_string())));
        self.read(parameter).unwrap_or(default)
    }

    /// Reads one of a closed list of words; `default` when it is left out.
    pub(in crate::api) fn choice<T: Copy + PartialEq>(&mut self, choice: &Choice<T>, default: T) -> T {
        self.optional_choice(choice, Some(default)).unwrap_or(default)
    }

    /// Reads one of a closed list of words that may be left out.
    pub(in crate::api) fn optional_choice<T: Copy + PartialEq>(&mut self, choice: &Choice<T>, default: Option<T>) -> Option<T> {
        self.declare(choice.name, || choice.document(default));
        let text = self.text(choice.name)?;
        match choice.read(&text) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.reject(choice.name, &reason, choice.allowed());
                None
            }
        }
    }

    /// Reads a parameter of the path, as it stands there.
    pub(in crate::api) fn path(&mut self, parameter: &Parameter<String>) -> String {
        self.declare(parameter.name, || parameter.document(ParameterIn::Path, None));
        self.text(parameter.name).unwrap_or_default()
    }

    /// Reads the cursor of a list: the parameters it carries count as given. Where one is sent beside it too, it
    /// must be the same.
    pub(in crate::api) fn apply_cursor(&mut self, parameter: &Parameter<String>, list: &str) -> Option<Cursor> {
        self.declare(parameter.name, || parameter.document(ParameterIn::Query, None));
        let text = self.text_up_to(parameter.name, LONGEST_CURSOR)?;
        let Some(cursor) = Cursor::decode(&text).filter(|cursor| cursor.list == list) else {
            self.refuse_cursor(parameter);
            return None;
        };
        for (name, value) in self.pairs_where(|name| cursor.has(name)) {
            if !cursor.agrees(&name, &value) {
                self.reject(&name, "is not what the cursor was given out for: leave it out", vec![]);
            }
        }
        self.given.retain(|(name, _)| !cursor.has(name));
        self.given.extend(cursor.parameters().map(|(name, value)| (name.to_owned(), value.to_owned())));
        Some(cursor)
    }

    /// Refuses a cursor that was not made for this list.
    pub(in crate::api) fn refuse_cursor(&mut self, parameter: &Parameter<String>) {
        self.reject(parameter.name, "is not one that this service gave out for this list: take it from `links.next`", vec![]);
    }

    /// Refuses what was read that the first page did not have, of the parameters that must stay the same.
    pub(in crate::api) fn refuse_beside(&mut self, cursor: &Cursor, is_fixed: impl Fn(&str) -> bool) {
        let known = self.known.clone();
        for (name, _) in self.pairs_where(|name| is_fixed(name) && known.contains(&name) && !cursor.has(name)) {
            self.reject(&name, "was not given for the first page: leave it out, or begin again without the cursor", vec![]);
        }
    }

    /// The parameters that were given under wanted names, by name.
    pub(in crate::api) fn pairs_where(&self, wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
        let mut pairs: Vec<_> = self.given.iter().filter(|(name, _)| wanted(name)).cloned().collect();
        pairs.sort_unstable();
        pairs
    }

    /// Reads `asset`.
    pub(in crate::api) fn asset(&mut self, default: Asset) -> Asset {
        self.value_or(&ASSET, default)
    }

    /// Reads `source`.
    pub(in crate::api) fn source(&mut self) -> Option<Source> {
        self.optional(&SOURCE)
    }

    /// Reads `window` alone, for questions whose span always ends at the cutoff.
    pub(in crate::api) fn length(&mut self, default: Length) -> Window {
        Window::Last(self.value_or(&WINDOW, default))
    }

    /// Reads `window`, or `since` with its `until`. Both at once are refused.
    pub(in crate::api) fn window(&mut self, default: Length) -> Window {
        let both = self.has(WINDOW.name) && (self.has(SINCE.name) || self.has(UNTIL.name));
        let length = self.value_or(&WINDOW, default);
        let since = self.optional(&SINCE);
        let until = self.optional(&UNTIL);
        if both {
            self.reject(WINDOW.name, "cannot be given together with `since` and `until`: give one of the two", vec![]);
        } else if self.has(UNTIL.name) && !self.has(SINCE.name) {
            self.reject(UNTIL.name, "needs a `since` to begin at", vec![]);
        }
        since.map_or(Window::Last(length), |since| Window::Since { since, until })
    }

    /// Ends the reading: the page, if the answer is a list.
    ///
    /// # Errors
    /// [`ApiError::Parameters`] with everything that was refused, parameters nobody reads included.
    pub(in crate::api) fn finish(mut self) -> Result<Option<PageKey>, ApiError> {
        let unknown: Vec<String> =
            self.given.iter().map(|(name, _)| name).filter(|name| !self.known.contains(&name.as_str())).cloned().collect();
        for name in unknown {
            let none = if self.known.is_empty() { ", which takes none" } else { "" };
            let hint = did_you_mean(&clip(&name), self.known.iter().copied());
            let detail = format!("is not a parameter of this path{none}{hint}");
            let allowed = self.known.iter().map(|&known| known.to_owned()).collect();
            self.reject(&name, &detail, allowed);
        }
        if self.problems.is_empty() { Ok(self.page) } else { Err(ApiError::Parameters(self.problems)) }
    }

    /// Refuses a parameter, for a reason that only its place among others gives.
    pub(in crate::api) fn reject(&mut self, parameter: &str, reason: &str, allowed: Vec<String>) {
        let parameter = clip(parameter);
        if !self.problems.iter().any(|problem| problem.parameter == parameter) {
            self.problems.push(ParameterProblem { detail: format!("`{parameter}` {reason}"), parameter, allowed });
        }
    }

    /// Whether anything was given under this name.
    #[must_use]
    pub(in crate::api) fn has(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _)| given == name)
    }

    fn declare(&mut self, name: &'static str, document: impl FnOnce() -> path::Parameter) {
        self.known.push(name);
        if let Some(sheet) = &mut self.sheet {
            sheet.push(document());
        }
    }

    fn read<T>(&mut self, parameter: &Parameter<T>) -> Option<T> {
        let text = self.text(parameter.name)?;
        match parameter.read(&text) {
            Ok(value) => Some(value),
            Err(reason) => {
                let reason = lost_plus(parameter, &text).unwrap_or_else(|| format!("is refused: {reason}"));
                self.reject(parameter.name, &reason, parameter.kind.allowed());
                None
            }
        }
    }

    /// The text given under a name, unless it is empty or absurd.
    fn text(&mut self, name: &str) -> Option<String> {
        self.text_up_to(name, LONGEST_VALUE)
    }

    /// The text given under a name, unless it is empty or longer than so many bytes.
    fn text_up_to(&mut self, name: &str, longest: usize) -> Option<String> {
        let (_, text) = self.given.iter().find(|(given, _)| given == name)?;
        let text = text.clone();
        if text.is_empty() {
            self.reject(name, "is empty: give a value or leave it out", vec![]);
        } else if text.len() > longest {
            self.reject(name, &format!("is longer than {longest} bytes"), vec![]);
        } else {
            return Some(text);
        }
        None
    }
}

/// The reason for a time whose `+` was decoded to a space on its way here.
fn lost_plus<T>(parameter: &Parameter<T>, text: &str) -> Option<String> {
    let meant = text.contains(' ').then(|| text.replace(' ', "+"))?;
    parameter.read(&meant).is_ok().then(|| {
        format!(
            "is refused: a `+` in a query string is decoded to a space; write `{}` or a time in UTC with `Z`",
            meant.replace('+', "%2B")
        )
    })
}

/// Reads symbols separated by commas.
///
/// # Errors
/// What is wrong with the first that is none.
pub(in crate::api) fn assets(text: &str, kind: &Kind) -> Result<Vec<Asset>, String> {
    text.split(',').map(|symbol| asset(symbol, kind)).collect()
}

fn asset(text: &str, kind: &Kind) -> Result<Asset, String> {
    let lower = text.to_lowercase();
    parsed(text, kind).map_err(|reason: String| match lower.parse::<Asset>() {
        Ok(meant) => format!("symbols are lower-case; did you mean `{meant}`?"),
        Err(_) => reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn problems(raw: &str) -> Vec<ParameterProblem> {
        let mut query = ParamReader::new(vec![], Some(raw));
        query.asset(Asset::btc());
        query.source();
        query.window(Length::All);
        match query.finish() {
            Err(ApiError::Parameters(problems)) => problems,
            other => panic!("{raw} gave {other:?}"),
        }
    }

    #[rstest]
    #[case("windw=7d", "windw", "did you mean `window`")]
    #[case("asset=btc&asset=eth", "asset", "more than once")]
    #[case("asset=", "asset", "is empty")]
    #[case("asset=BTC", "asset", "did you mean `btc`")]
    #[case("window=7d&since=2026-01-01", "window", "together")]
    #[case("until=2026-01-01", "until", "needs a `since`")]
    #[case("since=2026-02-30", "since", "not a moment")]
    #[case("since=2026-02-04T10:00:00+02:00", "since", "%2B02:00")]
    #[case("window=0d", "window", "not a window")]
    #[case("=x", "", "not a parameter")]
    fn a_bad_parameter_is_named_with_its_reason(#[case] raw: &str, #[case] parameter: &str, #[case] reason: &str) {
        let problems = problems(raw);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].parameter, parameter);
        assert!(problems[0].detail.contains(reason), "{}", problems[0].detail);
    }

    #[test]
    fn all_bad_parameters_are_named_at_once() {
        let raw = format!("asset=!&source=%FF&since={}&mood=bad", "9".repeat(3_000));
        let named: Vec<String> = problems(&raw).into_iter().map(|problem| problem.parameter).collect();
        assert_eq!(named, ["asset", "source", "since", "mood"]);
    }

    #[test]
    fn what_is_read_is_what_is_declared() {
        let mut query = ParamReader::for_docs();
        query.asset(Asset::btc());
        query.window(Length::All);
        let names: Vec<String> = query.into_docs().into_iter().map(|parameter| parameter.name).collect();
        assert_eq!(names, ["asset", "window", "since", "until"]);
    }
}
