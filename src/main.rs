//! The `market-stress` program.

use std::process::ExitCode;
use std::sync::Arc;

use market_stress::domain::SystemClock;

fn main() -> ExitCode {
    market_stress::cli::main(std::env::args_os(), Arc::new(SystemClock))
}
