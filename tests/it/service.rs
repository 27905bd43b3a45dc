//! `market-stress serve` and `demo`, run as a user would: start, wait for a database, stop.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStderr};
use std::time::{Duration, Instant};

use crate::harness::{Program, postgres};

/// How long a state may take to come, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A program that serves; ended when dropped.
struct Serving {
    child: Child,
    address: SocketAddr,
    stderr: BufReader<ChildStderr>,
}

impl Serving {
    fn start(program: &Program, arguments: &[&str]) -> Self {
        let address = free_address();
        let listen = address.to_string();
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--listen", &listen]).collect();
        let mut child = program.command(&arguments).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, address, stderr }
    }

    /// What the program says up to the first line with these words.
    fn hear(&mut self, words: &str) -> String {
        let mut said = String::new();
        while !said.contains(words) {
            assert!(self.stderr.read_line(&mut said).unwrap() > 0, "{words} was never said: {said}");
        }
        said
    }

    /// Status and body of an answer; `None` while nobody listens.
    fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// Asks until the answer has this status.
    fn wait_for(&self, path: &str, status: u16) -> String {
        self.wait_until(path, |found, _| found == status)
    }

    /// Asks until status and body of the answer are as wanted; gives the body.
    fn wait_until(&self, path: &str, wanted: impl Fn(u16, &str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            match self.get(path) {
                Some((status, body)) if wanted(status, &body) => return body,
                other => assert!(begun.elapsed() < PATIENCE, "{path} never answered as wanted, but {other:?}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks the program to stop and gives its exit code and what it said.
    fn stop(mut self, signal: &str) -> (Option<i32>, String) {
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
    }
}

/// An address nobody listens on.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_service_starts_on_nothing_and_stops_when_asked() {
    for signal in ["-TERM", "-INT"] {
        let program = Program::new();
        let serving = Serving::start(&program, &["serve", "--no-feeds"]);
        serving.wait_for("/readyz", 200);
        assert_eq!(serving.get("/livez").unwrap().0, 200);
        let (code, said) = serving.stop(signal);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("stopped"), "{said}");
    }
}

#[test]
fn a_database_that_is_away_at_the_start_is_waited_for() {
    let away = format!("postgres://me:secret@{}/none", free_address());
    let mut serving = Serving::start(&Program::on(away), &["serve", "--no-feeds"]);
    assert!(serving.wait_for("/livez", 200).contains("live"));
    for path in ["/readyz", "/v1/price", "/nowhere"] {
        let (status, body) = serving.get(path).unwrap();
        let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &problem["code"]), (503, &"unavailable".into()), "{path}: {body}");
        assert_eq!(problem["instance"], path);
    }
    let said = serving.hear("waiting for the database, trying again in 1s");
    assert!(!said.contains("secret"), "{said}");
    assert_eq!(serving.stop("-TERM").0, Some(0));
}

#[test]
fn a_database_that_comes_later_is_used() {
    let mut server = match postgres::Server::private() {
        Ok(server) => server,
        Err(reason) => return postgres::did_not_run(&reason),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = runtime.block_on(server.database());
    server.kill();
    let serving = Serving::start(&Program::on(database.url.clone()), &["serve", "--no-feeds"]);
    serving.wait_for("/readyz", 503);
    server.start_again();
    serving.wait_for("/readyz", 200);
}

#[test]
fn while_the_database_is_away_answers_about_the_present_say_so_and_settled_ones_stay_as_they_are() {
    let mut server = match postgres::Server::private() {
        Ok(server) => server,
        Err(reason) => return postgres::did_not_run(&reason),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = runtime.block_on(server.database());
    let program = Program::on(database.url.clone());
    let file = program.write("btc.csv", "open_time,open,high,low,close\n2026-02-03,78000,79000,72000,76000\n");
    program.succeed(&["import", "candles", "--asset", "btc", "--source", "desk", "--interval", "1d", file.to_str().unwrap()]);
    let serving = Serving::start(&program, &["serve", "--no-feeds"]);
    serving.wait_for("/readyz", 200);
    let (present, settled) = ("/v1/price", "/v1/price?as_of=2026-02-05");
    let before = serving.get(settled).unwrap();
    assert!(before.1.contains("76000"), "{before:?}");

    server.kill();
    let body = serving.wait_until(present, |status, body| status == 200 && body.contains("out of reach"));
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["data"]["price_usd"], 76_000.0, "{body}");
    let codes: Vec<&str> = answer["warnings"].as_array().unwrap().iter().filter_map(|warning| warning["code"].as_str()).collect();
    assert!(codes.contains(&"stale_input"), "{body}");
    assert_eq!(serving.get(settled).unwrap(), before);
    serving.wait_for("/readyz", 503);

    server.start_again();
    serving.wait_until(present, |status, body| status == 200 && !body.contains("out of reach"));
    serving.wait_for("/readyz", 200);
}

#[test]
fn an_address_that_can_never_work_ends_the_service_at_once() {
    let ran = Program::on("mysql://x".to_owned()).run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let ran = Program::new().run(&["serve", "--listen", &taken.local_addr().unwrap().to_string()]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("choose another with --listen"), "{}", ran.stderr);
}

#[test]
fn the_demo_says_what_to_try_and_every_line_of_it_works() {
    let program = Program::new();
    let mut serving = Serving::start(&program, &["demo"]);
    serving.wait_for("/readyz", 200);
    let lines: Vec<String> = BufReader::new(serving.child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.starts_with("or open"))
        .filter(|line| line.trim_start().starts_with("curl"))
        .collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    let base = format!("http://{}", serving.address);
    for line in lines {
        let path = line.split('\'').nth(1).unwrap().strip_prefix(&base).unwrap();
        assert_eq!(serving.get(path).unwrap().0, 200, "{line}");
    }
    let (code, said) = serving.stop("-INT");
    assert_eq!(code, Some(0), "{said}");
}
