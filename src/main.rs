//! The `market-stress` program.

fn main() {}
