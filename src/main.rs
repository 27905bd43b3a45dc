//! The `market-stress` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    market_stress::cli::main()
}
