//! Parameters of a request: their declaration, reading, `as_of` and pages.

pub(in crate::api) mod as_of;
pub(in crate::api) mod page;
pub(in crate::api) mod parameter;
pub(in crate::api) mod reader;
