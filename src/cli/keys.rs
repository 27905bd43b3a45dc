use std::collections::BTreeSet;
use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::app;
use crate::cli::Failure;
use crate::config::Config;
use crate::domain::{ApiKey, Clock, KeyId, Source, SourceInfo, SourceKind, Timestamp};
use crate::keys::Token;
use crate::store::Store;

const EXAMPLES: &str = "\
Examples:
  KEY=$(market-stress keys create desk --source desk)
  market-stress keys create history --source desk --may-backfill
  market-stress keys list
  market-stress keys revoke 3f9a0c12d4e5

A key is printed once and cannot be shown again: only a hash of it is stored. Every node rejects a revoked key from the
next request on.";

/// Management of the API keys for pushing rows.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(super) enum Keys {
    /// Create a key and print it; standard output contains only the key.
    Create(Create),
    /// List every key: holder, permissions, time of last use.
    List {
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key; it is rejected from now on.
    Revoke {
        /// Id of the key, as shown by `keys list`.
        id: KeyId,
    },
}

/// Properties of a new key.
#[derive(Debug, Args)]
pub(super) struct Create {
    /// Name of the holder, free text.
    name: String,
    /// Source whose rows it may push; may be repeated. Without one it may push rows of every source.
    #[arg(long = "source", value_name = "SOURCE")]
    sources: Vec<Source>,
    /// Allow its rows to state their own `known_at`, and so to add history.
    #[arg(long)]
    may_backfill: bool,
    /// Kind of its sources: venue, aggregator, publisher or scenario. It decides how their values may be added to those
    /// of others.
    #[arg(long, value_name = "KIND", requires = "sources")]
    source_kind: Option<SourceKind>,
    /// Known omissions of its sources; returned with every answer that uses them.
    #[arg(long, value_name = "TEXT", requires = "source_kind")]
    source_note: Option<String>,
}

/// A key in the list.
#[derive(Debug, Serialize)]
struct Listed {
    id: String,
    name: String,
    sources: BTreeSet<Source>,
    may_backfill: bool,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

impl Keys {
    pub(super) async fn run(&self, config: &Config, clock: &dyn Clock) -> Result<(), Failure> {
        let store = app::open_store(config).await?;
        match self {
            Self::Create(create) => create.run(store.as_ref(), clock.now()).await,
            Self::List { json } => list(store.as_ref(), *json).await,
            Self::Revoke { id } => revoke(store.as_ref(), id, clock.now()).await,
        }
    }
}

impl Create {
    async fn run(&self, store: &dyn Store, now: Timestamp) -> Result<(), Failure> {
        let token = Token::draw()?;
        let key = ApiKey {
            sources: self.sources.iter().cloned().collect(),
            may_backfill: self.may_backfill,
            ..ApiKey::new(token.id().clone(), &self.name, token.digest(), now)
        };
        store.put_key(&key).await?;
        for source in &key.sources {
            if let Some(kind) = self.source_kind {
                let note = self.source_note.clone().unwrap_or_default();
                store.put_source(&SourceInfo { source: source.clone(), kind, note }).await?;
            }
        }
        writeln!(io::stdout(), "{}", token.reveal())?;
        writeln!(io::stderr(), "key {} of {}: store it now, it cannot be shown again", key.id, key.name)?;
        Ok(())
    }
}

async fn list(store: &dyn Store, json: bool) -> Result<(), Failure> {
    let mut out = io::stdout();
    if !json {
        writeln!(
            out,
            "{:12}  {:20}  {:20}  {:20}  {:14}  {:20}  name",
            "id", "created", "last used", "revoked", "may", "sources"
        )?;
    }
    for key in store.keys().await? {
        if json {
            writeln!(out, "{}", serde_json::to_string(&Listed::new(key)).map_err(io::Error::from)?)?;
        } else {
            writeln!(out, "{}", line(&key))?;
        }
    }
    Ok(())
}

async fn revoke(store: &dyn Store, id: &KeyId, now: Timestamp) -> Result<(), Failure> {
    let key = store.revoke_key(id, now).await?.ok_or_else(|| Failure::NoKey { id: id.clone() })?;
    let since = key.revoked_at.map(|at| at.to_string()).unwrap_or_default();
    Ok(writeln!(io::stdout(), "key {id} of {} is revoked since {since}", key.name)?)
}

/// Formats a key in one line, for people.
fn line(key: &ApiKey) -> String {
    let at = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.floor(1_000).to_string());
    let may = if key.may_backfill { "push, backfill" } else { "push" };
    let sources = if key.sources.is_empty() {
        "any source".to_owned()
    } else {
        key.sources.iter().map(Source::as_str).collect::<Vec<_>>().join(", ")
    };
    let (created, used, revoked) = (at(Some(key.created_at)), at(key.last_used_at), at(key.revoked_at));
    format!("{:12}  {created:20}  {used:20}  {revoked:20}  {may:14}  {sources:20}  {}", key.id.as_str(), key.name)
}

impl Listed {
    fn new(key: ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            sources: key.sources,
            may_backfill: key.may_backfill,
            created_at: key.created_at,
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
        }
    }
}
