//! Black-box and contract tests: both stores, the HTTP service, the command line.
