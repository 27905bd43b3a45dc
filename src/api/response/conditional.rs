//! Validators and lifetimes: `ETag`, `If-None-Match`, `Cache-Control`, and the response made of them.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use xxhash_rust::xxh3::Xxh3;

use crate::api::response::cache::CachedResponse;
use crate::api::response::negotiation::Coding;
use crate::domain::{SeriesKey, Timestamp, Version};
use crate::metrics::QueryId;

/// How long an answer at a settled cutoff may be reused, seconds.
const SETTLED_SECONDS: i64 = 86_400;
/// The longest an answer about the present may be reused, seconds.
const LONGEST_SECONDS: i64 = 300;

/// Headers an answer has at most, those that every response gets included.
const HEADERS: usize = 12;

/// A weak validator over anything that decides an answer. It is the same on every node.
#[must_use]
pub(in crate::api) fn etag(parts: &[&[u8]]) -> HeaderValue {
    let mut hash = Xxh3::new();
    for part in parts {
        hash.update(&part.len().to_le_bytes());
        hash.update(part);
    }
    HeaderValue::from_str(&format!("W/\"{:016x}\"", hash.digest())).unwrap_or_else(|_| HeaderValue::from_static("W/\"\""))
}

/// The validator of an answer about the present: the query, how it is `written` (page, format, times), the minute of
/// `as_of` (ages grow) and the commits that last touched what it read.
#[must_use]
pub(in crate::api) fn present_etag(
    query: &QueryId,
    written: &[&str],
    as_of: Timestamp,
    reads: &[(SeriesKey, Version)],
) -> HeaderValue {
    let minute = as_of.floor(60_000).unix_ms().to_le_bytes();
    let reads: Vec<String> = reads.iter().map(|(key, version)| format!("{key} {version}")).collect();
    let written = written.iter().map(|part| part.as_bytes());
    let parts = [query.name().as_bytes(), query.params()].into_iter().chain(written).chain([&minute[..]]);
    etag(&parts.chain(reads.iter().map(String::as_bytes)).collect::<Vec<_>>())
}

/// How long an answer may be reused: until the next row is expected, or long when its cutoff is settled.
#[must_use]
pub(in crate::api) fn cache_control(settled: bool, as_of: Timestamp, next_expected_at: Option<Timestamp>) -> HeaderValue {
    let seconds = if settled {
        SETTLED_SECONDS
    } else {
        next_expected_at.map_or(1, |next| next.ms_since(as_of) / 1_000).clamp(1, LONGEST_SECONDS)
    };
    let text = format!("public, max-age={seconds}, stale-while-revalidate={seconds}");
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("no-cache"))
}

/// The response to a client: 304 when it holds the answer already, else the body in the coding it takes.
#[must_use]
pub(in crate::api) fn respond(kept: &CachedResponse, request: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.reserve(HEADERS);
    headers.insert(header::ETAG, kept.etag.clone());
    headers.insert(header::CACHE_CONTROL, kept.cache_control.clone());
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    if let Some(link) = &kept.link {
        headers.insert(header::LINK, link.clone());
    }
    if holds(request, &kept.etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(header::CONTENT_TYPE, kept.content_type.clone());
    if kept.coding == Coding::Gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    *response.body_mut() = Body::from(kept.body.clone());
    response
}

/// Whether `If-None-Match` names the validator; `*` names any. Weak and strong are not told apart.
pub(in crate::api) fn holds(request: &HeaderMap, etag: &HeaderValue) -> bool {
    if request.get(header::IF_NONE_MATCH) == Some(etag) {
        return true;
    }
    let opaque = |text: &str| text.trim().trim_start_matches("W/").to_owned();
    let Ok(ours) = etag.to_str().map(opaque) else { return false };
    let members = request.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    members.flat_map(|text| text.split(',')).any(|member| member.trim() == "*" || opaque(member) == ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("W/\"a\"", true)]
    #[case("\"a\"", true)]
    #[case("\"b\", W/\"a\"", true)]
    #[case("*", true)]
    #[case("\"b\"", false)]
    #[case("a", false)]
    #[case("", false)]
    fn if_none_match_is_a_list_compared_weakly(#[case] value: &str, #[case] expected: bool) {
        let request = [(header::IF_NONE_MATCH, value.parse().unwrap())].into_iter().collect();
        assert_eq!(holds(&request, &HeaderValue::from_static("W/\"a\"")), expected);
    }

    #[test]
    fn an_answer_lives_until_the_next_row_is_expected() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let noon = at("2026-02-04T12:00:00Z");
        let age = |next: &str| cache_control(false, noon, Some(at(next)));
        assert_eq!(age("2026-02-04T12:01:00Z"), "public, max-age=60, stale-while-revalidate=60");
        assert_eq!(age("2026-02-05"), "public, max-age=300, stale-while-revalidate=300");
        assert_eq!(age("2026-02-04"), "public, max-age=1, stale-while-revalidate=1");
        assert_eq!(cache_control(true, noon, None), "public, max-age=86400, stale-while-revalidate=86400");
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(etag(&[b"ab", b"c"]), etag(&[b"a", b"bc"]));
    }
}
