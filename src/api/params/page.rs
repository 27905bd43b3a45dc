//! Lists of rows in pages. A cursor carries the whole question (its parameters and its cutoff) and
//! the position of the last row sent, so that pages never shift while data arrive.

use axum::http::HeaderValue;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::api::params::parameter::{Kind, Parameter, count, parsed};
use crate::api::params::reader::ParamReader;
use crate::api::response::problem::ApiError;
use crate::api::response::render::Links;
use crate::domain::Timestamp;
use crate::metrics::Paged;

const CURSOR: Parameter<String> = Parameter {
    name: "cursor",
    about: "Where the page begins: taken from `links.next` of the page before. It carries `as_of` and every filter, which need not be sent again.",
    example: "MTAwJmFzX29mPTIwMjYtMDItMDRUMDg6MDA6MDBa",
    kind: Kind::OPAQUE,
    read: parsed,
};

const LIMIT: Parameter<u32> = Parameter {
    name: "limit",
    about: "The most rows on a page.",
    example: "100",
    kind: Kind::Count { min: 1, max: 10_000 },
    read: count,
};

/// Parameters that say how a page is written: they may change from one page to the next.
const PRESENTATION_PARAMS: [&str; 4] = ["limit", "format", "time_format", "sources"];

/// Whether a parameter decides which rows a list has.
fn is_filter(name: &str) -> bool {
    name != CURSOR.name && !PRESENTATION_PARAMS.contains(&name)
}

/// One page of a list that was asked for. `P` is the position of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::api) struct Page<P> {
    /// The path of the list, without a prefix.
    list: &'static str,
    /// The position of the last row of the page before; none on the first page.
    pub(in crate::api) after: Option<P>,
    key: PageKey,
}

/// What makes two pages of a question the same: everything beside the question that decides their bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::api) struct PageKey {
    /// The position of the last row of the page before, as its cursor has it; none on the first page.
    pub(in crate::api) position: Option<String>,
    /// The most rows on it.
    pub(in crate::api) limit: u32,
    /// The parameters of the first page as they were given; its links carry them on.
    pub(in crate::api) filters: Vec<(String, String)>,
    /// Those that may change; its links repeat them.
    pub(in crate::api) free: Vec<(String, String)>,
}

/// What a cursor carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::api) struct Cursor {
    /// The path of the list, without a prefix.
    pub(in crate::api) list: String,
    /// The position of the last row sent.
    pub(in crate::api) position: String,
    /// The cutoff of the first page.
    pub(in crate::api) as_of: String,
    /// The parameters of the first page as they were given.
    pub(in crate::api) filters: Vec<(String, String)>,
}

impl Cursor {
    fn encode(&self) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.append_pair(&self.list, &self.position).append_pair("as_of", &self.as_of).extend_pairs(&self.filters);
        BASE64_URL_SAFE_NO_PAD.encode(pairs.finish())
    }

    /// What the text carries; `None` when it is no cursor.
    pub(in crate::api) fn decode(text: &str) -> Option<Self> {
        let text = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let mut pairs = form_urlencoded::parse(&text).into_owned();
        let (list, position) = pairs.next()?;
        let (_, as_of) = pairs.next().filter(|(name, _)| name == "as_of")?;
        Some(Self { list, position, as_of, filters: pairs.collect() })
    }

    /// The parameters of the first page, with its cutoff as an instant.
    pub(in crate::api) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let filters = self.filters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        [("as_of", self.as_of.as_str())].into_iter().chain(filters.filter(|(name, _)| *name != "as_of"))
    }

    /// Whether the first page had this parameter, with whatever value.
    pub(in crate::api) fn has(&self, name: &str) -> bool {
        self.parameters().any(|(known, _)| known == name)
    }

    /// Whether the first page had this parameter with this value, in the words of its client or of the cursor.
    pub(in crate::api) fn agrees(&self, name: &str, value: &str) -> bool {
        let given = self.filters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        self.parameters().chain(given).any(|pair| pair == (name, value))
    }
}

impl PageKey {
    /// The key as text, for a validator.
    pub(in crate::api) fn text(&self) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.append_pair("limit", &self.limit.to_string()).extend_pairs(self.position.iter().map(|it| ("after", it)));
        pairs.extend_pairs(&self.filters).extend_pairs(&self.free).finish()
    }
}

impl<P: Serialize + DeserializeOwned> Page<P> {
    /// Reads a page of the list at a path, whose own parameters `read` takes.
    pub(in crate::api) fn read<Q>(
        query: &mut ParamReader,
        list: &'static str,
        default_limit: u32,
        read: impl FnOnce(&mut ParamReader) -> Q,
    ) -> (Q, Self) {
        let cursor = query.apply_cursor(&CURSOR, list);
        let question = read(query);
        let limit = query.value_or(&LIMIT, default_limit);
        if let Some(cursor) = &cursor {
            query.refuse_beside(cursor, is_filter);
        }
        let after = cursor.as_ref().and_then(|cursor| {
            let read = serde_json::from_str(&cursor.position);
            read.inspect_err(|_| query.refuse_cursor(&CURSOR)).ok()
        });
        let (position, filters) = match cursor {
            Some(cursor) => (Some(cursor.position), cursor.filters),
            None => (None, query.pairs_where(is_filter)),
        };
        let key = PageKey { position, limit, filters, free: query.pairs_where(|name| PRESENTATION_PARAMS.contains(&name)) };
        query.page = Some(key.clone());
        (question, Self { list, after, key })
    }

    /// The most rows on the page.
    pub(in crate::api) fn limit(&self) -> u32 {
        self.key.limit
    }

    /// The links of this page; `last` is the position of its last row where more rows follow.
    ///
    /// # Errors
    /// When a position cannot be written as JSON: a fault of its type.
    pub(in crate::api) fn links(&self, path: &str, as_of: Timestamp, last: Option<&P>) -> Result<Links, ApiError> {
        let Some(last) = last else { return Ok(Links { next: None }) };
        let position = serde_json::to_string(last)
            .map_err(|error| ApiError::Internal(format!("a position in {} cannot be written: {error}", self.list)))?;
        let PageKey { filters, free, .. } = &self.key;
        let cursor = Cursor { list: self.list.to_owned(), position, as_of: as_of.to_string(), filters: filters.clone() };
        let mut next = form_urlencoded::Serializer::for_suffix(format!("{path}?"), path.len() + 1);
        let next = next.append_pair(CURSOR.name, &cursor.encode()).extend_pairs(free).finish();
        Ok(Links { next: Some(next) })
    }
}

impl<P: Ord> Page<P> {
    /// The rows of the page, of all rows in the order of their positions; with the position of the last one
    /// where more follow.
    pub(in crate::api) fn slice<Q, Row: Paged<Q, Position = P>>(&self, question: &Q, rows: Vec<Row>) -> (Vec<Row>, Option<P>) {
        debug_assert!(rows.is_sorted_by(|a, b| a.position(question) < b.position(question)), "{} is not in order", self.list);
        let start = self.after.as_ref().map_or(0, |after| rows.partition_point(|row| row.position(question) <= *after));
        let limit = usize::try_from(self.key.limit).unwrap_or(usize::MAX);
        let more = rows.len() - start > limit;
        let rows: Vec<Row> = rows.into_iter().skip(start).take(limit).collect();
        let last = rows.last().filter(|_| more).map(|row| row.position(question));
        (rows, last)
    }
}

impl Links {
    /// The `Link` header; `None` on the last page.
    pub(in crate::api) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&format!("<{}>; rel=\"next\"", self.next.as_ref()?)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number whose tens are its position: 37 is a later vintage of what 31 was.
    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Row(u32);

    impl Paged<()> for Row {
        type Position = u32;

        fn position(&self, (): &()) -> u32 {
            self.0 / 10
        }
    }

    fn page(after: Option<u32>, limit: u32) -> Page<u32> {
        Page { list: "/rows", after, key: PageKey { position: None, limit, filters: vec![], free: vec![] } }
    }

    /// The numbers of a page, and where the next one begins.
    fn slice(after: Option<u32>, limit: u32, rows: &[u32]) -> (Vec<u32>, Option<u32>) {
        let (rows, last) = page(after, limit).slice(&(), rows.iter().copied().map(Row).collect());
        (rows.into_iter().map(|Row(number)| number).collect(), last)
    }

    #[test]
    fn a_cursor_is_read_back_as_written_and_nothing_else_is_one() {
        let filters = vec![("as_of".to_owned(), "-1d".to_owned()), ("asset".to_owned(), "e&h".to_owned())];
        let (list, position) = ("/rows".to_owned(), "[7,\"& up\"]".to_owned());
        let cursor = Cursor { list, position, as_of: "2026-02-04T08:00:00Z".to_owned(), filters };
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        for text in ["", "!", "MTAw", "é", "MTAwJmFzX29mPTIwMjYtMDItMDRUMDg6MDA6MDBa"] {
            assert!(Cursor::decode(text).is_none_or(|cursor| !cursor.list.starts_with('/')), "{text} was accepted");
        }
    }

    #[test]
    fn pages_hold_every_row_once_whatever_their_limits() {
        assert_eq!(slice(None, 2, &[10, 20, 30, 40]), (vec![10, 20], Some(2)));
        assert_eq!(slice(Some(2), 1, &[10, 20, 30, 40]), (vec![30], Some(3)));
        assert_eq!(slice(Some(3), 1, &[10, 20, 30, 40]), (vec![40], None));
        assert_eq!(slice(None, 9, &[]), (vec![], None));
    }

    #[test]
    fn rows_added_revised_or_gone_between_two_pages_shift_nothing() {
        assert_eq!(slice(Some(2), 9, &[1, 10, 20, 30, 50]), (vec![30, 50], None), "one before");
        assert_eq!(slice(Some(2), 9, &[10, 20, 30, 40, 50]), (vec![30, 40, 50], None), "one after");
        assert_eq!(slice(Some(2), 9, &[10, 27, 30, 50]), (vec![30, 50], None), "the last one revised");
        assert_eq!(slice(Some(2), 9, &[10, 30, 50]), (vec![30, 50], None), "the last one gone");
        assert_eq!(slice(Some(5), 9, &[10, 20]), (vec![], None), "nothing left");
    }
}
