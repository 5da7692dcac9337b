//! A pool of buffers for request bodies.
//!
//! A body has about 1 MB. Newly allocated memory of that size costs a page fault for every 4 KiB, and
//! the allocator keeps freed memory once per thread. A buffer from the pool costs neither.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Buffers that are free for the next body; shared by all output sections of a process.
#[derive(Debug)]
pub struct Pool(Mutex<Idle>);

#[derive(Debug)]
struct Idle {
    bodies: Vec<Vec<u8>>,
    bytes: usize,
}

/// The pool of the process.
pub static BODIES: Pool = Pool::new();

impl Pool {
    const fn new() -> Self {
        let bodies = Vec::new();
        Self(Mutex::new(Idle { bodies, bytes: 0 }))
    }

    /// Returns an empty buffer; its capacity is that of the buffer returned last.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        let mut idle = self.lock();
        let body = idle.bodies.pop().unwrap_or_default();
        idle.bytes -= body.capacity();
        body
    }

    /// Shares a finished body. Its buffer returns to the pool when the last reference is dropped.
    #[must_use]
    pub fn share(&'static self, body: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent { body, pool: self })
    }

    /// Returns a buffer that is not needed to the pool.
    pub fn give_back(&self, mut body: Vec<u8>) {
        let capacity = body.capacity();
        let mut idle = self.lock();
        if capacity >= MIN_CAPACITY && idle.bytes + capacity <= MAX_IDLE_BYTES {
            body.clear();
            idle.bytes += capacity;
            idle.bodies.push(body);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Lent {
    body: Vec<u8>,
    pool: &'static Pool,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.pool.give_back(std::mem::take(&mut self.body));
    }
}

/// Maximum total capacity of free buffers, in bytes.
const MAX_IDLE_BYTES: usize = 3 * 1024 * 1024;
/// Minimum capacity of a free buffer, in bytes. Smaller buffers go back to the allocator.
const MIN_CAPACITY: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> &'static Pool {
        Box::leak(Box::new(Pool::new()))
    }

    #[test]
    fn a_buffer_returns_when_its_last_reference_is_dropped() {
        let pool = pool();
        let mut body = pool.take();
        body.resize(MIN_CAPACITY, b'x');
        let first = pool.share(body);
        let second = first.clone();
        drop(first);
        assert_eq!(pool.take().capacity(), 0);
        assert_eq!(second.len(), MIN_CAPACITY);
        drop(second);
        let again = pool.take();
        assert_eq!((again.len(), again.capacity() >= MIN_CAPACITY), (0, true));
    }

    #[test]
    fn small_and_excess_buffers_are_not_kept() {
        let pool = pool();
        drop(pool.share(vec![0; MIN_CAPACITY - 1]));
        assert_eq!(pool.take().capacity(), 0);
        let shared: Vec<Bytes> = (0..5)
            .map(|_| pool.share(vec![0; MAX_IDLE_BYTES / 3]))
            .collect();
        drop(shared);
        let kept = (0..5).filter(|_| pool.take().capacity() > 0).count();
        assert_eq!(kept, 3);
    }
}
