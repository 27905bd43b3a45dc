use std::fmt;
use std::str::FromStr;

use subtle::ConstantTimeEq;

use crate::domain::{ApiKey, Digest, KeyId};
use crate::keys::digest;

/// Begins every token, so that scanners for lost secrets know one when they see it.
const PREFIX: &str = "msk_";

/// How many random bytes make a secret.
const SECRET_BYTES: usize = 32;

/// A key as its holder has it: `msk_`, the id, `_`, and the secret in hexadecimal digits.
///
/// Debugged without its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    id: KeyId,
    secret: [u8; SECRET_BYTES],
}

/// The text is no token of this service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key looks like msk_ID_SECRET, as `keys create` printed it")]
pub struct InvalidToken;

/// The operating system gives no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes: {0}")]
pub struct NoRandomness(#[from] getrandom::Error);

impl Token {
    /// A new one, from the operating system's random bytes.
    ///
    /// # Errors
    /// [`NoRandomness`] where there are none.
    pub fn draw() -> Result<Self, NoRandomness> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret)?;
        Ok(Self { id: KeyId::new(getrandom::u64()?), secret })
    }

    /// The public part.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// What is kept of the secret.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest(&[&self.secret])
    }

    /// Whether this is the token of `key`, in a time that does not depend on where they differ.
    #[must_use]
    pub fn fits(&self, key: &ApiKey) -> bool {
        self.id == key.id && bool::from(self.digest().as_bytes().ct_eq(key.digest.as_bytes()))
    }

    /// The whole token: for the one it is made for, once.
    #[must_use]
    pub fn reveal(&self) -> String {
        // A secret is written as a digest is: as many bytes, in the same digits.
        format!("{PREFIX}{}_{}", self.id, Digest::new(self.secret))
    }
}

impl FromStr for Token {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (id, secret) = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(InvalidToken)?;
        let secret: Digest = secret.parse().map_err(|_| InvalidToken)?;
        Ok(Self { id: id.parse().map_err(|_| InvalidToken)?, secret: *secret.as_bytes() })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}_***", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    fn key(token: &Token) -> ApiKey {
        ApiKey::new(token.id().clone(), "desk", token.digest(), Timestamp::default())
    }

    #[test]
    fn a_token_fits_its_key_and_no_other() {
        let (token, other) = (Token::draw().unwrap(), Token::draw().unwrap());
        assert!(token.fits(&key(&token)));
        assert!(!other.fits(&key(&token)));
        let forged = Token { id: token.id.clone(), secret: other.secret };
        assert!(!forged.fits(&key(&token)));
    }

    #[test]
    fn a_token_is_read_back_and_never_debugged() {
        let token = Token::draw().unwrap();
        assert_eq!(token.reveal().parse(), Ok(token.clone()));
        let secret = token.reveal().rsplit_once('_').unwrap().1.to_owned();
        assert!(!format!("{token:?}").contains(&secret));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let token = Token::draw().unwrap().reveal();
        for text in ["", "msk_", "msk_abc_def", &token[4..], &token[..token.len() - 1], &token.to_uppercase()] {
            assert_eq!(text.parse::<Token>(), Err(InvalidToken), "{text}");
        }
    }

    #[test]
    fn the_digest_is_the_sha_256_of_a_length_and_its_bytes() {
        // printf '\x03\0\0\0\0\0\0\0abc' | sha256sum
        let expected = "ce91dc5eec0139adf091900d225971d6ad246a845bad791b5693a9d0d55dd391";
        assert_eq!(digest(&[b"abc"]).to_string(), expected);
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
    }
}
