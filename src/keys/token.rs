use std::fmt;
use std::str::FromStr;

use subtle::ConstantTimeEq;

use crate::domain::{ApiKey, Digest, KeyId};
use crate::keys::digest;

/// Prefix of every token, so that secret scanners recognise it.
const PREFIX: &str = "msk_";

/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;

/// A key as its holder has it: `msk_`, the id, `_`, and the secret in hexadecimal digits.
///
/// Its debug format omits the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    id: KeyId,
    secret: [u8; SECRET_BYTES],
}

/// The text is not a token of this service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an API key: use msk_ID_SECRET as printed by `keys create`")]
pub struct InvalidToken;

/// The operating system returned no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system returned no random bytes: {0}")]
pub struct NoRandomness(#[from] getrandom::Error);

impl Token {
    /// Creates a token from the operating system's random bytes.
    ///
    /// # Errors
    /// [`NoRandomness`] if there are none.
    pub fn draw() -> Result<Self, NoRandomness> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret)?;
        Ok(Self { id: KeyId::new(getrandom::u64()?), secret })
    }

    /// Returns the public part.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// Returns the digest of the secret, as it is stored.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest(&[&self.secret])
    }

    /// Returns true if this is the token of `key`, in constant time.
    #[must_use]
    pub fn fits(&self, key: &ApiKey) -> bool {
        self.id == key.id && bool::from(self.digest().as_bytes().ct_eq(key.digest.as_bytes()))
    }

    /// Returns the whole token, to be printed once for its holder.
    #[must_use]
    pub fn reveal(&self) -> String {
        // A secret is written like a digest: the same number of bytes, in hexadecimal digits.
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
    fn a_token_parses_back_and_debug_omits_its_secret() {
        let token = Token::draw().unwrap();
        assert_eq!(token.reveal().parse(), Ok(token.clone()));
        let secret = token.reveal().rsplit_once('_').unwrap().1.to_owned();
        assert!(!format!("{token:?}").contains(&secret));
    }

    #[test]
    fn malformed_tokens_are_rejected() {
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
