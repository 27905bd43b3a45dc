//! The instants that replays end at, and the clock that runs on from one of them.

use std::ffi::OsString;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use market_stress::cli;
use market_stress::domain::{Clock, SystemClock, Timestamp};
use rstest::rstest;

/// A page of minutes ends here: the newest page of a back-fill is whole.
pub(crate) const PAGE_EDGE: &str = "2026-02-04T13:00:00Z";
/// The newest page has one minute.
pub(crate) const ONE_MINUTE_AFTER_A_PAGE_EDGE: &str = "2026-02-04T13:01:00Z";
/// The newest page has fewer minutes than a test sends forced orders.
pub(crate) const SOON_AFTER_A_PAGE_EDGE: &str = "2026-02-04T13:25:00Z";
/// A page ends while the nodes run.
pub(crate) const JUST_BEFORE_A_PAGE_EDGE: &str = "2026-02-04T12:59:55Z";
/// A day begins while the nodes run.
pub(crate) const JUST_BEFORE_MIDNIGHT: &str = "2026-02-03T23:59:55Z";
/// A year begins.
pub(crate) const NEW_YEAR: &str = "2026-01-01T00:00:00Z";
/// New York puts its clocks forward.
pub(crate) const NEW_YORK_SPRING: &str = "2026-03-08T07:00:00Z";
/// New York puts its clocks back.
pub(crate) const NEW_YORK_AUTUMN: &str = "2026-11-01T06:00:00Z";

/// A clock that shows an instant of a test's choosing when it is made, and runs on from there.
///
/// It differs from the computer's clock by a constant, so that it shows the same in every process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunningClock {
    ahead_ms: i64,
}

impl RunningClock {
    pub(crate) fn from(start: Timestamp) -> Self {
        Self { ahead_ms: start.ms_since(SystemClock.now()) }
    }

    /// The program on this clock: this test binary, which runs [`program_on_a_clock`] alone.
    pub(crate) fn command(self) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let test = concat!(module_path!(), "::program_on_a_clock").split_once("::").unwrap().1;
        command.args([test, "--exact", "--ignored", "--nocapture", "--"]).arg(self.ahead_ms.to_string());
        command
    }
}

impl Clock for RunningClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_ms(self.ahead_ms)
    }
}

/// `main` of the program with another clock. It is told after `--` how far that is ahead, milliseconds,
/// and what `main` would be told.
#[test]
#[ignore = "is the program that other tests start; alone it has nothing to do"]
fn program_on_a_clock() -> ExitCode {
    let mut told = std::env::args().skip_while(|argument| argument != "--").skip(1);
    let ahead_ms = told.next().expect("only RunningClock::command starts it").parse().unwrap();
    let arguments = std::iter::once("market-stress".to_owned()).chain(told).map(OsString::from);
    cli::main(arguments, Arc::new(RunningClock { ahead_ms }))
}

#[rstest]
#[case(PAGE_EDGE, 0)]
#[case(ONE_MINUTE_AFTER_A_PAGE_EDGE, 1)]
#[case(SOON_AFTER_A_PAGE_EDGE, 25)]
#[case(JUST_BEFORE_A_PAGE_EDGE, 1_499)]
fn instants_lie_where_their_names_say(#[case] at: &str, #[case] minutes_after: i64) {
    let at: Timestamp = at.parse().unwrap();
    assert_eq!(at.unix_ms().div_euclid(60_000) % 1_500, minutes_after);
}
