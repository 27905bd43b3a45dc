use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, LiquidationOrder, RecordedOrder, Side, Source, Timestamp};
use crate::market::MarketView;
use crate::metrics::provenance::{Derivation, Provenance, known_asset};
use crate::metrics::statements::DatedRow;
use crate::metrics::{Answer, QueryError, Window};

/// Which single orders to list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OrdersParams {
    /// Of one asset; of all where none is named.
    pub asset: Option<Asset>,
    /// Of these venues; of all where none is named.
    pub sources: Vec<Source>,
    /// Which span.
    pub window: Window,
    /// Only positions of this side.
    pub side: Option<Side>,
    /// Only orders of at least this value, USD.
    pub min_usd: Option<f64>,
}

/// One position closed by force, as the venue published the order.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LiquidationOrderRow {
    /// When the order was filled.
    pub at: Timestamp,
    /// The underlying asset.
    pub asset: Asset,
    /// The venue.
    pub source: Source,
    /// The instrument in the venue's own words.
    pub symbol: String,
    /// The position that was closed: `long` or `short`.
    pub side: Side,
    /// Average fill price, USD.
    pub price_usd: f64,
    /// Filled quantity, coins of the underlying.
    pub quantity: f64,
    /// Notional value, USD.
    pub usd: f64,
}

impl DatedRow for LiquidationOrderRow {}

/// The orders a store listed for the question, as an answer that names the series behind them.
///
/// # Errors
/// [`QueryError`] for an unknown asset or source, or an empty window.
pub fn liquidation_orders(
    view: &MarketView,
    question: &OrdersParams,
    orders: Vec<RecordedOrder>,
) -> Result<Answer<Vec<LiquidationOrderRow>>, QueryError> {
    if let Some(asset) = &question.asset {
        known_asset(view, asset)?;
    }
    let span = question.window.resolve(view.as_of())?;
    let known: BTreeSet<&Source> = view.tallies().map(|(key, _)| &key.source).collect();
    if let Some(unknown) = question.sources.iter().find(|source| !known.contains(source)) {
        let known = known.into_iter().cloned().collect();
        return Err(QueryError::UnknownSource { source_name: unknown.clone(), known });
    }
    let mut trail = Provenance::new(view);
    for (key, column) in view.tallies() {
        let of_source = question.sources.is_empty() || question.sources.contains(&key.source);
        let of_side = question.side.is_none_or(|side| key.part.as_deref() == Some(side.as_str()));
        if of_source && of_side && question.asset.as_ref().is_none_or(|asset| key.asset == *asset) {
            trail.read(key, column);
        }
    }
    let rows = orders.into_iter().map(|recorded| row(recorded.order)).collect();
    Ok(trail.answer(rows, Derivation { span: Some(span), ..Derivation::default() }))
}

fn row(order: LiquidationOrder) -> LiquidationOrderRow {
    LiquidationOrderRow {
        at: order.occurred_at,
        asset: order.asset,
        source: order.source,
        symbol: order.symbol,
        side: order.side,
        price_usd: order.price_usd,
        quantity: order.quantity,
        usd: order.usd,
    }
}
