use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, SinkExt, Stream, StreamExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message as Frame};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::client::{Expects, HttpClient, host_of};
use super::error::{FeedError, FetchError, StreamError, excerpt};
use super::feed::{Message, Parsed, Refreshed, Session, StreamedFeed};
use super::host_limiter::BLOCKED_REST;
use super::monitor::Monitor;
use super::poll::record;
use super::runner::Step;
use super::sink::Sink;
use super::stream_gaps::{GapTracker, outage};
use crate::domain::{Clock, RejectedRow};

/// The most time a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest message that is read.
const MESSAGE_LIMIT_BYTES: usize = 8 << 20;
/// The most frames that are recorded in one commit.
const FRAMES_PER_COMMIT: usize = 1_000;
/// The most orders kept in memory while the store is away, about 150 bytes each.
const MOST_PENDING_ORDERS: usize = 100_000;
/// How many refused parts of a subscription the status lists.
const REFUSED_TOLD: usize = 3;

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One streamed feed. A step is one session: it ends when the connection breaks, falls silent or is
/// refused; a session that has grown old is replaced without a pause.
#[derive(Debug)]
pub struct Streamer {
    feed: Arc<dyn StreamedFeed>,
    http: HttpClient,
    sink: Arc<dyn Sink>,
    clock: Arc<dyn Clock>,
    monitor: Monitor,
    pending: Vec<Parsed>,
    retry_at: Option<Instant>,
    gaps: GapTracker,
    /// What the present session leaves out, and why.
    left_out: Option<String>,
    /// What the upstream refused of it.
    refused: Vec<String>,
}

/// A running refresh; the session goes on meanwhile.
type Refresh = BoxFuture<'static, Result<Refreshed, FeedError>>;

#[async_trait]
impl Step for Streamer {
    async fn run_once(&mut self) -> Duration {
        let ended = match self.feed.session(&self.http).await {
            Ok(session) => self.keep(session).await,
            Err(error) => Err(error),
        };
        self.flush().await;
        let silence_ms = match &ended {
            Err(FeedError::Stream(StreamError::Silent { silence, .. })) => i64::try_from(silence.as_millis()).unwrap_or(i64::MAX),
            _ => 0,
        };
        self.gaps.on_disconnected(silence_ms);
        match ended {
            Ok(never) => match never {},
            Err(error) => self.monitor.failed(&error),
        }
    }

    async fn finish(&mut self) {
        if !self.pending.is_empty() {
            self.retry().await;
        }
    }

    fn monitor(&mut self) -> &mut Monitor {
        &mut self.monitor
    }
}

impl Streamer {
    /// A streamer that has not connected yet.
    #[must_use]
    pub fn new(
        feed: Box<dyn StreamedFeed>,
        http: HttpClient,
        sink: Arc<dyn Sink>,
        clock: Arc<dyn Clock>,
        monitor: Monitor,
    ) -> Self {
        let gaps = GapTracker::since(sink.newest_order(&feed.profile().info.source));
        Self {
            feed: Arc::from(feed),
            http,
            sink,
            clock,
            monitor,
            pending: Vec::new(),
            retry_at: None,
            gaps,
            left_out: None,
            refused: Vec::new(),
        }
    }

    /// Keeps a session up until it breaks.
    async fn keep(&mut self, mut session: Session) -> Result<std::convert::Infallible, FeedError> {
        let mut socket = open(&session).await?;
        self.gaps.on_connected(self.clock.now());
        self.begin(&session);
        let mut refresh_at = Instant::now() + session.refresh_every;
        let mut refresh: Option<Refresh> = None;
        let mut renew_at = Instant::now() + session.renew_after;
        let mut silent_at = Instant::now() + session.idle_timeout;
        let mut ping = tokio::time::interval_at(Instant::now() + session.ping_every, session.ping_every);
        loop {
            let retry_at = self.retry_at.unwrap_or(silent_at);
            tokio::select! {
                frame = socket.next() => {
                    self.gaps.on_frame(self.clock.now());
                    if self.take(&mut socket, frame, &session).await? {
                        silent_at = Instant::now() + session.idle_timeout;
                    }
                    self.flush().await;
                }
                () = tokio::time::sleep_until(retry_at), if self.retry_at.is_some() => self.retry().await,
                _ = ping.tick() => send(&mut socket, sign_of_life(&session), &session).await?,
                () = tokio::time::sleep_until(refresh_at), if refresh.is_none() => refresh = Some(self.refresh()),
                learnt = finished(&mut refresh) => {
                    (refresh, refresh_at) = (None, Instant::now() + session.refresh_every);
                    self.subscribe_to(&mut socket, learnt, &session).await?;
                }
                () = tokio::time::sleep_until(renew_at) => {
                    let renewed = self.renew(&mut session, &mut socket).await?;
                    renew_at = Instant::now() + if renewed { session.renew_after } else { session.refresh_every };
                }
                () = tokio::time::sleep_until(silent_at) => {
                    return Err(StreamError::Silent { host: host_of(&session.url), silence: session.idle_timeout }.into());
                }
            }
        }
    }

    /// Tells what a new session leaves out.
    fn begin(&mut self, session: &Session) {
        self.refused.clear();
        self.left_out.clone_from(&session.left_out);
        self.tell_what_lacks();
    }

    /// Replaces a session that has grown old. Returns false where the new one could not be prepared: the old one still speaks.
    async fn renew(&mut self, session: &mut Session, socket: &mut Socket) -> Result<bool, FeedError> {
        match self.feed.session(&self.http).await {
            Ok(new) => *session = new,
            Err(error) => {
                tracing::debug!(feed = self.feed.profile().name, %error, "the session could not be renewed; it goes on");
                return Ok(false);
            }
        }
        // The new session listens before the old one is drained and closed.
        let mut old = std::mem::replace(socket, open(session).await?);
        while let Some(frame) = old.next().now_or_never() {
            if self.take(&mut old, frame, session).await.is_err() {
                break;
            }
        }
        self.begin(session);
        self.flush().await;
        Ok(true)
    }

    fn refresh(&self) -> Refresh {
        let (feed, http) = (Arc::clone(&self.feed), self.http.clone());
        async move { feed.refresh(&http).await }.boxed()
    }

    /// Subscribes to what was listed since. What could not be learnt now is learnt the next time.
    async fn subscribe_to(
        &mut self,
        socket: &mut Socket,
        learnt: Result<Refreshed, FeedError>,
        session: &Session,
    ) -> Result<(), FeedError> {
        match learnt {
            Ok(Refreshed { subscribe, left_out }) => {
                self.left_out = left_out;
                self.tell_what_lacks();
                for text in subscribe {
                    reply(socket, text, session).await?;
                }
            }
            Err(error) => {
                tracing::debug!(feed = self.feed.profile().name, %error, "what was listed since could not be learnt");
            }
        }
        Ok(())
    }

    fn tell_what_lacks(&mut self) {
        let more = self.refused.len().saturating_sub(REFUSED_TOLD);
        let told = self.left_out.iter().chain(self.refused.iter().take(REFUSED_TOLD)).cloned();
        let lacks: Vec<_> = told.chain((more > 0).then(|| format!("and {more} more"))).collect();
        self.monitor.partial((!lacks.is_empty()).then(|| lacks.join("; ")));
    }

    /// Reads a frame and those that have arrived behind it. Returns whether rows came.
    async fn take(&mut self, socket: &mut Socket, first: Received, session: &Session) -> Result<bool, FeedError> {
        let mut on_rows = false;
        for frame in arrived(socket, first) {
            if let Some(text) = text_of(frame, session)? {
                on_rows |= self.understand(socket, &text, session).await?;
            }
        }
        Ok(on_rows)
    }

    async fn understand(&mut self, socket: &mut Socket, text: &str, session: &Session) -> Result<bool, FeedError> {
        match self.feed.read(text) {
            Ok(Message::Rows(parsed)) => {
                self.note_outage();
                self.pending.push(parsed);
                return Ok(true);
            }
            Ok(Message::Control) => {}
            Ok(Message::Reply(text)) => reply(socket, text, session).await?,
            Ok(Message::Narrowed { refused, resend }) => {
                self.refused.extend(refused);
                self.tell_what_lacks();
                for text in resend {
                    reply(socket, text, session).await?;
                }
            }
            Ok(Message::Refused(reason)) => {
                return Err(StreamError::Refused { host: host_of(&session.url), reason }.into());
            }
            Err(error) => {
                let refusal =
                    RejectedRow { subject: "message".to_owned(), observed_at: self.clock.now(), reason: error.to_string() };
                self.monitor.observed(None, &[refusal]);
            }
        }
        Ok(false)
    }

    /// Notes, when rows have come, that some may be missing before.
    fn note_outage(&mut self) {
        if let Some((from, until)) = self.gaps.on_rows()
            && !self.feed.is_filled_in()
        {
            self.pending.push(outage(self.feed.profile(), from, until));
        }
    }

    /// Records what is pending, unless the store failed a moment ago.
    async fn flush(&mut self) {
        if self.retry_at.is_none() && !self.pending.is_empty() {
            self.retry().await;
        }
        self.limit_pending();
    }

    async fn retry(&mut self) {
        let source = self.feed.profile().info.source.clone();
        let merged = Parsed::merge(source, std::mem::take(&mut self.pending));
        // They stay pending until they are recorded: the feed may be told to end while it waits.
        self.pending.push(merged.clone());
        self.retry_at = match record(&*self.sink, &mut self.monitor, merged).await {
            Ok(_) => {
                self.pending.clear();
                self.monitor.succeeded(self.clock.now());
                None
            }
            Err(error) => {
                // The rows wait in memory; the socket is read on, so the upstream sees nothing.
                Some(Instant::now() + self.monitor.failed(&error).min(Duration::from_secs(30)))
            }
        };
    }

    fn limit_pending(&mut self) {
        let pending: usize = self.pending.iter().map(|parsed| parsed.batch.orders.len()).sum();
        if pending > MOST_PENDING_ORDERS
            && let Some(dropped) = self.pending.pop()
        {
            let reason = format!("{} rows dropped: the store is away and memory is full", dropped.batch.len());
            let refusal = RejectedRow { subject: "stream".to_owned(), observed_at: self.clock.now(), reason };
            self.monitor.observed(None, &[refusal]);
        }
    }
}

/// What a refresh came to, once it is there.
async fn finished(refresh: &mut Option<Refresh>) -> Result<Refreshed, FeedError> {
    match refresh {
        Some(refresh) => refresh.await,
        None => std::future::pending().await,
    }
}

pub(super) type Received = Option<Result<Frame, tungstenite::Error>>;

/// A frame and those that have arrived behind it, as many as go into one commit. What is taken out of
/// the stream is handed on: it cannot be put back.
fn arrived(stream: &mut (impl Stream<Item = Result<Frame, tungstenite::Error>> + Unpin), first: Received) -> Vec<Received> {
    let mut frames = vec![first];
    while frames.len() < FRAMES_PER_COMMIT
        && frames.last().is_some_and(Option::is_some)
        && let Some(next) = stream.next().now_or_never()
    {
        frames.push(next);
    }
    frames
}

/// Connects and subscribes.
pub(super) async fn open(session: &Session) -> Result<Socket, FeedError> {
    let config = WebSocketConfig::default().max_message_size(Some(MESSAGE_LIMIT_BYTES));
    let connecting = tokio_tungstenite::connect_async_with_config(session.url.as_str(), Some(config), true);
    let mut socket = match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(Ok((socket, _))) => socket,
        Ok(Err(tungstenite::Error::Http(answer))) => return Err(refused(session, &answer)),
        Ok(Err(error)) => return Err(broken(session, &error)),
        Err(_) => return Err(broken(session, &"no connection in time")),
    };
    for text in &session.subscribe {
        send(&mut socket, Frame::text(text.as_str()), session).await?;
    }
    Ok(socket)
}

/// Sends a text that the upstream asked for.
pub(super) async fn reply(socket: &mut Socket, text: String, session: &Session) -> Result<(), FeedError> {
    send(socket, Frame::text(text), session).await
}

async fn send(socket: &mut Socket, frame: Frame, session: &Session) -> Result<(), FeedError> {
    match tokio::time::timeout(CONNECT_TIMEOUT, socket.send(frame)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(broken(session, &error)),
        Err(_) => Err(broken(session, &"it takes no messages")),
    }
}

/// The text of a frame; protocol frames have none, and the end of the stream is an error.
pub(super) fn text_of(frame: Received, session: &Session) -> Result<Option<String>, FeedError> {
    match frame {
        Some(Ok(Frame::Text(text))) => Ok(Some(text.as_str().to_owned())),
        Some(Ok(Frame::Binary(bytes))) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Some(Ok(Frame::Close(reason))) => {
            let words = reason.map_or_else(|| "closed by the upstream".to_owned(), |frame| format!("closed: {frame}"));
            Err(broken(session, &words))
        }
        Some(Ok(_)) => Ok(None),
        Some(Err(error)) => Err(broken(session, &error)),
        None => Err(broken(session, &"end of stream")),
    }
}

fn sign_of_life(session: &Session) -> Frame {
    session.ping.as_ref().map_or_else(|| Frame::Ping(Vec::new().into()), |text| Frame::text(text.as_str()))
}

/// Why a host answered with a page or a status in place of a stream.
fn refused(session: &Session, answer: &tungstenite::http::Response<Option<Vec<u8>>>) -> FeedError {
    let (status, body) = (answer.status().as_u16(), answer.body().as_deref().unwrap_or_default());
    if Expects::Json.is_blocked(status, "", body) {
        let (host, excerpt) = (host_of(&session.url), excerpt(body));
        return FetchError::Blocked { host, status, excerpt, wait: BLOCKED_REST }.into();
    }
    broken(session, &format!("HTTP {status}"))
}

fn broken(session: &Session, reason: &dyn std::fmt::Display) -> FeedError {
    StreamError::Broken { host: host_of(&session.url), reason: reason.to_string() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_frame_is_lost_between_two_commits() {
        let said: Vec<String> = (0..2 * FRAMES_PER_COMMIT + 7).map(|number| number.to_string()).collect();
        let mut stream = futures_util::stream::iter(said.iter().map(|text| Ok(Frame::text(text.as_str()))));
        let mut heard = Vec::new();
        while let Some(Some(first)) = stream.next().now_or_never() {
            let frames = arrived(&mut stream, Some(first));
            assert!(frames.len() <= FRAMES_PER_COMMIT);
            heard.extend(frames.into_iter().flatten().map(|frame| frame.unwrap().to_text().unwrap().to_owned()));
        }
        assert_eq!(heard, said);
    }

    #[test]
    fn the_end_of_a_stream_is_handed_on_once() {
        let frames = arrived(&mut futures_util::stream::empty(), Some(Ok(Frame::text("last"))));
        assert!(matches!(frames.as_slice(), [Some(Ok(_)), None]), "{frames:?}");
    }
}
