use std::collections::BTreeSet;

use crate::domain::{Asset, Metric};
use crate::market::MarketView;
use crate::metrics::derivatives::positions::OpenInterestBySource;
use crate::metrics::liquidations::totals::LiquidationTotals;
use crate::metrics::provenance::Provenance;
use crate::metrics::{QueryError, SourceOrder, Span, WarningCode};

/// What was liquidated inside the span against open interest at its start, percent (METHODOLOGY
/// section 3.2): of the assets of which both are known, which a warning names where others were
/// liquidated too.
pub(in crate::metrics) fn share_of_open_interest(
    view: &MarketView,
    trail: &mut Provenance<'_>,
    order: &SourceOrder,
    book: &LiquidationTotals<'_>,
    span: Span,
) -> Result<Option<f64>, QueryError> {
    let assets: BTreeSet<&Asset> = book.legs.iter().filter(|leg| leg.usd(span) > 0.0).map(|leg| &leg.asset).collect();
    let mut counted: Vec<&Asset> = Vec::new();
    let (mut liquidated_usd, mut open_usd) = (0.0, 0.0);
    for asset in &assets {
        if !has_open_interest(view, asset) {
            continue;
        }
        let positions = OpenInterestBySource::open(view, trail, order, asset, &[])?;
        if let Some(held) = positions.total(span.from).filter(|held| held.usd > 0.0) {
            open_usd += held.usd;
            liquidated_usd += book.usd_of(asset, span);
            counted.push(asset);
        }
    }
    let share = liquidated_usd / open_usd * 100.0;
    if counted.is_empty() || !share.is_finite() {
        let detail =
            format!("no open interest is known at the start of the window, {}: share_of_open_interest_pct is null", span.from);
        trail.warn(WarningCode::NoData, detail);
        return Ok(None);
    }
    if counted.len() < assets.len() {
        let names: Vec<&str> = counted.iter().map(|asset| asset.as_str()).collect();
        let detail =
            format!("open interest is known of {} only: share_of_open_interest_pct is of their liquidations", names.join(", "));
        trail.warn(WarningCode::NoData, detail);
    }
    Ok(Some(share))
}

fn has_open_interest(view: &MarketView, asset: &Asset) -> bool {
    [Metric::OpenInterest, Metric::OpenInterestNative].into_iter().any(|metric| view.readings(metric, asset).next().is_some())
}
