//! Structured logs: set up once, by the program's entry.
