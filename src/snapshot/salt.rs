//! Digests in place of secret values.

use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};

/// Prefix of a digest.
const PREFIX: &str = "digest:";

/// Length in hexadecimal digits, half a SHA-256: two values of a namespace don't share it by chance.
const DIGITS: usize = 32;

/// A snapshot's salt: its digests are comparable only among themselves.
#[derive(Clone, Debug)]
pub struct Salt {
    text: String,
    key: hmac::Key,
}

impl Salt {
    /// Creates a new salt.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn random() -> Result<Self, ring::error::Unspecified> {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes)?;
        Ok(Self::from_text(hexadecimal(&bytes)))
    }

    /// Returns the salt of an earlier snapshot.
    pub fn from_text(text: String) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes());
        Self { text, key }
    }

    /// Returns the text that a snapshot stores.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns a value's digest. An empty value stays empty, and a digest stays as it is.
    ///
    /// A digest keeps whether a command line would change the value, since that decides how a cure is written.
    pub fn digest(&self, value: &[u8]) -> String {
        if value.is_empty() {
            return String::new();
        }
        if let Some(digest) = std::str::from_utf8(value).ok().filter(|it| is_digest(it)) {
            return digest.to_owned();
        }
        let tag = hmac::sign(&self.key, value);
        let mut digest = format!("{PREFIX}{}", hexadecimal(tag.as_ref()));
        digest.truncate(PREFIX.len() + DIGITS);
        if !crate::fixes::supply::is_plain(value) {
            digest.push(',');
        }
        digest
    }
}

/// Whether a text is a digest.
pub(super) fn is_digest(text: &str) -> bool {
    text.strip_prefix(PREFIX).is_some_and(|digits| {
        let digits = digits.strip_suffix(',').unwrap_or(digits);
        digits.len() == DIGITS && digits.bytes().all(|c| c.is_ascii_hexdigit())
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    // A manifest has tens of thousands of values, and format! takes longer than the digest.
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    let pairs = bytes
        .iter()
        .map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    pairs.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_equal_digests_with_one_salt_only() {
        let salt = Salt::random().unwrap();
        let digest = salt.digest(b"hunter2");
        assert!(is_digest(&digest), "{digest}");
        assert_eq!(
            digest,
            Salt::from_text(salt.text().to_owned()).digest(b"hunter2")
        );
        assert_ne!(digest, Salt::random().unwrap().digest(b"hunter2"));
        assert_ne!(digest, salt.digest(b"hunter3"));
        assert_eq!(salt.digest(digest.as_bytes()), digest);
        assert_eq!(salt.digest(b""), "");
        // What a shell would change is still told.
        assert!(salt.digest(b"a,b").ends_with(','));
    }
}
