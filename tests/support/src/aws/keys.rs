//! Access keys the stand-in knows: one fixed pair, and those it issued as temporary credentials.

use std::collections::BTreeMap;

/// Access keys by their id.
#[derive(Debug, Default)]
pub(super) struct Keys {
    known: BTreeMap<String, Key>,
    issued: u64,
}

/// What is needed to check a signature made with a key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) secret: String,
    pub(super) token: Option<String>,
    pub(super) expires_ms: Option<i64>,
}

/// Temporary credentials just issued.
pub(super) struct Issued {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) token: String,
    pub(super) expires_ms: i64,
}

impl Keys {
    pub(super) fn add(&mut self, id: &str, secret: &str) {
        let key = Key {
            secret: secret.to_owned(),
            token: None,
            expires_ms: None,
        };
        self.known.insert(id.to_owned(), key);
    }

    pub(super) fn find(&self, id: &str) -> Option<Key> {
        self.known.get(id).cloned()
    }

    /// Issues credentials that differ from all issued before, so that a rotation can be seen.
    pub(super) fn issue(&mut self, expires_ms: i64) -> Issued {
        self.issued += 1;
        let number = self.issued;
        let (id, secret) = (format!("ASIASTANDIN{number:09}"), format!("{number:040}"));
        let token = format!("stand-in-session-token-{number}");
        let key = Key {
            secret: secret.clone(),
            token: Some(token.clone()),
            expires_ms: Some(expires_ms),
        };
        self.known.insert(id.clone(), key);
        Issued {
            id,
            secret,
            token,
            expires_ms,
        }
    }
}
