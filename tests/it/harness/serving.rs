//! The real program while it serves.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStderr};
use std::time::Duration;

use super::{Program, say, wait_for};

/// How long a state may take to come, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A program that serves; killed when dropped. Where a test fails, its log is shown.
pub(crate) struct Serving {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    stderr: BufReader<ChildStderr>,
}

impl Serving {
    pub(crate) fn start(program: &Program, arguments: &[&str]) -> Self {
        let address = free_address();
        let listen = address.to_string();
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--listen", &listen]).collect();
        let mut child = program.command(&arguments).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, address, stderr }
    }

    /// What the program says up to the first line with these words.
    pub(crate) fn hear(&mut self, words: &str) -> String {
        let mut said = String::new();
        while !said.contains(words) {
            assert!(self.stderr.read_line(&mut said).unwrap() > 0, "{words} was never said: {said}");
        }
        said
    }

    /// Status and body of an answer; `None` while nobody listens.
    pub(crate) fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// Asks until the answer has this status.
    pub(crate) fn wait_for(&self, path: &str, status: u16) -> String {
        self.wait_until(path, |found, _| found == status)
    }

    /// Asks until status and body of the answer are as wanted; gives the body.
    pub(crate) fn wait_until(&self, path: &str, wanted: impl Fn(u16, &str) -> bool) -> String {
        wait_for(path, PATIENCE, || match self.get(path) {
            Some((status, body)) if wanted(status, &body) => Ok(body),
            other => Err(format!("{other:?}")),
        })
    }

    /// Asks the program to stop and gives its exit code and what it said.
    pub(crate) fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        let killed = std::process::Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let code = self.child.wait().unwrap().code();
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).unwrap();
        (code, said)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Already gone where the test stopped it.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let mut logged = String::new();
            let _ = self.stderr.read_to_string(&mut logged);
            say(&format!("the log of the node at {}:\n{logged}", self.address));
        }
    }
}

/// An address nobody listens on.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
