//! One file per question: which series answer it, over which window, with which provenance.
//!
//! Owns the answer structs, which are the schema of the HTTP interface, and pure functions of
//! (market view, question). No I/O, no clock, no SQL, no HTTP.

mod answer;
mod books;
mod breadth;
mod briefing;
mod cascades;
mod catalogue;
mod check;
mod compare;
mod correlation;
mod cross_asset;
mod daily_bars;
mod drawdown;
mod episodes;
mod etf_days;
mod etf_flows;
mod figures;
mod funding;
mod haven_book;
mod headlines;
mod kept;
mod liquidation_book;
mod liquidation_leg;
mod liquidation_orders;
mod liquidation_share;
mod liquidations;
mod liquidity;
mod market_cap;
mod market_headlines;
mod open_interest;
mod option_chain;
mod options;
mod outages;
mod path;
mod position_book;
mod premium_book;
mod price;
mod record_book;
mod regime_book;
mod safe_haven;
mod schema;
mod settlements;
mod shared_days;
mod source_status;
mod stress;
mod thin;
mod trail;
mod unanswerable;
mod volatility;
mod window;
mod words;

#[cfg(test)]
mod fixture;

pub use answer::{Answer, Coverage, Freshness, Meta, Method, SourceReading, Warning, WarningCode, WindowBounds, Words};
pub use books::Books;
pub use breadth::{Breadth, BreadthMember, BreadthQuestion, breadth};
pub use briefing::{Briefing, BriefingQuestion, briefing};
pub use cascades::{LiquidationCascade, liquidation_cascades};
pub use catalogue::{
    CatalogueQuestion, Revision, RevisionsQuestion, SeriesEntry, SeriesQuestion, SeriesRow, catalogue, revisions, series_rows,
};
pub use check::{Check, CheckOp, CheckQuestion, Verdict, check};
pub use compare::{CompareQuestion, CompareRow, compare};
pub use correlation::{
    CorrelationMethod, CorrelationPoint, CorrelationQuestion, CorrelationRow, correlation, correlation_series,
};
pub use cross_asset::{CrossAssetQuestion, CrossAssetRow, cross_asset};
pub use drawdown::{Drawdown, DrawdownQuestion, DrawdownRow, drawdown, drawdown_series};
pub use episodes::{DrawdownEpisode, EpisodesQuestion, ReboundRow, ReboundState, drawdown_episodes};
pub use etf_days::EtfStatus;
pub use etf_flows::{
    EtfDayFlow, EtfDirection, EtfExtreme, EtfFlows, EtfFlowsQuestion, EtfFlowsRow, EtfFundFlow, EtfFundRow, EtfStreak, etf_flows,
    etf_flows_series, etf_funds,
};
pub use figures::{FIGURES, Figure, FigureUnit, FigureValue, MissingFigure};
pub use funding::{Funding, FundingOfSource, FundingQuestion, FundingState, FundingStreak, funding};
pub use haven_book::HavenBook;
pub use liquidation_orders::{LiquidationOrderRow, OrdersQuestion, liquidation_orders};
pub use liquidations::{
    LargestOrder, LiquidationDay, LiquidationDayTotal, Liquidations, LiquidationsOfAsset, LiquidationsOfSource,
    LiquidationsQuestion, LiquidationsRow, liquidation_days, liquidations, liquidations_series,
};
pub use liquidity::{Liquidity, LiquidityQuestion, liquidity};
pub use market_cap::{MarketCap, MarketCapAnchor, MarketCapQuestion, market_cap};
pub use open_interest::{OpenInterest, OpenInterestOfSource, OpenInterestQuadrant, OpenInterestQuestion, open_interest};
pub use options::{DownsideProtection, OptionExpiry, Options, OptionsQuestion, options};
pub use path::Basis;
pub use premium_book::PremiumBook;
pub use price::{Price, PriceQuestion, SinceMark, price};
pub use record_book::RecordBook;
pub use regime_book::RegimeBook;
pub use safe_haven::{Exposure, HavenTest, Havens, SafeHaven, SafeHavenQuestion, Shield, safe_haven};
pub use source_status::{SourceStatus, source_statuses};
pub use stress::{
    Stress, StressBand, StressBook, StressIndicator, StressRow, StressSegment, StressSeriesQuestion, StressStanding, stress,
    stress_series,
};
pub use trail::SourceOrder;
pub use unanswerable::Unanswerable;
pub use volatility::{Estimator, Volatility, VolatilityEstimators, VolatilityQuestion, VolatilityRegime, volatility};
pub use window::{InvalidLength, InvalidMoment, Length, Moment, Span, Window};
