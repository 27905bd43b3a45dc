//! The real program, run as a user would.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::RunningClock;

/// A folder of its own to run the program in, with a store that does not exist yet.
pub(crate) struct Program {
    pub(crate) folder: tempfile::TempDir,
    database_url: String,
    /// `None` for the computer's.
    clock: Option<RunningClock>,
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    /// The program with an embedded store in its folder, on the computer's clock.
    pub(crate) fn new() -> Self {
        Self::on("sqlite://./store.db".to_owned())
    }

    /// The program with the store at this address, on the computer's clock.
    pub(crate) fn on(database_url: String) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database_url, clock: None }
    }

    /// The program with the store at this address, on a clock of the test's.
    pub(crate) fn with_clock(database_url: String, clock: RunningClock) -> Self {
        Self { clock: Some(clock), ..Self::on(database_url) }
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Runs the program with nothing on its standard input.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, b"")
    }

    /// Runs the program to its end.
    pub(crate) fn run_with(&self, arguments: &[&str], stdin: &[u8]) -> Ran {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        // A program that refuses early leaves the rest of its input unread.
        let _ = child.stdin.take().unwrap().write_all(stdin);
        let output = child.wait_with_output().unwrap();
        Ran {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// A run that must succeed; gives what it printed.
    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
        ran.stdout
    }

    /// The program ready to be started, with no setting but its store.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.clock.map_or_else(|| Command::new(env!("CARGO_BIN_EXE_market-stress")), RunningClock::command);
        command.args(arguments).current_dir(self.folder.path());
        command.env_clear().env("DATABASE_URL", &self.database_url);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}
