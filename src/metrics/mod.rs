//! One file per question: which series answer it, over which window, with which provenance.
//!
//! Owns the answer structs, which are the schema of the HTTP interface, and pure functions of
//! (market view, question). No I/O, no clock, no SQL, no HTTP.

mod answer;
mod briefing;
mod cache;
mod caches;
mod catalogue;
mod cross_market;
mod derivatives;
mod downsample;
mod error;
mod etf;
mod liquidations;
mod liveness;
mod price;
mod provenance;
mod schema;
mod source_order;
mod statements;
mod stress;
mod window;

#[cfg(test)]
mod fixture;

pub use answer::{
    Answer, Coverage, Freshness, Meta, Method, SourceEntry, SourceReading, Warning, WarningCode, WindowBounds, Words,
};
pub use briefing::check::{Check, CheckOp, CheckParams, Verdict, check};
pub use briefing::compare::{CompareParams, CompareRow, compare};
pub use briefing::figures::{FIGURES, Figure, FigureUnit, FigureValue, MissingFigure};
pub use briefing::summary::{Briefing, BriefingParams, briefing};
pub use caches::Caches;
pub use catalogue::series::{
    CatalogueParams, Revision, RevisionsParams, SeriesEntry, SeriesParams, SeriesRow, catalogue, revisions, series_rows,
};
pub use catalogue::source_status::{SourceStatus, source_statuses};
pub use cross_market::correlation::{
    CorrelationMethod, CorrelationParams, CorrelationPoint, CorrelationRow, correlation, correlation_series,
};
pub use cross_market::cross_asset::{CrossAssetParams, CrossAssetRow, cross_asset};
pub use cross_market::safe_haven::{Exposure, HavenTest, Havens, SafeHaven, SafeHavenParams, Shield, safe_haven};
pub use cross_market::safe_haven_cache::SafeHavenCache;
pub use derivatives::funding::{Funding, FundingOfSource, FundingParams, FundingState, FundingStreak, funding};
pub use derivatives::open_interest::{
    OpenInterest, OpenInterestOfSource, OpenInterestParams, OpenInterestQuadrant, open_interest,
};
pub use derivatives::options::{DownsideProtection, OptionExpiry, Options, OptionsParams, options};
pub use derivatives::put_premium_cache::PutPremiumCache;
pub use error::QueryError;
pub use etf::flows::{
    EtfDayFlow, EtfDirection, EtfExtreme, EtfFlows, EtfFlowsParams, EtfFlowsRow, EtfFundFlow, EtfFundRow, EtfStreak, etf_flows,
    etf_flows_series, etf_funds,
};
pub use etf::trading_days::EtfStatus;
pub use liquidations::cascades::{LiquidationCascade, liquidation_cascades};
pub use liquidations::day_cache::LiquidationDayCache;
pub use liquidations::orders::{LiquidationOrderRow, OrdersParams, liquidation_orders};
pub use liquidations::queries::{
    LargestOrder, LiquidationDay, LiquidationDayTotal, Liquidations, LiquidationsOfAsset, LiquidationsOfSource,
    LiquidationsParams, LiquidationsRow, liquidation_days, liquidations, liquidations_series,
};
pub use price::breadth::{Breadth, BreadthMember, BreadthParams, breadth};
pub use price::changes::PriceChanges;
pub use price::drawdown::{Drawdown, DrawdownParams, DrawdownRow, drawdown, drawdown_series};
pub use price::episodes::{DrawdownEpisode, EpisodesParams, ReboundRow, ReboundState, drawdown_episodes};
pub use price::liquidity::{Liquidity, LiquidityParams, liquidity};
pub use price::market_cap::{MarketCap, MarketCapAnchor, MarketCapParams, market_cap};
pub use price::price::{Price, PriceParams, SinceMark, price};
pub use price::price_path::Basis;
pub use price::volatility::{Estimator, Volatility, VolatilityEstimators, VolatilityParams, VolatilityRegime, volatility};
pub use price::volatility_cache::VolatilityRegimeCache;
pub use source_order::SourceOrder;
pub use stress::{
    Stress, StressBand, StressCache, StressIndicator, StressRow, StressSegment, StressSeriesParams, StressStanding, stress,
    stress_series,
};
pub use window::{InvalidLength, InvalidMoment, Length, Moment, Span, Window};
