//! `market-stress serve` and `demo`, run as a user would: start, wait for a database, stop.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;

use crate::harness::{Program, Serving, free_address, postgres};

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
    let said = serving.hear("waiting for the database; trying again in 1s");
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
    let body = serving.wait_until(present, |status, body| status == 200 && body.contains("has been unreachable"));
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["data"]["price_usd"], 76_000.0, "{body}");
    let codes: Vec<&str> = answer["warnings"].as_array().unwrap().iter().filter_map(|warning| warning["code"].as_str()).collect();
    assert!(codes.contains(&"stale_input"), "{body}");
    assert_eq!(serving.get(settled).unwrap(), before);
    serving.wait_for("/readyz", 503);

    server.start_again();
    serving.wait_until(present, |status, body| status == 200 && !body.contains("has been unreachable"));
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
