//! The catalogue of series, their rows and revisions, and the status of sources.

pub(super) mod series;
pub(super) mod source_status;
