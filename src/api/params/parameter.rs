//! What a parameter is: one declaration from which it is read, refused and documented.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::Value;
use utoipa::openapi::path::{self, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, Required, SchemaFormat};

use crate::domain::did_you_mean;

/// A parameter that reads as a `T`.
#[derive(Debug)]
pub(in crate::api) struct Parameter<T> {
    /// Its name.
    pub name: &'static str,
    /// What it means, in a sentence.
    pub about: &'static str,
    /// A value it may have.
    pub example: &'static str,
    /// Which texts it takes.
    pub kind: Kind,
    /// Reads it; an error says what is wrong with the text.
    pub read: fn(&str, &Kind) -> Result<T, String>,
}

/// Which texts a parameter takes, where they are no closed list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::api) enum Kind {
    /// Text of a form, which a regular expression describes to readers of the document.
    Text(&'static str),
    /// A number between two bounds, both included.
    Number {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// A whole number between two bounds, both included.
    Count {
        /// The least.
        min: u32,
        /// The greatest.
        max: u32,
    },
    /// Texts separated by commas.
    List,
}

impl Kind {
    /// An instant, a date, or a length before another instant.
    pub(in crate::api) const MOMENT: Self = Self::Text(concat!(
        r"^(-[1-9][0-9]{0,4}[mhdwy]|[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        r"(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2}))?)$"
    ));
    /// A length of time.
    pub(in crate::api) const LENGTH: Self = Self::Text("^(all|[1-9][0-9]{0,2}[mhdwy])$");
    /// The length of a bar.
    pub(in crate::api) const PERIOD: Self = Self::Text("^[1-9][0-9]{0,2}[mhdw]$");
    /// A symbol.
    pub(in crate::api) const ASSET: Self = Self::Text("^[a-z0-9_]{1,20}$");
    /// The name of a source.
    pub(in crate::api) const SOURCE: Self = Self::Text("^[a-z0-9_-]{1,40}$");
    /// The key of a series.
    pub(in crate::api) const SERIES_KEY: Self =
        Self::Text("^[a-z0-9_]+\\.[a-z0-9_]{1,20}(\\.[A-Za-z0-9_-]{1,40})?@[a-z0-9_-]{1,40}(:[1-9][0-9]{0,2}[mhdw])?$");
    /// Letters that mean something to the service alone.
    pub(in crate::api) const OPAQUE: Self = Self::Text("^[A-Za-z0-9_-]+$");
}

/// A parameter that is one of a closed list of words, each standing for a `T`.
#[derive(Debug)]
pub(in crate::api) struct Choice<T: 'static> {
    /// Its name.
    pub name: &'static str,
    /// What it means, in a sentence.
    pub about: &'static str,
    /// The words and what they stand for; the first is the example.
    pub words: &'static [(&'static str, T)],
}

impl<T> Parameter<T> {
    /// Reads a text that was given.
    ///
    /// # Errors
    /// What is wrong with the text, for the person who sent it.
    pub(in crate::api) fn read(&self, text: &str) -> Result<T, String> {
        (self.read)(text, &self.kind)
    }

    /// The parameter as the OpenAPI document shows it; one of the path has no default.
    #[must_use]
    pub(in crate::api) fn document(&self, place: ParameterIn, default: Option<&str>) -> path::Parameter {
        let required = if place == ParameterIn::Path { Required::True } else { Required::False };
        ParameterBuilder::new()
            .name(self.name)
            .parameter_in(place)
            .required(required)
            .description(Some(self.about))
            .schema(Some(self.kind.schema(default)))
            .example(Some(self.kind.example(self.example)))
            .explode((self.kind == Kind::List).then_some(false))
            .build()
    }
}

impl<T: Copy + PartialEq> Choice<T> {
    /// What a word stands for.
    ///
    /// # Errors
    /// Names the word that is like it, where one is.
    pub(in crate::api) fn read(&self, text: &str) -> Result<T, String> {
        let found = self.words.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let text = clip(text);
            let words: Vec<&str> = self.words.iter().map(|(word, _)| *word).collect();
            format!("`{text}` is not one of {}{}", words.join(", "), did_you_mean(&text, words.iter().copied()))
        })
    }

    /// The words, in their order.
    #[must_use]
    pub(in crate::api) fn allowed(&self) -> Vec<String> {
        self.words.iter().map(|(word, _)| (*word).to_owned()).collect()
    }

    /// The parameter as the OpenAPI document shows it.
    #[must_use]
    pub(in crate::api) fn document(&self, default: Option<T>) -> path::Parameter {
        let default = default.and_then(|value| self.words.iter().find(|(_, other)| *other == value));
        let words = self.words.iter().map(|(word, _)| *word);
        let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
        ParameterBuilder::new()
            .name(self.name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(self.about))
            .schema(Some(schema.default(default.map(|(word, _)| Value::from(*word)))))
            .build()
    }
}

impl Kind {
    /// What may be given, where that is a short list.
    #[must_use]
    pub(in crate::api) fn allowed(&self) -> Vec<String> {
        match self {
            Self::Number { min, max } => vec![format!("{min} to {max}")],
            Self::Count { min, max } => vec![format!("{min} to {max}")],
            Self::Text(_) | Self::List => vec![],
        }
    }

    fn example(&self, text: &str) -> Value {
        match self {
            Self::Number { .. } | Self::Count { .. } => text.parse::<serde_json::Number>().map_or(Value::Null, Value::Number),
            Self::List => text.split(',').collect(),
            Self::Text(_) => text.into(),
        }
    }

    fn schema(&self, default: Option<&str>) -> Schema {
        let object = ObjectBuilder::new().default(default.map(|text| self.example(text)));
        match self {
            Self::Text(pattern) => object.schema_type(Type::String).pattern(Some(*pattern)).into(),
            Self::Number { min, max } => object
                .schema_type(Type::Number)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Double)))
                .minimum(Some(*min))
                .maximum(Some(*max))
                .into(),
            Self::Count { min, max } => {
                object.schema_type(Type::Integer).minimum(Some(f64::from(*min))).maximum(Some(f64::from(*max))).into()
            }
            Self::List => ArrayBuilder::new().items(ObjectBuilder::new().schema_type(Type::String)).into(),
        }
    }
}

/// Reads what reads itself.
///
/// # Errors
/// The type's own words.
pub(in crate::api) fn parsed<T: FromStr<Err: Display>>(text: &str, _: &Kind) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| clip(&error.to_string()))
}

/// Reads a list of things that read themselves, separated by commas.
///
/// # Errors
/// The type's own words about the first that does not.
pub(in crate::api) fn list<T: FromStr<Err: Display>>(text: &str, kind: &Kind) -> Result<Vec<T>, String> {
    text.split(',').map(|word| parsed(word, kind)).collect()
}

/// Reads a number within the bounds of its kind.
///
/// # Errors
/// Says which numbers are taken.
pub(in crate::api) fn number(text: &str, kind: &Kind) -> Result<f64, String> {
    let Kind::Number { min, max } = *kind else { return Err("a number is not taken here".to_owned()) };
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'e' | b'E'));
    match text.parse::<f64>() {
        Ok(value) if plain && (min..=max).contains(&value) => Ok(value),
        _ => Err(format!("`{}` is not a number from {min} to {max}", clip(text))),
    }
}

/// Reads a whole number within the bounds of its kind.
///
/// # Errors
/// Says which numbers are taken.
pub(in crate::api) fn count(text: &str, kind: &Kind) -> Result<u32, String> {
    let Kind::Count { min, max } = *kind else { return Err("a whole number is not taken here".to_owned()) };
    match text.parse::<u32>() {
        Ok(value) if !text.starts_with('+') && (min..=max).contains(&value) => Ok(value),
        _ => Err(format!("`{}` is not a whole number from {min} to {max}", clip(text))),
    }
}

/// A text short enough to repeat in an error.
#[must_use]
pub(in crate::api) fn clip(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("NaN")]
    #[case("inf")]
    #[case("1e400")]
    #[case("-1")]
    #[case("101")]
    #[case("5 ")]
    #[case("+5")]
    fn numbers_outside_of_the_bounds_are_refused(#[case] text: &str) {
        assert!(number(text, &Kind::Number { min: 0.0, max: 100.0 }).is_err(), "{text} was accepted");
        assert!(count(text, &Kind::Count { min: 0, max: 100 }).is_err(), "{text} was accepted");
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        assert_eq!(clip(&"é".repeat(300)).chars().count(), 203);
        assert_eq!(clip("short"), "short");
    }
}
