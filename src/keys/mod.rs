//! The keys with which rows are pushed in: drawing them, and telling whether one fits.
//!
//! Owns the form of a token, the hash of its secret and the comparison. It stores nothing and knows
//! neither HTTP nor the command line.
//!
//! Only the SHA-256 of a secret is kept. A slow hash such as Argon2 protects passwords, which people
//! choose and which can be guessed one by one; a secret of 256 random bits cannot be guessed at any
//! speed, so the fast hash loses nothing and a request does not pay for a slow one.

mod token;

use sha2::{Digest as _, Sha256};

pub use self::token::{InvalidToken, NoRandomness, Token};
use crate::domain::Digest;

/// The digest of some pieces of bytes, in which a piece cannot reach into the next.
#[must_use]
pub fn digest(pieces: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update((piece.len() as u64).to_le_bytes());
        hash.update(piece);
    }
    Digest::new(hash.finalize().into())
}
