use std::collections::{BTreeMap, BTreeSet};

/// What every topic begins with.
pub(super) const TOPIC: &str = "allLiquidation.";
/// The most topics of one text; every kind of connection takes so many.
const TOPICS: usize = 10;
/// A connection takes at most 21,000 characters of topics.
const CHARS: usize = 20_500;

/// The topics that are asked of one connection. There is none for all symbols, and one that is refused takes the others of its
/// text with it, so they are asked for in small batches.
#[derive(Debug, Default)]
pub(super) struct Subscription {
    /// The topics of each batch that were not refused, by the id of the batch.
    batches: BTreeMap<String, Vec<String>>,
    asked: BTreeSet<String>,
    chars: usize,
    ids: u32,
}

/// What becomes of a batch that was refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Narrowing {
    /// The topic that is left out; `None` while it is being looked for.
    pub(super) dropped: Option<String>,
    /// Texts that ask for the rest.
    pub(super) resend: Vec<String>,
}

impl Subscription {
    /// The texts that subscribe to those symbols that were not asked for yet, and how many find no room.
    pub(super) fn add<'a>(&mut self, symbols: impl Iterator<Item = &'a str>) -> (Vec<String>, usize) {
        let (mut topics, mut no_room) = (Vec::new(), 0);
        for topic in symbols.map(|symbol| format!("{TOPIC}{symbol}")) {
            // Quotes and a comma go with each.
            let chars = topic.len() + 3;
            if self.asked.contains(&topic) {
                continue;
            }
            if self.chars + chars > CHARS {
                no_room += 1;
                continue;
            }
            self.chars += chars;
            self.asked.insert(topic.clone());
            topics.push(topic);
        }
        (topics.chunks(TOPICS).map(|topics| self.batch(topics.to_vec())).collect(), no_room)
    }

    /// Narrows a batch that the venue refused in these words, which name the topic or do not; a batch whose topic is not named
    /// is halved until it is alone. `None` for a batch that nobody asked for.
    pub(super) fn narrow(&mut self, id: &str, words: &str) -> Option<Narrowing> {
        let mut topics = self.batches.remove(id)?;
        let named = topics.iter().position(|topic| words.split([',', ':', ' ']).any(|word| word == topic));
        let bad = named.or_else(|| (topics.len() == 1).then_some(0));
        if let Some(bad) = bad {
            let dropped = Some(topics.remove(bad));
            let resend = if topics.is_empty() { Vec::new() } else { vec![self.batch(topics)] };
            return Some(Narrowing { dropped, resend });
        }
        let newer = topics.split_off(topics.len() / 2);
        Some(Narrowing { dropped: None, resend: vec![self.batch(topics), self.batch(newer)] })
    }

    /// Whether every topic was refused.
    pub(super) fn is_empty(&self) -> bool {
        self.batches.values().all(Vec::is_empty)
    }

    fn batch(&mut self, topics: Vec<String>) -> String {
        self.ids += 1;
        let id = self.ids.to_string();
        let text = serde_json::json!({"op": "subscribe", "req_id": id, "args": topics}).to_string();
        self.batches.insert(id, topics);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("C{number:03}USDT")).collect()
    }

    fn topics(text: &str) -> usize {
        serde_json::from_str::<serde_json::Value>(text).unwrap()["args"].as_array().unwrap().len()
    }

    #[test]
    fn topics_come_in_small_batches_and_each_once() {
        let mut subscription = Subscription::default();
        let (first, later) = (symbols(23), symbols(24));
        let (texts, no_room) = subscription.add(first.iter().map(String::as_str));
        assert_eq!((texts.iter().map(|text| topics(text)).collect::<Vec<_>>(), no_room), (vec![10, 10, 3], 0));
        let (texts, _) = subscription.add(later.iter().map(String::as_str));
        assert_eq!(texts.len(), 1);
        assert!(texts[0].contains("C023USDT") && topics(&texts[0]) == 1, "{texts:?}");
    }

    #[test]
    fn what_one_connection_does_not_take_is_counted() {
        let all = symbols(1_000);
        let (texts, no_room) = Subscription::default().add(all.iter().map(String::as_str));
        let asked: usize = texts.iter().map(|text| topics(text)).sum();
        assert_eq!((asked, no_room), (CHARS / 26, 1_000 - CHARS / 26));
    }

    #[test]
    fn a_topic_that_is_named_is_dropped_and_the_others_are_asked_for_again() {
        let mut subscription = Subscription::default();
        subscription.add(["AUSDT", "BUSDT", "BUSDTX"].into_iter());
        let narrowing = subscription.narrow("1", "error:handler not found,topic:allLiquidation.BUSDT").unwrap();
        assert_eq!(narrowing.dropped.as_deref(), Some("allLiquidation.BUSDT"));
        assert_eq!(narrowing.resend.len(), 1);
        assert!(narrowing.resend[0].contains("AUSDT") && narrowing.resend[0].contains("BUSDTX"), "{:?}", narrowing.resend);
        assert_eq!(subscription.narrow("1", "again"), None, "it goes by another id now");
    }

    #[test]
    fn a_topic_that_is_not_named_is_found_by_halving() {
        let mut subscription = Subscription::default();
        subscription.add(["AUSDT", "BUSDT"].into_iter());
        let narrowing = subscription.narrow("1", "something is wrong").unwrap();
        assert_eq!((narrowing.dropped, narrowing.resend.len()), (None, 2));
        assert_eq!(subscription.narrow("3", "something is wrong").unwrap().dropped.as_deref(), Some("allLiquidation.BUSDT"));
        assert!(!subscription.is_empty());
        subscription.narrow("2", "something is wrong");
        assert!(subscription.is_empty());
    }
}
