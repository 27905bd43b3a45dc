//! Configuration: defaults, file, environment, flags, in rising order of precedence.
//!
//! The one place that reads the environment. It starts nothing.
