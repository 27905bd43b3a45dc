//! The OpenAPI document: made from the declarations that also answer.

use serde_json::{Value, json};
use utoipa::openapi::path::{HttpMethod, OperationBuilder, Parameter, Paths};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ContentBuilder, HeaderBuilder, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
    Response, ResponseBuilder, Schema, ServerBuilder, Type,
};
use utoipa::{PartialSchema, ToSchema};

use crate::api::response::csv_columns::Table;
use crate::api::response::negotiation::{Format, Offer};
use crate::api::response::problem::Problem;
use crate::api::response::problem_code::ProblemCode;
use crate::api::response::render::Links;
use crate::api::routes::endpoint::Spec;
use crate::metrics::Answer;

/// One endpoint in the document.
pub(super) struct Entry {
    /// The schemas it speaks of.
    pub schemas: Vec<(String, RefOr<Schema>)>,
    /// Its path and operation.
    pub paths: Paths,
}

/// What the demo answers to each operation; a test asks it and compares.
const EXAMPLES: &str = include_str!("../../openapi/examples.json");

/// The problems any question may be answered with.
const QUESTION_PROBLEMS: [ProblemCode; 8] = [
    ProblemCode::BadRequest,
    ProblemCode::NotFound,
    ProblemCode::PayloadTooLarge,
    ProblemCode::Unprocessable,
    ProblemCode::RateLimited,
    ProblemCode::Internal,
    ProblemCode::Unavailable,
    ProblemCode::Timeout,
];

/// What the answers of an endpoint look like.
pub(super) struct Shape {
    /// The formats they are written in.
    pub(super) offer: Offer,
    data: RefOr<Schema>,
    lists: &'static [&'static str],
    answer: RefOr<Schema>,
    schemas: Vec<(String, RefOr<Schema>)>,
}

impl Shape {
    /// Answers that hold a `T` and come whole.
    pub(super) fn single<T: ToSchema>() -> Self {
        let mut schemas = vec![];
        Answer::<T>::schemas(&mut schemas);
        let (data, mut answer) = (T::schema(), Answer::<T>::schema());
        let rows = matches!(data, RefOr::T(Schema::Array(_)));
        if !rows {
            schemas.push((T::name().into_owned(), data.clone()));
        } else if let RefOr::T(Schema::Object(answer)) = &mut answer {
            // utoipa names a list of any type `Vec`: rows are written out where they stand.
            answer.properties.insert("data".to_owned(), data.clone());
        }
        let offer = if rows { Offer::Rows } else { Offer::Object };
        Self { offer, data, lists: &[], answer, schemas }
    }

    /// Answers that hold a `T` and are there in words too. Those of its fields that are named hold the
    /// rows of the table.
    pub(super) fn words<T: ToSchema>(lists: &'static [&'static str]) -> Self {
        Self { offer: Offer::Words, lists, ..Self::single::<T>() }
    }

    /// Answers that hold a page of the rows `T`.
    pub(super) fn pages<T: ToSchema>() -> Self {
        let mut shape = Self::single::<T>();
        if let RefOr::T(Schema::Object(answer)) = &mut shape.answer {
            answer.properties.insert("links".to_owned(), Links::schema());
            answer.required.push("links".to_owned());
        }
        shape
    }

    /// How the answers are written as CSV.
    pub(super) fn table(&self) -> Table {
        Table::new(&self.data, &self.schemas, self.lists).unwrap_or_default()
    }
}

/// The entry of an endpoint.
pub(super) fn entry(prefix: &str, endpoint: &Spec, parameters: Vec<Parameter>, shape: Shape) -> Entry {
    let Shape { offer, answer, mut schemas, .. } = shape;
    let examples: serde_json::Map<String, Value> = serde_json::from_str(EXAMPLES).unwrap_or_default();
    let name = format!("{}Answer", pascal(endpoint.operation.trim_start_matches("get_")));
    schemas.push((name.clone(), answer));
    let about = format!("{} Formulas, units and examples: `docs/METHODOLOGY.md`, section {}.", endpoint.about, endpoint.section);
    let operation = OperationBuilder::new()
        .tag(endpoint.tag)
        .operation_id(Some(endpoint.operation))
        .summary(Some(endpoint.summary))
        .description(Some(about))
        .parameters(Some(parameters))
        .response("200", answer_response(&name, offer, examples.get(endpoint.operation).cloned()))
        .response("304", Ref::from_response_name("NotModified"));
    let operation = QUESTION_PROBLEMS
        .into_iter()
        .fold(operation, |operation, code| operation.response(code.status().as_str(), problem_ref(code)));
    let mut paths = Paths::new();
    paths.add_path_operation(format!("{prefix}{}", endpoint.path), vec![HttpMethod::Get], operation);
    Entry { schemas, paths }
}

fn answer_response(schema: &str, offer: Offer, example: Option<Value>) -> Response {
    let answer = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).example(example).build();
    let text = || ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String))).build();
    let mut response = ResponseBuilder::new().description("The answer.").content(Format::Json.media_type(), answer);
    for format in offer.formats().iter().filter(|format| **format != Format::Json) {
        response = response.content(format.media_type(), text());
    }
    let named = ["ETag", "Cache-Control", "X-Request-Id", "RateLimit", "RateLimit-Policy"];
    named.into_iter().fold(response, |response, name| response.header_ref(name, header_ref(name))).build()
}

/// A header all answers share, by name.
pub(super) fn header_ref(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

/// `get_market_cap` as `GetMarketCap`.
fn pascal(operation: &str) -> String {
    operation.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// The response that tells a problem of this kind.
pub(super) fn problem_ref(code: ProblemCode) -> Ref {
    Ref::from_response_name(problem_name(code))
}

fn problem_name(code: ProblemCode) -> String {
    pascal(code.as_str())
}

/// Adds to the paths of `routes` what they share.
#[must_use]
pub(super) fn document(routes: OpenApi) -> OpenApi {
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("market-stress")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(include_str!("introduction.md")))
                .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build()))
                .build(),
        )
        .servers(Some([ServerBuilder::new().url("/").description(Some("This service")).build()]))
        .tags(Some(TAGS.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build())))
        .paths(routes.paths)
        .components(Some(shared(routes.components.unwrap_or_default())))
        .build()
}

/// The groups of endpoints, in the order they are shown.
const TAGS: [(&str, &str); 10] = [
    ("briefing", "Every headline figure at once: told, compared, checked."),
    ("price", "Prices, their day, and how rare their extremes are."),
    ("drawdown", "Falls from the highest price: now, over time, and one by one."),
    ("market", "The size of the market."),
    ("flows", "Forced selling and the flows of exchange-traded funds."),
    ("derivatives", "Futures, funding and volatility."),
    ("cross-asset", "Crypto beside other markets: moving together, and protecting."),
    ("stress", "One index of stress, taken apart."),
    ("data", "The series underneath, their corrections and their sources."),
    ("service", "The service itself."),
];

fn shared(components: Components) -> Components {
    let mut components = components;
    let mut schemas = vec![];
    Problem::schemas(&mut schemas);
    schemas.push((Problem::name().into_owned(), Problem::schema()));
    components.schemas.extend(schemas);
    for code in ProblemCode::ALL {
        components.responses.insert(problem_name(code), problem_response(code).into());
    }
    let not_modified = ResponseBuilder::new().description("The answer is the one `If-None-Match` names.").build();
    components.responses.insert("NotModified".to_owned(), not_modified.into());
    let key = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("msk_ID_SECRET").description(Some(KEY_ABOUT));
    components.security_schemes.insert(KEY_SCHEME.to_owned(), SecurityScheme::Http(key.build()).into());
    for (name, about) in HEADERS {
        let header =
            HeaderBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String))).description(Some(about)).build();
        components.headers.insert(name.to_owned(), header.into());
    }
    components
}

/// The name of the security scheme of endpoints that write.
pub(super) const KEY_SCHEME: &str = "key";

const KEY_ABOUT: &str = "A key made by `market-stress keys create`. Reading needs none.";

/// The headers of answers.
const HEADERS: [(&str, &str); 7] = [
    ("ETag", "A weak validator: the same question over the same rows has the same one."),
    ("Cache-Control", "How long the answer may be reused: until the next row is expected, long for a past `as_of`."),
    ("X-Request-Id", "The id of the request: the one that was sent, or a new one."),
    ("RateLimit", "What is left of the allowance: `r` requests, whole again in `t` seconds."),
    ("RateLimit-Policy", "The allowance of one client: `q` requests at once, refilled over `w` seconds."),
    ("Retry-After", "Seconds to wait."),
    ("Idempotency-Replayed", "`true` when the push was done before, and this is what was answered then."),
];

fn problem_response(code: ProblemCode) -> Response {
    let example = json!(Problem::example(code));
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).example(Some(example)).build();
    ResponseBuilder::new()
        .description(code.about())
        .content("application/problem+json", content)
        .header_ref("X-Request-Id", header_ref("X-Request-Id"))
        .build()
}
