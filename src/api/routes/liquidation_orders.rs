//! Single liquidation orders: they stay in the store, so this list is read from there.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;

use crate::api::params::page::Page;
use crate::api::params::parameter::{Choice, Kind, Parameter, number};
use crate::api::params::reader::ParamReader;
use crate::api::response::problem::ApiError;
use crate::api::routes::handler::{ParsedRequest, RequestReader};
use crate::api::routes::liquidations::{ASSET, LIQUIDATION_ORDERS, SOURCES};
use crate::api::state::AppState;
use crate::domain::{Period, RecordedOrder, Side, Source, Timestamp};
use crate::metrics::{Length, OrdersParams, Paged, QueryId, liquidation_orders};
use crate::store::{OrderCursor, OrderFilter};

/// Stable name of the query.
pub(in crate::api) const NAME: &str = "liquidations/orders";

/// Orders on a page where the question does not say.
const LIMIT: u32 = 100;

const SIDE: Choice<Side> =
    Choice { name: "side", about: "Only positions of this side.", words: &[("long", Side::Long), ("short", Side::Short)] };

const MIN_USD: Parameter<f64> = Parameter {
    name: "min_usd",
    about: "Only orders of at least this value, USD.",
    example: "100000",
    kind: Kind::Number { min: 0.0, max: 1e12 },
    read: number,
};

/// The position of an order in the list: the store's own order.
type OrderPosition = (Reverse<Timestamp>, Source, String, u32);

/// Reads the question and its page.
pub(in crate::api) fn read(query: &mut ParamReader) -> (OrdersParams, Page<OrderPosition>) {
    Page::read(query, LIQUIDATION_ORDERS.path, LIMIT, |query| OrdersParams {
        asset: query.optional(&ASSET),
        sources: query.optional(&SOURCES).unwrap_or_default(),
        window: query.window(Length::Ms(Period::DAY.ms())),
        side: query.optional_choice(&SIDE, None),
        min_usd: query.optional(&MIN_USD),
    })
}

/// Answers one page.
///
/// # Errors
/// As any question, and when the store fails.
pub(in crate::api) async fn answer(
    reader: &Arc<RequestReader>,
    state: &AppState,
    request: Request,
) -> Result<Response, Arc<ApiError>> {
    let asked = reader.read(state.present(), request, read, |(params, _)| QueryId::new(NAME, params)).await?;
    let (question, page) = &asked.params;
    let filter = filter(&asked, question)?;
    let after = page.after.clone().map(cursor);
    let mut orders = state.store.liquidation_orders(&filter, after.as_ref(), page.limit() + 1).await.map_err(ApiError::from)?;
    let more = orders.len() > usize::try_from(page.limit()).unwrap_or(usize::MAX);
    if more {
        orders.pop();
    }
    let last = orders.last().filter(|_| more).map(|order| order.position(question));
    let answer = liquidation_orders(&asked.view, question, orders).map_err(ApiError::from)?;
    let links = page.links(&asked.path(), asked.view.as_of(), last.as_ref())?;
    Ok(reader.respond(state, asked, answer, links).await?)
}

fn filter<Q>(asked: &ParsedRequest<Q>, question: &OrdersParams) -> Result<OrderFilter, ApiError> {
    let as_of = asked.view.as_of();
    Ok(OrderFilter {
        range: question.window.resolve(as_of)?.readings(),
        known_by: as_of,
        sources: question.sources.clone(),
        asset: question.asset.clone(),
        side: question.side,
        min_usd: question.min_usd,
    })
}

impl Paged<OrdersParams> for RecordedOrder {
    type Position = OrderPosition;

    fn position(&self, _: &OrdersParams) -> OrderPosition {
        let Self { order, ordinal, .. } = self;
        (Reverse(order.occurred_at), order.source.clone(), order.symbol.clone(), *ordinal)
    }
}

fn cursor((Reverse(occurred_at), source, symbol, ordinal): OrderPosition) -> OrderCursor {
    OrderCursor { occurred_at, source, symbol, ordinal }
}
