use std::collections::BTreeSet;

use crate::cli::Failure;
use crate::domain::nearest;
use crate::ingest::Entry;

/// Returns the feeds with these names or source names; all of them if no name is given.
pub(super) fn chosen(mut entries: Vec<Entry>, names: &[String]) -> Result<Vec<Entry>, Failure> {
    for name in names {
        if !entries.iter().any(|entry| is_named(entry, name)) {
            return Err(Failure::Usage(unknown(name, &entries)));
        }
    }
    entries.retain(|entry| names.is_empty() || names.iter().any(|name| is_named(entry, name)));
    Ok(entries)
}

fn is_named(entry: &Entry, name: &str) -> bool {
    let profile = entry.feed.profile();
    profile.name == name || profile.info.source.as_str() == name
}

fn unknown(name: &str, entries: &[Entry]) -> String {
    let names = entries.iter().flat_map(|entry| [entry.feed.profile().name, entry.feed.profile().info.source.as_str()]);
    let names: BTreeSet<&str> = names.collect();
    let hint = match nearest(name, names.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("known: {}", names.into_iter().collect::<Vec<_>>().join(", ")),
    };
    format!("unknown feed or source `{name}`; {hint}")
}
