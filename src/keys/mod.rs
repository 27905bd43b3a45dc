//! API keys for pushing rows: creating and verifying tokens.
//!
//! Owns the form of a token, the hash of its secret and the comparison. It stores nothing and has no
//! dependency on HTTP or the command line.
//!
//! Only the SHA-256 of a secret is stored. A slow hash such as Argon2 protects passwords, which people
//! choose and which can be guessed one by one. A secret of 256 random bits cannot be guessed at any
//! speed, so the fast hash is as safe, and a request does not pay for a slow one.

mod token;

use sha2::{Digest as _, Sha256};

pub use self::token::{InvalidToken, NoRandomness, Token};
use crate::domain::Digest;

/// Returns the digest of several pieces of bytes; moving a byte between pieces changes it.
#[must_use]
pub fn digest(pieces: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update((piece.len() as u64).to_le_bytes());
        hash.update(piece);
    }
    Digest::new(hash.finalize().into())
}
