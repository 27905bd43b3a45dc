//! One file per question: which series answer it, over which window, with which provenance.
//!
//! Owns the answer structs, which are the schema of the HTTP interface, and pure functions of
//! (market view, question). No I/O, no clock, no SQL, no HTTP.

mod answer;
mod bound;
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
mod paged;
mod price;
mod provenance;
mod query;
mod schema;
mod source_order;
mod statements;
mod stress;
mod summed_sources;
mod window;

#[cfg(test)]
mod fixture;

pub use answer::{
    Answer, Coverage, Freshness, Meta, Method, SourceEntry, SourceReading, Warning, WarningCode, WindowBounds, Words,
};
pub use bound::{Bound, WindowCoverage};
pub use briefing::check::{Check, CheckOp, CheckParams, CheckQuery, Verdict, check};
pub use briefing::compare::{CompareParams, CompareQuery, CompareRow, compare};
pub use briefing::figures::{FIGURES, Figure, FigureUnit, FigureValue, MissingFigure};
pub use briefing::summary::{Briefing, BriefingParams, BriefingQuery, briefing};
pub use caches::Caches;
pub use catalogue::series::{
    CatalogueParams, CatalogueQuery, Revision, RevisionsParams, RevisionsQuery, SeriesEntry, SeriesParams, SeriesRow,
    SeriesRowsParams, SeriesRowsQuery, catalogue, revisions, series_rows,
};
pub use catalogue::source_status::{SourceStatus, SourcesQuery, source_statuses};
pub use cross_market::correlation::{
    CorrelationMethod, CorrelationParams, CorrelationPoint, CorrelationQuery, CorrelationRow, CorrelationSeriesParams,
    CorrelationSeriesQuery, correlation, correlation_series,
};
pub use cross_market::cross_asset::{CrossAssetParams, CrossAssetQuery, CrossAssetRow, cross_asset};
pub use cross_market::safe_haven::{Exposure, HavenTest, Havens, SafeHaven, SafeHavenParams, SafeHavenQuery, Shield, safe_haven};
pub use cross_market::safe_haven_cache::SafeHavenCache;
pub use derivatives::funding::{Funding, FundingOfSource, FundingParams, FundingQuery, FundingState, FundingStreak, funding};
pub use derivatives::open_interest::{
    OpenInterest, OpenInterestOfSource, OpenInterestParams, OpenInterestQuadrant, OpenInterestQuery, open_interest,
};
pub use derivatives::options::{DownsideProtection, OptionExpiry, Options, OptionsParams, OptionsQuery, options};
pub use derivatives::put_premium_cache::PutPremiumCache;
pub use error::QueryError;
pub use etf::figures::{EtfDayFlow, EtfDirection, EtfExtreme, EtfFlows, EtfFlowsRow, EtfFundFlow, EtfFundRow, EtfStreak};
pub use etf::flows::{
    EtfFlowsParams, EtfFlowsQuery, EtfFlowsSeriesParams, EtfFlowsSeriesQuery, EtfFundsQuery, etf_flows, etf_flows_series,
    etf_funds,
};
pub use etf::trading_days::EtfStatus;
pub use liquidations::cascades::{LiquidationCascade, LiquidationCascadesQuery, liquidation_cascades};
pub use liquidations::day_cache::LiquidationDayCache;
pub use liquidations::days::{LiquidationDaysQuery, liquidation_days};
pub use liquidations::figures::{
    LargestOrder, LiquidationDay, LiquidationDayTotal, Liquidations, LiquidationsOfAsset, LiquidationsOfSource, LiquidationsRow,
};
pub use liquidations::orders::{LiquidationOrderRow, OrdersParams, liquidation_orders};
pub use liquidations::queries::{
    LiquidationsParams, LiquidationsQuery, LiquidationsSeriesParams, LiquidationsSeriesQuery, liquidations, liquidations_series,
};
pub use paged::Paged;
pub use price::breadth::{Breadth, BreadthMember, BreadthParams, BreadthQuery, breadth};
pub use price::changes::PriceChanges;
pub use price::drawdown::{
    Drawdown, DrawdownParams, DrawdownQuery, DrawdownRow, DrawdownSeriesParams, DrawdownSeriesQuery, drawdown, drawdown_series,
};
pub use price::episodes::{DrawdownEpisode, DrawdownEpisodesQuery, EpisodesParams, ReboundRow, ReboundState, drawdown_episodes};
pub use price::liquidity::{Liquidity, LiquidityParams, LiquidityQuery, liquidity};
pub use price::market_cap::{MarketCap, MarketCapAnchor, MarketCapParams, MarketCapQuery, market_cap};
pub use price::price::{Price, PriceParams, PriceQuery, SinceMark, price};
pub use price::price_path::Basis;
pub use price::volatility::{
    Estimator, Volatility, VolatilityEstimators, VolatilityParams, VolatilityQuery, VolatilityRegime, volatility,
};
pub use price::volatility_cache::VolatilityRegimeCache;
pub use query::{Context, Query, QueryId};
pub use source_order::SourceOrder;
pub use stress::{
    Stress, StressBand, StressCache, StressIndicator, StressQuery, StressRow, StressSegment, StressSeriesParams,
    StressSeriesQuery, StressStanding, stress, stress_series,
};
pub use window::{InvalidLength, InvalidMoment, Length, Moment, Span, Window};
