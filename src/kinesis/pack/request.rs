//! Kinesis records -> requests within the limits.

use std::collections::HashSet;
use std::sync::Arc;

use base64_simd::STANDARD;

use crate::batch::{Batch, BatchBuilder, Limits};
use crate::delivery::ledger::PendingItems;
use crate::json::escape::{self, Depth};
use crate::kinesis::partition_key;

/// The open request, and the full requests.
#[derive(Debug)]
pub(super) struct Request {
    open: BatchBuilder,
    full: Vec<Batch>,
    head: Vec<u8>,
    only: Option<Arc<PendingItems>>,
    /// The partition keys in the open request, if each key may occur only once.
    keys: Option<HashSet<Box<str>>>,
}

impl Request {
    /// Starts a chunk. On a retry only the items in `only` are packed.
    ///
    /// With `ordered`, a request has at most one record of each key, because the service may store the second
    /// of two records and fail the first.
    pub(super) fn new(stream: &str, ordered: bool, only: Option<Arc<PendingItems>>) -> Self {
        let head = head(stream);
        Self {
            open: BatchBuilder::new(LIMITS, &head, only.clone()),
            full: Vec::new(),
            head,
            only,
            keys: ordered.then(HashSet::new),
        }
    }

    /// The number of full requests.
    pub(super) fn full(&self) -> usize {
        self.full.len()
    }

    /// The size of the full requests in bytes, as the service calculates it.
    pub(super) fn full_bytes(&self) -> usize {
        self.full.iter().map(Batch::bytes).sum()
    }

    /// Returns the full requests.
    pub(super) fn take_full(&mut self) -> Vec<Batch> {
        std::mem::take(&mut self.full)
    }

    /// Closes the open request.
    pub(super) fn close(&mut self) {
        let next = BatchBuilder::new(LIMITS, &self.head, self.only.clone());
        let open = std::mem::replace(&mut self.open, next);
        self.full.extend(open.finish());
        self.keys.iter_mut().for_each(HashSet::clear);
    }

    /// Adds a record with this partition key, or with a random one.
    #[inline]
    pub(super) fn add(&mut self, key: Option<&str>, data: &[u8], time: i64, ordinal: u32) {
        match key {
            Some(key) => self.add_keyed(key, data, time, ordinal),
            None => self.add_keyed(&partition_key::random(), data, time, ordinal),
        }
    }

    #[inline]
    fn add_keyed(&mut self, key: &str, data: &[u8], time: i64, ordinal: u32) {
        if self.keys.as_ref().is_some_and(|keys| keys.contains(key)) {
            self.close();
        }
        let body = self.open.body();
        let start = body.len();
        body.extend_from_slice(b"{\"Data\":\"");
        STANDARD.encode_append(data, body);
        body.extend_from_slice(b"\",\"PartitionKey\":\"");
        escape::append(key.as_bytes(), Depth::Once, body);
        body.extend_from_slice(b"\"}");
        let bytes = data.len() + key.len();
        let full = self.open.add(start, time, bytes, ordinal);
        if let Some(keys) = &mut self.keys {
            if full.is_some() {
                keys.clear();
            }
            keys.insert(key.into());
        }
        self.full.extend(full);
    }
}

/// The request body up to its first record. A valid name contains no characters to escape.
fn head(stream: &str) -> Vec<u8> {
    format!("{{\"StreamName\":\"{stream}\",\"Records\":[").into_bytes()
}

/// Limits of PutRecords: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html>. The
/// size is that of the data before base64 and of the partition keys. The service has no limit on the time
/// span of a request.
pub(super) const LIMITS: Limits = Limits {
    items: 500,
    bytes: 10 * 1024 * 1024,
    span_ms: None,
};
