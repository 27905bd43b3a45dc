//! How often a client may ask: a token bucket for each address or key, in a fixed amount of memory.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::KeyId;

static POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
static LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// Buckets there are. Addresses that meet in one share it; which ones do differs with every start.
const BUCKETS: usize = 1 << u16::BITS;

/// How much one client may ask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quota {
    /// Requests at once.
    pub burst: u32,
    /// Requests a second in the long run.
    pub per_second: u32,
}

/// Keeps each client to its allowance.
///
/// Each bucket is one number, the instant at which it will be full again (the generic cell rate
/// algorithm, ITU-T I.371), so that taking is one atomic step.
#[derive(Debug)]
pub(in crate::api) struct RateLimiter {
    allowance: Quota,
    full_at_ns: Box<[AtomicU64]>,
    hasher: RandomState,
    started: Instant,
    policy: HeaderValue,
}

/// What is left of a client's allowance after a request was counted or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct Decision {
    bucket: usize,
    /// Requests that may follow at once.
    pub requests: u64,
    /// Seconds until the whole burst is there again; where nothing is left, until the next request is.
    pub reset_seconds: u64,
    /// Whether this request is within the allowance.
    pub granted: bool,
}

impl RateLimiter {
    /// Buckets that are full. An allowance of nothing is taken as one request.
    #[must_use]
    pub(in crate::api) fn new(allowance: Quota) -> Self {
        let allowance = Quota { burst: allowance.burst.max(1), per_second: allowance.per_second.max(1) };
        let Quota { burst, per_second } = allowance;
        let window_seconds = burst.div_ceil(per_second);
        let policy = HeaderValue::from_str(&format!("\"client\";q={burst};w={window_seconds}"));
        Self {
            allowance,
            full_at_ns: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            started: Instant::now(),
            policy: policy.unwrap_or_else(|_| HeaderValue::from_static("\"client\"")),
        }
    }

    /// Counts one request of a client.
    pub(in crate::api) fn take(&self, address: IpAddr) -> Decision {
        self.consume(self.bucket(address))
    }

    /// Counts one request made with a key.
    pub(in crate::api) fn take_for(&self, key: &KeyId) -> Decision {
        self.consume(self.bucket_of(key))
    }

    fn consume(&self, bucket: usize) -> Decision {
        let now = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let (step, capacity) = (self.step_ns(), self.step_ns() * u64::from(self.allowance.burst));
        let consume = |full_at: u64| {
            let spent = full_at.max(now) + step;
            (spent <= now + capacity).then_some(spent)
        };
        let taken = self.full_at_ns[bucket].fetch_update(Ordering::Relaxed, Ordering::Relaxed, consume);
        let (full_at, granted) = match taken {
            Ok(before) => (before.max(now) + step, true),
            Err(full_at) => (full_at, false),
        };
        let requests = (now + capacity).saturating_sub(full_at) / step;
        let wait_ns = if granted { full_at - now } else { (full_at + step).saturating_sub(now + capacity) };
        Decision { bucket, requests, reset_seconds: wait_ns.div_ceil(1_000_000_000).max(1), granted }
    }

    /// Gives one request back, as for an answer the client held already.
    pub(in crate::api) fn refund(&self, left: &Decision) {
        let refund = |full_at: u64| Some(full_at.saturating_sub(self.step_ns()));
        let _always_some = self.full_at_ns[left.bucket].fetch_update(Ordering::Relaxed, Ordering::Relaxed, refund);
    }

    /// Writes the headers of the IETF draft on rate limits.
    pub(in crate::api) fn write_headers(&self, left: &Decision, headers: &mut HeaderMap) {
        headers.insert(&POLICY, self.policy.clone());
        if let Ok(value) = HeaderValue::from_str(&format!("\"client\";r={};t={}", left.requests, left.reset_seconds)) {
            headers.insert(&LEFT, value);
        }
    }

    const fn step_ns(&self) -> u64 {
        1_000_000_000 / self.allowance.per_second as u64
    }

    /// The bucket of an address; a whole /64 network of IPv6 is one client.
    fn bucket(&self, address: IpAddr) -> usize {
        let network = match address.to_canonical() {
            IpAddr::V4(v4) => u64::from(v4.to_bits()),
            IpAddr::V6(v6) => u64::from_be_bytes(v6.octets()[..8].try_into().unwrap_or_default()),
        };
        self.bucket_of(network)
    }

    fn bucket_of(&self, client: impl Hash) -> usize {
        let [low, high, ..] = self.hasher.hash_one(client).to_le_bytes();
        usize::from(u16::from_le_bytes([low, high]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn a_burst_is_granted_and_no_more() {
        let limiter = RateLimiter::new(Quota { burst: 3, per_second: 1 });
        let granted: Vec<bool> = (0..5).map(|_| limiter.take(HOME).granted).collect();
        assert_eq!(granted, [true, true, true, false, false]);
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let limiter = RateLimiter::new(Quota { burst: 1, per_second: 1 });
        for _ in 0..10 {
            let left = limiter.take(HOME);
            assert!(left.granted);
            limiter.refund(&left);
        }
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let limiter = RateLimiter::new(Quota { burst: 1, per_second: 1 });
        assert_eq!(limiter.bucket("2001:db8::1".parse().unwrap()), limiter.bucket("2001:db8::ffff".parse().unwrap()));
        assert_eq!(limiter.bucket("::ffff:127.0.0.1".parse().unwrap()), limiter.bucket(HOME));
    }
}
