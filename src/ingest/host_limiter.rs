use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long a host is left alone that blocks this client.
pub(super) const BLOCKED_REST: Duration = Duration::from_hours(1);

/// How a host is spared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostPolicy {
    /// The least time between two requests to one host.
    pub spacing: Duration,
    /// After this many failures in a row the host is left alone.
    pub failures_to_cooldown: u32,
    /// For how long; then one request is let through to see whether it is back.
    pub cooldown: Duration,
    /// How long a host is left alone that blocks this client.
    pub blocked_rest: Duration,
}

/// Keeps the peace with every host: spaces requests, obeys `Retry-After`, and breaks the circuit of
/// a host that keeps failing. Shared by all feeds, so feeds of one host share its limits.
#[derive(Debug)]
pub struct HostLimiter {
    manners: HostPolicy,
    hosts: Mutex<HashMap<String, Host>>,
}

#[derive(Debug, Clone, Copy)]
struct Host {
    next_slot: Instant,
    silent_until: Instant,
    failures: u32,
}

impl Default for HostPolicy {
    fn default() -> Self {
        Self {
            spacing: Duration::from_millis(100),
            failures_to_cooldown: 5,
            cooldown: Duration::from_mins(1),
            blocked_rest: BLOCKED_REST,
        }
    }
}

impl HostLimiter {
    /// A gate with the same manners to every host.
    #[must_use]
    pub fn new(manners: HostPolicy) -> Self {
        Self { manners, hosts: Mutex::new(HashMap::new()) }
    }

    /// Takes the next slot of a host and says how long to wait for it; the next slot comes after `pause`, or after the spacing
    /// of the manners if that is longer.
    ///
    /// # Errors
    /// How much longer the host is to be left alone.
    pub fn enter(&self, host: &str, pause: Duration, now: Instant) -> Result<Duration, Duration> {
        self.with(host, now, |entry, manners| {
            if entry.silent_until > now {
                return Err(entry.silent_until - now);
            }
            if entry.failures >= manners.failures_to_cooldown {
                // Half open: this one may try, the others rest until it has reported.
                entry.silent_until = now + manners.cooldown;
            }
            let slot = entry.next_slot.max(now);
            entry.next_slot = slot + manners.spacing.max(pause);
            Ok(slot - now)
        })
    }

    /// The host answered: its circuit is closed.
    pub fn succeeded(&self, host: &str, now: Instant) {
        self.with(host, now, |entry, _| {
            entry.failures = 0;
            entry.silent_until = now;
        });
    }

    /// The host failed; too many in a row open its circuit.
    pub fn failed(&self, host: &str, now: Instant) {
        self.with(host, now, |entry, manners| {
            entry.failures = entry.failures.saturating_add(1);
            if entry.failures >= manners.failures_to_cooldown {
                entry.silent_until = entry.silent_until.max(now + manners.cooldown);
            }
        });
    }

    /// The host asked for silence.
    pub fn block_for(&self, host: &str, wait: Duration, now: Instant) {
        self.with(host, now, |entry, _| entry.silent_until = entry.silent_until.max(now + wait));
    }

    fn with<T>(&self, host: &str, now: Instant, act: impl FnOnce(&mut Host, &HostPolicy) -> T) -> T {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = hosts.entry(host.to_owned()).or_insert(Host { next_slot: now, silent_until: now, failures: 0 });
        act(entry, &self.manners)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> HostLimiter {
        HostLimiter::new(HostPolicy { failures_to_cooldown: 3, ..HostPolicy::default() })
    }

    #[test]
    fn requests_to_one_host_are_spaced_and_hosts_do_not_wait_for_each_other() {
        let (gate, now) = (gate(), Instant::now());
        let waits = [0, 100, 200].map(Duration::from_millis);
        assert_eq!([(); 3].map(|()| gate.enter("a", Duration::ZERO, now).unwrap()), waits);
        assert_eq!(gate.enter("b", Duration::ZERO, now), Ok(Duration::ZERO));
    }

    #[test]
    fn what_costs_more_of_a_limit_is_followed_by_a_longer_pause() {
        let (gate, now) = (gate(), Instant::now());
        let waits = [2_000, 0, 0].map(|pause| gate.enter("a", Duration::from_millis(pause), now).unwrap().as_millis());
        assert_eq!(waits, [0, 2_000, 2_100]);
    }

    #[test]
    fn a_host_that_asks_for_silence_gets_it() {
        let (gate, now) = (gate(), Instant::now());
        gate.block_for("a", Duration::from_secs(30), now);
        assert_eq!(gate.enter("a", Duration::ZERO, now), Err(Duration::from_secs(30)));
        assert!(gate.enter("a", Duration::ZERO, now + Duration::from_secs(30)).is_ok());
    }

    #[test]
    fn a_host_that_keeps_failing_rests_then_one_request_tries_it() {
        let (gate, now) = (gate(), Instant::now());
        for _ in 0..3 {
            gate.failed("a", now);
        }
        let later = now + Duration::from_secs(61);
        assert!(gate.enter("a", Duration::ZERO, now).is_err());
        assert!(gate.enter("a", Duration::ZERO, later).is_ok(), "one tries");
        assert!(gate.enter("a", Duration::ZERO, later).is_err(), "the others wait for it");
        gate.succeeded("a", later);
        assert!(gate.enter("a", Duration::ZERO, later).is_ok());
    }
}
