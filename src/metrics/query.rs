//! What a query is: parameters that are its identity, an answer type, and one function between the two.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::StatusBoard;
use crate::market::MarketView;
use crate::metrics::{Answer, Caches, QueryError, SourceOrder};

/// One kind of query. A type that implements it has no values: the value of a query is its [`Query::Params`].
pub trait Query: 'static {
    /// Everything that was asked, parsed and with defaults filled in. Equal parameters are one query, so no text may be
    /// left in them that still has to be interpreted.
    type Params: Serialize + Clone + fmt::Debug + Send + Sync + 'static;
    /// The `data` of the answer.
    type Answer: Serialize + ToSchema + Send + 'static;
    /// The stable name of the query: the path of its endpoint without the leading slash, such as `drawdown/series`.
    const NAME: &'static str;
    /// False if more than the snapshot decides the answer, such as the status of feeds.
    const CACHEABLE: bool = true;

    /// True if the answer takes microseconds whatever the window: it reads summaries and edges, not rows. Such a query is
    /// computed where the request is served; a hop to the compute pool would cost more than the answer.
    #[must_use]
    fn is_light(_params: &Self::Params, _view: &MarketView) -> bool {
        false
    }

    /// Computes the answer.
    ///
    /// # Errors
    /// [`QueryError`] if the parameters cannot be answered by this market, or nobody waits any more.
    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError>;

    /// The identity of the query with these parameters.
    fn id(params: &Self::Params) -> QueryId {
        QueryId::new(Self::NAME, params)
    }
}

/// The identity of a query: its name and its parameters in canonical bytes. Two spellings of one parameter, such as `1d`
/// and `24h`, give the same bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct QueryId {
    name: &'static str,
    params: Box<[u8]>,
}

impl QueryId {
    /// The identity of the query `name` with these parameters.
    #[must_use]
    pub fn new(name: &'static str, params: &impl Serialize) -> Self {
        // Plain structs of numbers, names and lists always serialise; the test of all queries asks each of them.
        let params = serde_json::to_vec(params).unwrap_or_default().into_boxed_slice();
        Self { name, params }
    }

    /// The name of the query.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The parameters as JSON, fields in the order of their declaration.
    #[must_use]
    pub const fn params(&self) -> &[u8] {
        &self.params
    }
}

impl Hash for QueryId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.params.hash(state);
    }
}

impl fmt::Debug for QueryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, String::from_utf8_lossy(&self.params))
    }
}

/// Everything an answer may depend on.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The snapshot and `as_of`.
    pub view: &'a MarketView,
    /// The preference among sources if the query names none.
    pub source_order: &'a SourceOrder,
    /// Results of closed days that queries share. They change no answer, only its cost.
    pub caches: &'a Caches,
    /// The status of the feeds; only `sources` reads it. `None` if `as_of` is not the present: feed status has no history.
    pub feeds: Option<&'a StatusBoard>,
    stop: &'a (dyn Fn() -> bool + Sync),
}

impl<'a> Context<'a> {
    /// A context whose queries run to their end.
    #[must_use]
    pub fn new(view: &'a MarketView, source_order: &'a SourceOrder, caches: &'a Caches, feeds: Option<&'a StatusBoard>) -> Self {
        Self { view, source_order, caches, feeds, stop: &|| false }
    }

    /// The same context, whose queries end at their next checkpoint once `stop` returns true.
    #[must_use]
    pub fn stopped_by(self, stop: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self { stop, ..self }
    }

    /// The same context for another view of the market.
    #[must_use]
    pub fn at(self, view: &'a MarketView) -> Self {
        Self { view, ..self }
    }

    /// Ends the computation if nobody waits for it. Loops over days or rows call it now and then.
    ///
    /// # Errors
    /// [`QueryError::Cancelled`].
    pub fn checkpoint(&self) -> Result<(), QueryError> {
        if (self.stop)() { Err(QueryError::Cancelled) } else { Ok(()) }
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("as_of", &self.view.as_of()).finish_non_exhaustive()
    }
}
