use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::{Endpoint, Spec};
use crate::metrics::SourcesQuery;

impl Endpoint for SourcesQuery {
    const SPEC: Spec = Spec {
        path: "/sources",
        operation: "list_sources",
        tag: "data",
        summary: "Where the figures come from, and how each source is",
        about: "One row for each feed and for each source that rows were imported from. At a past `as_of` only the rows known by \
            then speak: how a feed was is not kept.",
        section: "0",
        examples: &[""],
    };

    fn read(_: &mut ParamReader) {}
}
