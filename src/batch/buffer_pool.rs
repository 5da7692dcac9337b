//! Memory for request bodies, used again.
//!
//! A body is about a megabyte. Fresh memory of that size costs the kernel a page fault every 4 KiB
//! and is kept by the allocator once for each thread; what was used a moment ago costs nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Bodies that wait to be used again; shared by all sections of a process.
#[derive(Debug)]
pub struct Pool(Mutex<Idle>);

#[derive(Debug)]
struct Idle {
    bodies: Vec<Vec<u8>>,
    bytes: usize,
}

/// The one pool.
pub static BODIES: Pool = Pool::new();

impl Pool {
    const fn new() -> Self {
        let bodies = Vec::new();
        Self(Mutex::new(Idle { bodies, bytes: 0 }))
    }

    /// An empty body, with the room of the one that was given back last.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        let mut idle = self.lock();
        let body = idle.bodies.pop().unwrap_or_default();
        idle.bytes -= body.capacity();
        body
    }

    /// A finished body, to be shared; its memory comes back when the last one lets go of it.
    #[must_use]
    pub fn share(&'static self, body: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent { body, pool: self })
    }

    /// Takes back a body that was not needed after all.
    pub fn give_back(&self, mut body: Vec<u8>) {
        let room = body.capacity();
        let mut idle = self.lock();
        if room >= LEAST && idle.bytes + room <= MOST {
            body.clear();
            idle.bytes += room;
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

/// Bytes that are kept at most while nothing is sent.
const MOST: usize = 3 * 1024 * 1024;
/// Smaller bodies are the allocator's business.
const LEAST: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> &'static Pool {
        Box::leak(Box::new(Pool::new()))
    }

    #[test]
    fn memory_comes_back_when_the_last_one_lets_go() {
        let pool = pool();
        let mut body = pool.take();
        body.resize(LEAST, b'x');
        let first = pool.share(body);
        let second = first.clone();
        drop(first);
        assert_eq!(pool.take().capacity(), 0);
        assert_eq!(second.len(), LEAST);
        drop(second);
        let again = pool.take();
        assert_eq!((again.len(), again.capacity() >= LEAST), (0, true));
    }

    #[test]
    fn little_and_too_much_is_not_kept() {
        let pool = pool();
        drop(pool.share(vec![0; LEAST - 1]));
        assert_eq!(pool.take().capacity(), 0);
        let shared: Vec<Bytes> = (0..5).map(|_| pool.share(vec![0; MOST / 3])).collect();
        drop(shared);
        let kept = (0..5).filter(|_| pool.take().capacity() > 0).count();
        assert_eq!(kept, 3);
    }
}
