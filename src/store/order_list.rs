//! Queries of liquidation orders: those of given times, and pages of the list.

use std::marker::PhantomData;

use futures_util::TryStreamExt;

use super::dialect::{Argument, ColumnValues, Dialect};
use super::log::sql;
use super::{OrderCursor, OrderFilter, StoreError, orders};
use crate::domain::{LiquidationOrder, RecordedOrder, Source};

/// Returns every stored order with the source and symbol of the first of `orders` at any of their times.
pub(super) async fn orders_at<D: Dialect>(
    link: &mut D::Connection,
    orders: &[LiquidationOrder],
) -> Result<Vec<RecordedOrder>, StoreError> {
    let Some(first) = orders.first() else {
        return Ok(Vec::new());
    };
    let mut instants: Vec<i64> = orders.iter().map(|order| order.occurred_at.unix_ms()).collect();
    instants.dedup();
    let text = format!(
        "SELECT {} FROM liquidation_order WHERE source = $1 AND symbol = $2 AND {} ORDER BY occurred_at, ordinal",
        orders::COLUMNS,
        D::any_instant("occurred_at", 3)
    );
    let arguments = vec![
        Argument::Text(first.source.to_string()),
        Argument::Text(first.symbol.clone()),
        Argument::Several(ColumnValues::Integers(instants)),
    ];
    collect_orders::<D>(link, text, arguments).await
}

/// Returns one page of the list of orders.
pub(super) async fn liquidation_orders<D: Dialect>(
    link: &mut D::Connection,
    filter: &OrderFilter,
    after: Option<&OrderCursor>,
    limit: u32,
) -> Result<Vec<RecordedOrder>, StoreError> {
    let mut conditions = Conditions::<D>::new();
    conditions.add("occurred_at >=", Argument::Integer(filter.range.from().unix_ms()));
    conditions.add("occurred_at <", Argument::Integer(filter.range.to().unix_ms()));
    conditions.add("known_at <=", Argument::Integer(filter.known_by.unix_ms()));
    if !filter.sources.is_empty() {
        conditions.add_any("source", filter.sources.iter().map(Source::to_string).collect());
    }
    if let Some(asset) = &filter.asset {
        conditions.add("asset =", Argument::Text(asset.to_string()));
    }
    if let Some(side) = filter.side {
        conditions.add("side =", Argument::Text(side.as_str().to_owned()));
    }
    if let Some(usd) = filter.min_usd {
        conditions.add("usd >=", Argument::Real(usd));
    }
    if let Some(cursor) = after {
        conditions.add_cursor(cursor);
    }
    let limit = conditions.bind(Argument::Integer(i64::from(limit)));
    let text = format!(
        "SELECT {} FROM liquidation_order WHERE {} ORDER BY occurred_at DESC, source, symbol, ordinal LIMIT ${limit}",
        orders::COLUMNS,
        conditions.texts.join(" AND ")
    );
    collect_orders::<D>(link, text, conditions.arguments).await
}

async fn collect_orders<D: Dialect>(
    link: &mut D::Connection,
    text: String,
    arguments: Vec<Argument>,
) -> Result<Vec<RecordedOrder>, StoreError> {
    let mut rows = D::rows(link, sql(text), arguments);
    let mut found = Vec::new();
    while let Some(row) = rows.try_next().await? {
        found.push(orders::read(&row)?);
    }
    Ok(found)
}

/// Conditions of a query, with their bound values.
struct Conditions<D> {
    texts: Vec<String>,
    arguments: Vec<Argument>,
    dialect: PhantomData<D>,
}

impl<D: Dialect> Conditions<D> {
    const fn new() -> Self {
        Self { texts: Vec::new(), arguments: Vec::new(), dialect: PhantomData }
    }

    /// Binds a value and returns the number of its parameter.
    fn bind(&mut self, argument: Argument) -> usize {
        self.arguments.push(argument);
        self.arguments.len()
    }

    /// Adds the condition that `comparison` holds for a value.
    fn add(&mut self, comparison: &str, argument: Argument) {
        let parameter = self.bind(argument);
        self.texts.push(format!("{comparison} ${parameter}"));
    }

    /// Adds the condition that a column is one of several texts.
    fn add_any(&mut self, column: &str, texts: Vec<String>) {
        let parameter = self.bind(Argument::Several(ColumnValues::Texts(texts)));
        self.texts.push(format!("{column} {}", D::any_of(parameter)));
    }

    /// Adds the condition that an order comes after `cursor` in the list. The first half allows the
    /// index on the time to be used.
    fn add_cursor(&mut self, cursor: &OrderCursor) {
        let at = self.bind(Argument::Integer(cursor.occurred_at.unix_ms()));
        let source = self.bind(Argument::Text(cursor.source.to_string()));
        let symbol = self.bind(Argument::Text(cursor.symbol.clone()));
        let ordinal = self.bind(Argument::Integer(i64::from(cursor.ordinal)));
        self.texts.push(format!("occurred_at <= ${at}"));
        self.texts.push(format!("(occurred_at < ${at} OR (source, symbol, ordinal) > (${source}, ${symbol}, ${ordinal}))"));
    }
}
