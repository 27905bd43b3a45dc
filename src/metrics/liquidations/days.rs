use std::cmp::Reverse;

use chrono::NaiveDate;

use crate::domain::{Period, Timestamp};
use crate::market::MarketView;
use crate::metrics::liquidations::figures::LiquidationDay;
use crate::metrics::liquidations::queries::{Opened, bucket, open, working};
use crate::metrics::liquidations::source_series::LongShort;
use crate::metrics::paged::ordered;
use crate::metrics::{Answer, Context, LiquidationsParams, Paged, Query, QueryError, SourceOrder, WarningCode};
use crate::stats::sum::sum;

impl Paged<LiquidationsParams> for LiquidationDay {
    type Position = (Reverse<i64>, NaiveDate);

    fn position(&self, _: &LiquidationsParams) -> Self::Position {
        (Reverse(ordered(self.total_usd)), self.date)
    }
}

/// The UTC days of a window by their totals, largest first, of equals the earlier first.
///
/// # Errors
/// As [`liquidations`](crate::metrics::liquidations).
pub fn liquidation_days(
    view: &MarketView,
    order: &SourceOrder,
    question: &LiquidationsParams,
) -> Result<Answer<Vec<LiquidationDay>>, QueryError> {
    let Opened { mut trail, span, book } = open(view, order, question, Some(Period::DAY))?;
    let mut days: Vec<_> = book.buckets(span, Period::DAY).into_iter().collect();
    let window_total: f64 = sum(days.iter().map(|(_, sides)| sides.total()));
    days.sort_by_key(|(day, sides)| (Reverse(ordered(sides.total())), *day));
    if days.iter().any(|(day, _)| *day == view.as_of().day_start()) {
        trail.warn(WarningCode::PartialBar, format!("the day of {} is still running", view.as_of().date()));
    }
    let row = |(index, (day, sides)): (usize, &(Timestamp, LongShort))| LiquidationDay {
        date: day.date(),
        rank: index + 1,
        total_usd: sides.total(),
        long_share_ratio: sides.long_share(),
        share_of_window_pct: (window_total > 0.0).then(|| sides.total() / window_total * 100.0),
        covered_ratio: book.covered(bucket(*day, Period::DAY)).ratio,
    };
    let rows: Vec<_> = days.iter().enumerate().map(row).collect();
    Ok(trail.answer(rows, working(span, Some(Period::DAY))))
}

/// Days ranked by liquidations.
#[derive(Debug)]
pub enum LiquidationDaysQuery {}

impl Query for LiquidationDaysQuery {
    type Params = LiquidationsParams;
    type Answer = Vec<LiquidationDay>;
    const NAME: &'static str = "liquidations/days";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        liquidation_days(cx.view, cx.source_order, params)
    }
}
