//! `market-stress keys`, run as a user would, on either engine.

use rstest::rstest;

use crate::harness::{Engine, Home, Program};

/// Makes a key and gives the token and its id.
fn create(program: &Program, arguments: &[&str]) -> (String, String) {
    let token = program.succeed(&[&["keys", "create"], arguments].concat());
    let token = token.strip_suffix('\n').expect("one line").to_owned();
    let id = token.split('_').nth(1).unwrap().to_owned();
    (token, id)
}

fn listed(program: &Program) -> Vec<serde_json::Value> {
    program.succeed(&["keys", "list", "--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[rstest]
#[tokio::test]
async fn a_key_is_shown_once_listed_and_revoked(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let program = Program::on(home.address());
    let (token, id) = create(&program, &["my desk", "--source", "desk", "--source", "a_b", "--may-backfill"]);
    let (_, open) = create(&program, &["anybody"]);
    let keys = listed(&program);
    assert_eq!(keys.len(), 2);
    assert_eq!((&keys[0]["id"], &keys[0]["name"]), (&id.clone().into(), &"my desk".into()));
    assert_eq!(keys[0]["sources"], serde_json::json!(["a_b", "desk"]));
    assert_eq!((&keys[0]["may_backfill"], &keys[1]["may_backfill"]), (&true.into(), &false.into()));
    assert_eq!((&keys[1]["sources"], &keys[1]["revoked_at"]), (&serde_json::json!([]), &serde_json::Value::Null));

    let told = program.succeed(&["keys", "revoke", &id]);
    assert!(told.starts_with(&format!("key {id} of my desk is revoked since 2")), "{told}");
    assert_eq!(program.succeed(&["keys", "revoke", &id]), told, "the instant of the revocation changed");
    let table = program.succeed(&["keys", "list"]);
    assert!(table.contains("push, backfill  a_b, desk") && table.contains("any source"), "{table}");
    assert_eq!(listed(&program)[1]["id"], open);

    let secret = token.rsplit_once('_').unwrap().1;
    let shown = [&table, &told, &format!("{:?}", listed(&program))].map(|text| text.contains(secret));
    assert_eq!(shown, [false; 3], "the secret was shown again");
}

#[test]
fn the_store_does_not_hold_the_secret() {
    let program = Program::new();
    let (token, id) = create(&program, &["desk"]);
    let held: Vec<u8> = ["store.db", "store.db-wal"]
        .iter()
        .flat_map(|name| std::fs::read(program.folder.path().join(name)).unwrap_or_default())
        .collect();
    let holds = |text: &str| held.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(&id));
    assert!(!holds(token.rsplit_once('_').unwrap().1));
}

#[test]
fn a_source_is_introduced_with_its_key() {
    let program = Program::new();
    create(&program, &["desk", "--source", "desk", "--source-kind", "aggregator", "--source-note", "ours alone"]);
    let ran = program.run(&["keys", "create", "desk", "--source-kind", "venue"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
}

#[rstest]
#[case(&["keys"], 2, "Usage")]
#[case(&["keys", "create"], 2, "<NAME>")]
#[case(&["keys", "create", "desk", "--source", "No Good"], 2, "is not a source name")]
#[case(&["keys", "revoke", "xyz"], 2, "12 hexadecimal digits")]
#[case(&["keys", "revoke", "000000000000"], 1, "no key has the id 000000000000; see `market-stress keys list`")]
fn what_cannot_be_done_is_said(#[case] arguments: &[&str], #[case] code: i32, #[case] message: &str) {
    let ran = Program::new().run(arguments);
    assert_eq!(ran.code, code, "{}", ran.stderr);
    assert!(ran.stderr.contains(message), "{}", ran.stderr);
}
