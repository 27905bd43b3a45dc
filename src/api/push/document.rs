use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, Paths};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, ObjectBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::api::openapi::{Entry, KEY_SCHEME, header_ref, problem_ref};
use crate::api::push::request::{IDEMPOTENCY_KEY, MEDIA_TYPES};
use crate::api::push::verdict::Pushed;
use crate::api::response::problem_code::ProblemCode;
use crate::api::routes::endpoint::Spec;
use crate::files::BodyFormat;
use crate::metrics::Answer;

pub(in crate::api) const OBSERVATIONS: Spec = Spec {
    path: "/observations",
    operation: "push_observations",
    section: "0",
    examples: &[],
    tag: "data",
    summary: "Push rows in",
    about: "Readings, candles, ETF flows and forced orders, with a key made by `market-stress keys create`. All rows are taken or \
        none, and each gets a verdict. A row that was known already changes nothing, so a push may be sent again; under an \
        `Idempotency-Key` it gets the same answer again, for a day. What is pushed is known from now on, and never changes an \
        answer at a past `as_of`; only a key made with `--may-backfill` may say `known_at`.",
};

/// The problems a push may be answered with.
const PROBLEMS: [ProblemCode; 11] = [
    ProblemCode::BadRequest,
    ProblemCode::Unauthorized,
    ProblemCode::Forbidden,
    ProblemCode::Conflict,
    ProblemCode::PayloadTooLarge,
    ProblemCode::UnsupportedMediaType,
    ProblemCode::Unprocessable,
    ProblemCode::RateLimited,
    ProblemCode::Internal,
    ProblemCode::Unavailable,
    ProblemCode::Timeout,
];

/// What the rows of a body look like, and what is answered to the first example.
const ROWS: &str = include_str!("rows.json");

#[derive(Default, Deserialize)]
struct Rows {
    schemas: BTreeMap<String, RefOr<Schema>>,
    examples: Map<String, Value>,
    answer: Value,
}

/// The entry of the endpoint in the document.
pub(in crate::api) fn entry(prefix: &str) -> Entry {
    let rows: Rows = serde_json::from_str(ROWS).unwrap_or_default();
    let mut schemas = vec![];
    Answer::<Pushed>::schemas(&mut schemas);
    schemas.push((Pushed::name().into_owned(), Pushed::schema()));
    schemas.push(("PushObservationsAnswer".to_owned(), Answer::<Pushed>::schema()));
    let operation = OperationBuilder::new()
        .tag(OBSERVATIONS.tag)
        .operation_id(Some(OBSERVATIONS.operation))
        .summary(Some(OBSERVATIONS.summary))
        .description(Some(OBSERVATIONS.about))
        .parameter(idempotency_key())
        .request_body(Some(body(&rows.examples)))
        .security(SecurityRequirement::new(KEY_SCHEME, [] as [&str; 0]))
        .response("200", answered(rows.answer));
    let operation =
        PROBLEMS.into_iter().fold(operation, |operation, code| operation.response(code.status().as_str(), problem_ref(code)));
    schemas.extend(rows.schemas);
    let mut paths = Paths::new();
    paths.add_path_operation(format!("{prefix}{}", OBSERVATIONS.path), vec![HttpMethod::Post], operation);
    Entry { schemas, paths }
}

fn idempotency_key() -> utoipa::openapi::path::Parameter {
    ParameterBuilder::new()
        .name(IDEMPOTENCY_KEY)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "A name for this push, new for each. The same body under the same name is answered as before and written once; \
             another body is a `conflict`. Names are kept for a day, each key has its own.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[!-~]{1,255}$"))))
        .example(Some("5b7c1c0e-load-2026-02-04".into()))
        .build()
}

/// The body in every format that is read.
fn body(examples: &Map<String, Value>) -> RequestBody {
    let builder = RequestBodyBuilder::new().description(Some("The rows.")).required(Some(Required::True));
    let with = |builder: RequestBodyBuilder, (media_type, format): &(&str, BodyFormat)| {
        let content = ContentBuilder::new().example(examples.get(*media_type).cloned());
        let content = match format {
            BodyFormat::Json => content.schema(Some(Ref::from_schema_name("PushedRows"))),
            BodyFormat::Ndjson | BodyFormat::Csv => content.schema(Some(ObjectBuilder::new().schema_type(Type::String))),
        };
        builder.content(*media_type, content.build())
    };
    MEDIA_TYPES.iter().fold(builder, with).build()
}

fn answered(example: Value) -> Response {
    let schema = Ref::from_schema_name("PushObservationsAnswer");
    let content = ContentBuilder::new().schema(Some(schema)).example(Some(example)).build();
    let response = ResponseBuilder::new().description("What became of every row.").content("application/json", content);
    let named = ["Idempotency-Replayed", "X-Request-Id", "RateLimit", "RateLimit-Policy"];
    named.into_iter().fold(response, |response, name| response.header_ref(name, header_ref(name))).build()
}
