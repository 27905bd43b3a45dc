use std::io::{self, Write};

use crate::api;
use crate::cli::Failure;

/// Writes the OpenAPI document of the service to standard output.
pub(super) fn write() -> Result<(), Failure> {
    let document = serde_json::to_string_pretty(&api::document()).map_err(io::Error::from)?;
    Ok(writeln!(io::stdout(), "{document}")?)
}
