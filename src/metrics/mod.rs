//! One file per question: which series answer it, over which window, with which provenance.
//!
//! Owns the answer structs, which are the schema of the HTTP interface, and pure functions of
//! (market view, question). No I/O, no clock, no SQL, no HTTP.
