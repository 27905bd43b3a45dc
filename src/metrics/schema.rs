//! How domain types appear in the OpenAPI document.

use utoipa::openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat, Type, schema::KnownFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::{Asset, Period, SeriesKey, Source, Timestamp};

fn text(description: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).examples([example])
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        text("An instant, RFC 3339 in UTC.", "2026-02-04T08:00:00Z")
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

impl ToSchema for Timestamp {}
impl ToSchema for Asset {}
impl ToSchema for Source {}
impl ToSchema for Period {}
impl ToSchema for SeriesKey {}
