//! Lists of rows in pages. A cursor carries the whole question (its parameters and its cutoff) and
//! the place where the next page begins, so that pages never shift while data arrive.

use axum::http::HeaderValue;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use url::form_urlencoded;

use crate::api::params::parameter::{Kind, Parameter, count, parsed};
use crate::api::params::reader::ParamReader;
use crate::api::response::render::Links;
use crate::domain::Timestamp;

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

/// One page of a list that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::api) struct Page {
    /// Where it begins; the words of whoever wrote the cursor.
    pub(in crate::api) position: Option<String>,
    /// The most rows on it.
    pub(in crate::api) limit: u32,
    filters: String,
    free: String,
}

/// What a cursor carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::api) struct Cursor {
    /// Where the next page begins.
    pub(in crate::api) position: String,
    /// The parameters of the question in their canonical form, its cutoff included.
    pub(in crate::api) parameters: String,
}

impl Cursor {
    fn encode(&self) -> String {
        let position: String = form_urlencoded::byte_serialize(self.position.as_bytes()).collect();
        BASE64_URL_SAFE_NO_PAD.encode(format!("{position}&{}", self.parameters))
    }

    /// What the text carries; `None` when this service did not write it.
    pub(in crate::api) fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (position, parameters) = text.split_once('&')?;
        let position = form_urlencoded::parse(position.as_bytes()).next()?.0.into_owned();
        let pinned = form_urlencoded::parse(parameters.as_bytes()).any(|(name, _)| name == "as_of");
        pinned.then(|| Self { position, parameters: parameters.to_owned() })
    }
}

impl Page {
    /// Reads a page of a question whose own parameters `read` takes.
    pub(in crate::api) fn read<Q>(
        query: &mut ParamReader,
        default_limit: u32,
        read: impl FnOnce(&mut ParamReader) -> Q,
    ) -> (Q, Self) {
        let position = query.apply_cursor(&CURSOR, &PRESENTATION_PARAMS);
        let question = read(query);
        let filters = query.canonical().to_owned();
        let limit = query.value_or(&LIMIT, default_limit);
        (question, Self { position, limit, filters, free: query.pairs_of(&PRESENTATION_PARAMS) })
    }

    /// The links of this page when the next one begins at `next`.
    pub(in crate::api) fn links(&self, path: &str, as_of: Timestamp, next: Option<String>) -> Links {
        let next = next.map(|position| {
            let pinned = form_urlencoded::Serializer::new(String::new()).append_pair("as_of", &as_of.to_string()).finish();
            let parameters = if self.filters.is_empty() { pinned } else { format!("{pinned}&{}", self.filters) };
            let cursor = Cursor { position, parameters }.encode();
            let free = if self.free.is_empty() { String::new() } else { format!("&{}", self.free) };
            format!("{path}?cursor={cursor}{free}")
        });
        Links { next }
    }

    /// Cuts rows that are all in memory, beginning at the place, which is their number; with the
    /// number of the row the next page begins at.
    pub(in crate::api) fn slice<Row>(&self, rows: Vec<Row>) -> (Vec<Row>, Option<String>) {
        let start = self.position.as_deref().and_then(|position| position.parse().ok()).unwrap_or(0_usize);
        let end = start.saturating_add(usize::try_from(self.limit).unwrap_or(usize::MAX));
        let next = (end < rows.len()).then(|| end.to_string());
        (rows.into_iter().skip(start).take(end - start).collect(), next)
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

    #[test]
    fn a_cursor_is_read_back_as_written_and_nothing_else_is_one() {
        let cursor = Cursor { position: "7 & up".to_owned(), parameters: "as_of=2026-02-04T08%3A00%3A00Z&asset=eth".to_owned() };
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        for text in ["", "!", "MTAw", "é"] {
            assert_eq!(Cursor::decode(text), None, "{text} was accepted");
        }
    }

    #[test]
    fn pages_hold_every_row_once() {
        let page = |position: Option<String>| Page { position, limit: 3, filters: String::new(), free: String::new() };
        let (mut position, mut seen) = (None, vec![]);
        loop {
            let (rows, next) = page(position).slice((0..8).collect());
            seen.extend(rows);
            match next {
                Some(_) => position = next,
                None => break,
            }
        }
        assert_eq!(seen, (0..8).collect::<Vec<_>>());
    }
}
