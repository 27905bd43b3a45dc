//! How domain types appear in the OpenAPI document.

use utoipa::openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat, Type, schema::KnownFormat, schema::SchemaType};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::{Asset, FeedState, Metric, Period, Role, SeriesKey, Side, Source, SourceKind, Timestamp, Unit};

fn text(description: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).examples([example])
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        text("An instant: RFC 3339 in UTC, or milliseconds since 1970 with `time_format=unix_ms`.", "2026-02-04T08:00:00Z")
            .schema_type(SchemaType::from_iter([Type::String, Type::Integer]))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into()
    }
}

impl PartialSchema for Asset {
    fn schema() -> RefOr<Schema> {
        text("A lower-case symbol.", "btc").into()
    }
}

impl PartialSchema for Source {
    fn schema() -> RefOr<Schema> {
        text("Who says so.", "binance-perp").into()
    }
}

impl PartialSchema for Period {
    fn schema() -> RefOr<Schema> {
        text("The length of one row.", "1d").into()
    }
}

impl PartialSchema for SeriesKey {
    fn schema() -> RefOr<Schema> {
        text("`<metric>.<asset>[.<part>]@<source>[:<period>]`", "market_cap.total@coingecko").into()
    }
}

/// A closed list of words, in the order of the type's variants.
fn words<const N: usize>(description: &str, words: [&str; N]) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).enum_values(Some(words)).into()
}

impl PartialSchema for Metric {
    fn schema() -> RefOr<Schema> {
        words("What a series measures.", Self::ALL.map(|(_, name)| name))
    }
}

impl PartialSchema for Unit {
    fn schema() -> RefOr<Schema> {
        words("The unit of a series' values.", ["usd", "coin", "ratio", "percent", "hours", "index"])
    }
}

impl PartialSchema for Side {
    fn schema() -> RefOr<Schema> {
        words("The position that was closed by force.", ["long", "short"])
    }
}

impl PartialSchema for SourceKind {
    fn schema() -> RefOr<Schema> {
        words("How a source's figures may be combined.", ["venue", "aggregator", "publisher", "scenario"])
    }
}

impl PartialSchema for FeedState {
    fn schema() -> RefOr<Schema> {
        words("How well a feed is, judged by its own cadence.", ["fresh", "partial", "late", "stale", "dead", "disabled"])
    }
}

impl PartialSchema for Role {
    fn schema() -> RefOr<Schema> {
        words("What a node does about the feeds.", ["collector", "standby", "reader"])
    }
}

impl ToSchema for Metric {}
impl ToSchema for Unit {}
impl ToSchema for Side {}
impl ToSchema for SourceKind {}
impl ToSchema for FeedState {}
impl ToSchema for Role {}
impl ToSchema for Timestamp {}
impl ToSchema for Asset {}
impl ToSchema for Source {}
impl ToSchema for Period {}
impl ToSchema for SeriesKey {}
