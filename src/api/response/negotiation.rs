//! Which representation of an answer a client gets: `format=` first, then `Accept`; gzip where it
//! is accepted.

use axum::http::{HeaderMap, HeaderName, header};

use crate::api::params::parameter::Choice;
use crate::api::params::reader::ParamReader;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::api) enum Format {
    /// One JSON object.
    Json,
    /// RFC 4180 with a header row: the data alone.
    Csv,
    /// One JSON object a line: the rows alone.
    Ndjson,
    /// Words as plain text.
    Text,
    /// Words as markdown.
    Markdown,
}

/// The formats that an endpoint can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum Offer {
    /// Those of a single object.
    Object,
    /// Those of a list of rows.
    Rows,
    /// Those of an answer that is there in words too.
    Words,
}

/// How instants are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::api) enum TimeFormat {
    /// RFC 3339 in UTC.
    Rfc3339,
    /// Milliseconds since 1970.
    UnixMs,
}

/// Content coding of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::api) enum Coding {
    /// As rendered.
    Identity,
    /// gzip.
    Gzip,
}

/// Detail of the `sources` of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::api) enum SourceDetail {
    /// One entry for each source and metric.
    Summary,
    /// One entry for each series.
    Full,
    /// No entry.
    None,
}

/// The representation that was agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::api) struct Representation {
    /// How the answer is written.
    pub format: Format,
    /// How its instants are written.
    pub time_format: TimeFormat,
    /// How much it tells of what it was read from.
    pub sources: SourceDetail,
}

const OBJECT_FORMATS: Choice<Format> = Choice {
    name: "format",
    about: "How the answer is written; wins over the `Accept` header.",
    words: &[("json", Format::Json), ("csv", Format::Csv)],
};

const ROW_FORMATS: Choice<Format> =
    Choice { words: &[("json", Format::Json), ("csv", Format::Csv), ("ndjson", Format::Ndjson)], ..OBJECT_FORMATS };

const WORD_FORMATS: Choice<Format> = Choice {
    words: &[("json", Format::Json), ("csv", Format::Csv), ("text", Format::Text), ("markdown", Format::Markdown)],
    ..OBJECT_FORMATS
};

const TIME_FORMATS: Choice<TimeFormat> = Choice {
    name: "time_format",
    about: "How every instant in the answer is written: RFC 3339, or milliseconds since 1970.",
    words: &[("rfc3339", TimeFormat::Rfc3339), ("unix_ms", TimeFormat::UnixMs)],
};

const SOURCE_DETAILS: Choice<SourceDetail> = Choice {
    name: "sources",
    about: "What the block `sources` of a JSON answer holds: one entry for each source and metric, one for each series, or nothing.",
    words: &[("summary", SourceDetail::Summary), ("full", SourceDetail::Full), ("none", SourceDetail::None)],
};

impl TimeFormat {
    /// The name in a request.
    #[must_use]
    pub(in crate::api) const fn name(self) -> &'static str {
        match self {
            Self::Rfc3339 => "rfc3339",
            Self::UnixMs => "unix_ms",
        }
    }
}

impl SourceDetail {
    /// The name in a request.
    #[must_use]
    pub(in crate::api) const fn name(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Full => "full",
            Self::None => "none",
        }
    }
}

impl Format {
    /// The media type.
    #[must_use]
    pub(in crate::api) const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::Ndjson => "application/x-ndjson",
            Self::Text => "text/plain",
            Self::Markdown => "text/markdown",
        }
    }

    /// The `Content-Type` of an answer.
    #[must_use]
    pub(in crate::api) const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Text => "text/plain; charset=utf-8",
            Self::Markdown => "text/markdown; charset=utf-8",
            other => other.media_type(),
        }
    }
}

impl Offer {
    /// The formats, the preferred one first.
    #[must_use]
    pub(in crate::api) const fn formats(self) -> &'static [Format] {
        match self {
            Self::Object => &[Format::Json, Format::Csv],
            Self::Rows => &[Format::Json, Format::Csv, Format::Ndjson],
            // Who takes any text is told in words.
            Self::Words => &[Format::Json, Format::Text, Format::Markdown, Format::Csv],
        }
    }

    const fn parameter(self) -> &'static Choice<Format> {
        match self {
            Self::Object => &OBJECT_FORMATS,
            Self::Rows => &ROW_FORMATS,
            Self::Words => &WORD_FORMATS,
        }
    }
}

impl Representation {
    /// Agrees on a representation. A client that accepts none of those offered gets JSON.
    pub(in crate::api) fn agree(query: &mut ParamReader, headers: &HeaderMap, offer: Offer) -> Self {
        let asked = query.optional_choice(offer.parameter(), None);
        Self {
            format: asked.unwrap_or_else(|| preferred(headers, offer.formats())),
            time_format: query.choice(&TIME_FORMATS, TimeFormat::Rfc3339),
            sources: query.choice(&SOURCE_DETAILS, SourceDetail::Summary),
        }
    }
}

impl Coding {
    /// The coding of a response to these headers.
    #[must_use]
    pub(in crate::api) fn of(headers: &HeaderMap) -> Self {
        if accepts_gzip(headers) { Self::Gzip } else { Self::Identity }
    }
}

/// Whether the client takes gzip.
#[must_use]
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let quality = |name: &str| qualities(headers, &header::ACCEPT_ENCODING).find(|(coding, _)| coding.eq_ignore_ascii_case(name));
    quality("gzip").or_else(|| quality("*")).is_some_and(|(_, q)| q > 0.0)
}

/// The offered format the client likes best; of equals the first.
fn preferred(headers: &HeaderMap, offered: &[Format]) -> Format {
    let mut best = (Format::Json, 0.0);
    for &format in offered {
        let quality = quality_of(headers, format.media_type());
        if quality > best.1 {
            best = (format, quality);
        }
    }
    best.0
}

/// How much the client likes a media type; the most exact range that covers it decides.
fn quality_of(headers: &HeaderMap, media_type: &str) -> f32 {
    let family = media_type.split('/').next().unwrap_or_default();
    let covering = |range: &str| {
        if range.eq_ignore_ascii_case(media_type) {
            Some(2)
        } else if range.strip_suffix("/*").is_some_and(|prefix| prefix.eq_ignore_ascii_case(family)) {
            Some(1)
        } else {
            (range == "*/*").then_some(0)
        }
    };
    let ranges = qualities(headers, &header::ACCEPT);
    ranges
        .filter_map(|(range, q)| covering(range).map(|exact| (exact, q)))
        .max_by_key(|(exact, _)| *exact)
        .map_or(0.0, |(_, q)| q)
}

/// The members of a header such as `Accept` with their `q` (1 where none is given).
fn qualities<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = (&'a str, f32)> {
    let members = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    members.map(|member| {
        let mut parts = member.split(';').map(str::trim);
        let range = parts.next().unwrap_or_default();
        let q = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        (range, q.map_or(1.0, |text| text.parse().unwrap_or(0.0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        [(name, value.parse().unwrap())].into_iter().collect()
    }

    #[rstest]
    #[case("*/*", Format::Json)]
    #[case("text/csv", Format::Csv)]
    #[case("TEXT/CSV", Format::Csv)]
    #[case("text/*", Format::Csv)]
    #[case("text/html, application/xhtml+xml, */*;q=0.8", Format::Json)]
    #[case("application/json;q=0.5, text/csv", Format::Csv)]
    #[case("application/json;q=0, */*", Format::Csv)]
    #[case("application/x-ndjson", Format::Ndjson)]
    #[case("image/png", Format::Json)]
    #[case("", Format::Json)]
    #[case("text/csv;q=nonsense", Format::Json)]
    fn the_accept_header_is_read_with_its_weights(#[case] accept: &str, #[case] format: Format) {
        assert_eq!(preferred(&headers(header::ACCEPT, accept), Offer::Rows.formats()), format);
    }

    #[rstest]
    #[case("gzip", true)]
    #[case("gzip, deflate, br", true)]
    #[case("br;q=1.0, gzip;q=0.1", true)]
    #[case("gzip;q=0", false)]
    #[case("gzip;q=0, *", false)]
    #[case("*", true)]
    #[case("identity", false)]
    #[case("", false)]
    fn gzip_is_sent_only_where_it_is_accepted(#[case] accept: &str, #[case] expected: bool) {
        assert_eq!(accepts_gzip(&headers(header::ACCEPT_ENCODING, accept)), expected);
    }
}
