use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{
    ACCEPT, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, RETRY_AFTER,
};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

use super::error::{FetchError, excerpt};
use super::host_limiter::{HostLimiter, HostPolicy};

/// Parameters that name the subject of a question. None of them is a key.
const SUBJECTS: [&str; 7] = ["symbol", "pair", "instId", "instrument_name", "currency", "series_id", "ids"];
/// How long a host is left alone that throttles without saying for how long.
const DEFAULT_SILENCE: Duration = Duration::from_mins(1);
/// The longest silence an upstream is granted; a wrong header must not stop a feed for good.
const LONGEST_SILENCE: Duration = Duration::from_hours(24);

/// What every request of the feeds has in common.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The most time one request may take, connection and body included.
    pub timeout: Duration,
    /// The most time a connection may take.
    pub connect_timeout: Duration,
    /// What the client calls itself.
    pub user_agent: String,
    /// The most bytes of a body that are read.
    pub body_limit_bytes: usize,
    /// The most requests under way at once, over all hosts.
    pub concurrency: usize,
    /// How hosts are spared.
    pub manners: HostPolicy,
}

/// The one HTTP client of the feeds. Cheap to clone; clones share the limits.
#[derive(Debug, Clone)]
pub struct HttpClient {
    inner: reqwest::Client,
    gate: Arc<HostLimiter>,
    slots: Arc<Semaphore>,
    body_limit_bytes: usize,
    blocked_rest: Duration,
}

/// One question to an upstream.
#[derive(Debug, Clone)]
pub struct Request {
    /// The address with its query.
    pub url: Url,
    /// A JSON body, sent by POST; without one the request is a GET.
    pub body: Option<serde_json::Value>,
    /// A header that carries a key; never logged.
    pub key: Option<(HeaderName, HeaderValue)>,
    /// What the answer has to be.
    pub expects: Expects,
    /// How long the host is left alone after it: what it costs of the host's limit.
    pub pause: Duration,
    /// Whether an answer that was recorded need not be given again: only where nothing of an answer
    /// waits for a later instant, such as a bar that is not over yet.
    pub unless_unchanged: bool,
}

/// What an upstream calls the present state of a document, to be shown to it the next time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validators {
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A body, and what its state is called where the upstream says so.
    Body(Vec<u8>, Option<Validators>),
    /// The document is as it was when the validators were given.
    Unchanged,
}

/// The type of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    /// JSON.
    Json,
    /// A web page.
    Html,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(10),
            user_agent: concat!("market-stress/", env!("CARGO_PKG_VERSION")).to_owned(),
            body_limit_bytes: 16 << 20,
            concurrency: 8,
            manners: HostPolicy::default(),
        }
    }
}

impl Request {
    /// A GET for JSON of `base` joined with `path` and a query.
    ///
    /// # Errors
    /// [`FetchError::Address`] when the two make no URL.
    pub fn get(base: &Url, path: &str, query: &[(&str, String)]) -> Result<Self, FetchError> {
        let mut url = join(base, path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(Self { url, body: None, key: None, expects: Expects::Json, pause: Duration::ZERO, unless_unchanged: false })
    }

    /// A POST of a JSON body to `base` joined with `path`, answered with JSON.
    ///
    /// # Errors
    /// [`FetchError::Address`] when the two make no URL.
    pub fn post(base: &Url, path: &str, body: serde_json::Value) -> Result<Self, FetchError> {
        Ok(Self { body: Some(body), ..Self::get(base, path, &[])? })
    }

    /// The address and the body in one text: equal questions have equal ones. It may hold a key and is
    /// never logged.
    pub(super) fn identity(&self) -> String {
        let body = self.body.as_ref().map(ToString::to_string);
        format!("{} {}", self.url, body.unwrap_or_default())
    }

    /// What the question is about in the upstream's words, where the query or the body names it.
    pub(super) fn subject(&self) -> Option<String> {
        let named = self.url.query_pairs().find(|(name, _)| SUBJECTS.contains(&name.as_ref()));
        let in_body = || {
            let body = self.body.as_ref()?;
            body.pointer("/coin").or_else(|| body.pointer("/req/coin"))?.as_str().map(str::to_owned)
        };
        named.map(|(_, value)| value.into_owned()).or_else(in_body)
    }

    /// What is asked for again and again, each time about another span: the path and the subject.
    pub(super) fn topic(&self) -> String {
        format!("{} {}", self.url.path(), self.subject().unwrap_or_default())
    }

    /// The same request for a body of another type.
    #[must_use]
    pub fn expecting(mut self, expects: Expects) -> Self {
        self.expects = expects;
        self
    }

    /// The same request, which need not be answered while the answer is the one recorded before.
    #[must_use]
    pub fn unless_unchanged(mut self) -> Self {
        self.unless_unchanged = true;
        self
    }

    /// The same request, after which the host is left alone for so long.
    #[must_use]
    pub fn pausing(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// The same request with a key in a header.
    #[must_use]
    pub fn with_key(mut self, header: HeaderName, key: &str) -> Self {
        self.key = HeaderValue::from_str(key).ok().map(|mut value| {
            value.set_sensitive(true);
            (header, value)
        });
        self
    }
}

impl Validators {
    /// What the headers of an answer say; `None` where they say nothing.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let (etag, last_modified) = (headers.get(ETAG).cloned(), headers.get(LAST_MODIFIED).cloned());
        (etag.is_some() || last_modified.is_some()).then_some(Self { etag, last_modified })
    }

    /// The headers of a question that may be answered with "not modified".
    fn conditions(&self) -> HeaderMap {
        let etag = self.etag.clone().map(|etag| (IF_NONE_MATCH, etag));
        let last_modified = self.last_modified.clone().map(|date| (IF_MODIFIED_SINCE, date));
        etag.into_iter().chain(last_modified).collect()
    }
}

impl Expects {
    const fn accept(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Html => "text/html,application/xhtml+xml",
        }
    }

    /// Whether an answer means that the host does not serve this client: 451, a page in place of a refusal, or one in place of
    /// JSON.
    pub(super) fn is_blocked(self, status: u16, content_type: &str, body: &[u8]) -> bool {
        let is_page = !Self::Json.allows(content_type, body);
        match status {
            451 => true,
            403 => is_page,
            200..300 => is_page && self == Self::Json,
            _ => false,
        }
    }

    /// Whether a body of this content type may be read. Some upstreams serve JSON as plain text, so
    /// only what is plainly something else is turned away.
    fn allows(self, content_type: &str, body: &[u8]) -> bool {
        let looks_like_markup = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<');
        match self {
            Self::Json => !content_type.starts_with("text/html") && !looks_like_markup,
            Self::Html => content_type.starts_with("text/html") || looks_like_markup,
        }
    }
}

impl HttpClient {
    /// Builds the client.
    ///
    /// # Errors
    /// [`FetchError::Unreachable`] when the TLS machinery of this computer cannot be set up.
    pub fn new(settings: &HttpSettings) -> Result<Self, FetchError> {
        install_tls_provider();
        let inner = reqwest::Client::builder()
            .timeout(settings.timeout)
            .connect_timeout(settings.connect_timeout)
            .user_agent(&settings.user_agent)
            .gzip(true)
            .build()
            .map_err(|error| FetchError::Unreachable { host: "any host".to_owned(), reason: chain(&error) })?;
        Ok(Self {
            inner,
            gate: Arc::new(HostLimiter::new(settings.manners)),
            slots: Arc::new(Semaphore::new(settings.concurrency.max(1))),
            body_limit_bytes: settings.body_limit_bytes,
            blocked_rest: settings.manners.blocked_rest,
        })
    }

    /// Asks and returns the body of a success.
    ///
    /// # Errors
    /// [`FetchError`] says what went wrong and what becomes of it; the host's limits are kept for
    /// every feed that shares it.
    pub async fn fetch(&self, request: &Request) -> Result<Vec<u8>, FetchError> {
        match self.fetch_unless(request, None).await? {
            Answer::Body(body, _) => Ok(body),
            // Nobody said that an old answer would do.
            Answer::Unchanged => Ok(Vec::new()),
        }
    }

    /// Asks for the body unless the document is still the one that `known` was told of.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub async fn fetch_unless(&self, request: &Request, known: Option<&Validators>) -> Result<Answer, FetchError> {
        let host = host_of(&request.url);
        let wait = self
            .gate
            .enter(&host, request.pause, Instant::now())
            .map_err(|wait| FetchError::HostResting { host: host.clone(), wait })?;
        tokio::time::sleep(wait).await;
        let _slot = self.slots.acquire().await;
        let result = self.send(request, known, &host).await;
        let now = Instant::now();
        match &result {
            // A wrong question is no sign of the health of the host.
            Ok(_) | Err(FetchError::ContentType { .. } | FetchError::TooLarge { .. }) => self.gate.succeeded(&host, now),
            Err(FetchError::Status { status, .. }) if *status < 500 => self.gate.succeeded(&host, now),
            Err(FetchError::Throttled { wait, .. } | FetchError::Blocked { wait, .. }) => self.gate.block_for(&host, *wait, now),
            Err(_) => self.gate.failed(&host, now),
        }
        result
    }

    fn prepared(&self, request: &Request, known: Option<&Validators>) -> reqwest::RequestBuilder {
        let mut builder = match &request.body {
            Some(body) => self.inner.post(request.url.clone()).json(body),
            None => self.inner.get(request.url.clone()),
        };
        builder = builder.header(ACCEPT, request.expects.accept());
        if let Some((name, value)) = &request.key {
            builder = builder.header(name, value);
        }
        match known {
            Some(known) => builder.headers(known.conditions()),
            None => builder,
        }
    }

    async fn send(&self, request: &Request, known: Option<&Validators>, host: &str) -> Result<Answer, FetchError> {
        let answer = self.prepared(request, known).send().await.map_err(|error| network_error(&error, host))?;
        let status = answer.status();
        if let Some(wait) = silence_asked(status.as_u16(), answer.headers().get(RETRY_AFTER)) {
            return Err(FetchError::Throttled { host: host.to_owned(), status: status.as_u16(), wait });
        }
        if status == StatusCode::NOT_MODIFIED && known.is_some() {
            return Ok(Answer::Unchanged);
        }
        let validators = Validators::of(answer.headers());
        let content_type =
            answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
        let body = self.read_body(answer, host).await?;
        if request.expects.is_blocked(status.as_u16(), &content_type, &body) {
            let (status, excerpt) = (status.as_u16(), excerpt(&body));
            return Err(FetchError::Blocked { host: host.to_owned(), status, excerpt, wait: self.blocked_rest });
        }
        if !status.is_success() {
            return Err(FetchError::Status { host: host.to_owned(), status: status.as_u16(), excerpt: excerpt(&body) });
        }
        if !request.expects.allows(&content_type, &body) {
            return Err(FetchError::ContentType {
                host: host.to_owned(),
                expected: request.expects.accept(),
                got: if content_type.is_empty() { "an unnamed type".to_owned() } else { content_type },
                excerpt: excerpt(&body),
            });
        }
        Ok(Answer::Body(body, validators))
    }

    async fn read_body(&self, mut answer: reqwest::Response, host: &str) -> Result<Vec<u8>, FetchError> {
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| network_error(&error, host))? {
            if body.len() + chunk.len() > self.body_limit_bytes {
                return Err(FetchError::TooLarge { host: host.to_owned(), limit_bytes: self.body_limit_bytes });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// The host and port an address names, as errors and limits name it.
pub(crate) fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => url.to_string(),
    }
}

/// `base` with `path` after it, whether or not the base ends in a slash.
///
/// # Errors
/// [`FetchError::Address`] when the two make no URL.
pub(crate) fn join(base: &Url, path: &str) -> Result<Url, FetchError> {
    let text = format!("{}/{}", base.as_str().trim_end_matches('/'), path.trim_start_matches('/'));
    Url::parse(&text).map_err(|error| FetchError::Address { address: text, reason: error.to_string() })
}

/// Chooses ring for every TLS connection of the process; the first choice stays.
pub(crate) fn install_tls_provider() {
    // An error means that one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn silence_asked(status: u16, retry_after: Option<&HeaderValue>) -> Option<Duration> {
    let header = retry_after.and_then(|value| value.to_str().ok()).and_then(|text| text.trim().parse().ok());
    match (status, header.map(Duration::from_secs)) {
        (418 | 429, wait) => Some(wait.unwrap_or(DEFAULT_SILENCE).min(LONGEST_SILENCE)),
        (503, Some(wait)) => Some(wait.min(LONGEST_SILENCE)),
        _ => None,
    }
}

fn network_error(error: &reqwest::Error, host: &str) -> FetchError {
    if error.is_timeout() {
        FetchError::Timeout { host: host.to_owned() }
    } else {
        FetchError::Unreachable { host: host.to_owned(), reason: chain(error) }
    }
}

/// The innermost reason of an error: reqwest's own text repeats the address, which may hold a key.
fn chain(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(429, Some("7"), Some(7))]
    #[case(418, Some("120"), Some(120))]
    #[case(429, None, Some(60))]
    #[case(429, Some("soon"), Some(60))]
    #[case(418, Some("999999999"), Some(86_400))]
    #[case(503, Some("5"), Some(5))]
    #[case(503, None, None)]
    #[case(200, Some("5"), None)]
    fn silence_is_granted_as_asked(#[case] status: u16, #[case] header: Option<&str>, #[case] seconds: Option<u64>) {
        let header = header.map(|text| HeaderValue::from_str(text).unwrap());
        assert_eq!(silence_asked(status, header.as_ref()), seconds.map(Duration::from_secs));
    }

    #[rstest]
    #[case(Expects::Json, "application/json", b"{}", true)]
    #[case(Expects::Json, "text/plain", b"[1]", true)]
    #[case(Expects::Json, "", b"[1]", true)]
    #[case(Expects::Json, "text/html", b"{}", false)]
    #[case(Expects::Json, "application/json", b" <html>", false)]
    #[case(Expects::Html, "text/html; charset=utf-8", b"<html>", true)]
    #[case(Expects::Html, "application/json", b"{}", false)]
    fn only_a_body_that_is_plainly_something_else_is_turned_away(
        #[case] expects: Expects,
        #[case] content_type: &str,
        #[case] body: &[u8],
        #[case] allowed: bool,
    ) {
        assert_eq!(expects.allows(content_type, body), allowed);
    }

    #[rstest]
    #[case::country(Expects::Json, 451, "application/json", b"{}", true)]
    #[case::page(Expects::Json, 403, "text/html", b"<html>", true)]
    #[case::challenge(Expects::Html, 403, "text/html", b"<html>", true)]
    #[case::page_for_json(Expects::Json, 200, "text/html", b"<html>", true)]
    #[case::page_as_wanted(Expects::Html, 200, "text/html", b"<html>", false)]
    #[case::key(Expects::Json, 403, "application/json", b"{}", false)]
    #[case::gone(Expects::Json, 404, "text/html", b"<html>", false)]
    fn a_block_is_told_from_a_refusal(
        #[case] expects: Expects,
        #[case] status: u16,
        #[case] content_type: &str,
        #[case] body: &[u8],
        #[case] blocked: bool,
    ) {
        assert_eq!(expects.is_blocked(status, content_type, body), blocked);
    }

    #[test]
    fn a_base_address_keeps_its_path() {
        for base in ["https://example.org/api/v3", "https://example.org/api/v3/"] {
            let request = Request::get(&base.parse().unwrap(), "/global", &[("a", "b c".to_owned())]).unwrap();
            assert_eq!(request.url.as_str(), "https://example.org/api/v3/global?a=b+c");
        }
    }
}
