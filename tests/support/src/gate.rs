//! A way to a server that can go silent: connections that are never accepted, accepted and never
//! read, or dead after they have served.
//!
//! Nothing is reset or closed meanwhile, as behind a firewall or a NAT that forgot a connection.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::net::TcpSocket;

/// Listens before a server on this machine.
#[derive(Debug)]
pub struct Gate {
    port: u16,
    way: Arc<Way>,
    /// What stands in the listener's queue while it is blocked.
    crowd: Mutex<Vec<TcpStream>>,
    listener: Mutex<Option<TcpListener>>,
}

#[derive(Debug)]
struct Way {
    server: u16,
    /// New connections reach the server.
    open: AtomicBool,
    /// Those there are do, too; a flag for each.
    connections: Mutex<Vec<Arc<AtomicBool>>>,
}

impl Gate {
    /// Everything passes.
    ///
    /// # Panics
    ///
    /// When there is no port to listen on.
    #[must_use]
    pub fn open(server: u16) -> Self {
        let gate = Self::blocked(server);
        gate.reopen();
        gate
    }

    /// Connections are made and then nothing is read or written.
    ///
    /// # Panics
    ///
    /// As [`Gate::open`].
    #[must_use]
    pub fn silent(server: u16) -> Self {
        let gate = Self::open(server);
        gate.way.open.store(false, Ordering::Relaxed);
        gate
    }

    /// No connection is made: the listener's queue is full and stays so.
    ///
    /// # Panics
    ///
    /// As [`Gate::open`].
    #[must_use]
    pub fn blocked(server: u16) -> Self {
        let listener = with_a_short_queue().expect("a listener");
        let address = listener.local_addr().expect("an address");
        Self {
            port: address.port(),
            way: Arc::new(Way {
                server,
                open: AtomicBool::new(true),
                connections: Mutex::default(),
            }),
            crowd: Mutex::new(crowd(address)),
            listener: Mutex::new(Some(listener)),
        }
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// New connections pass from now on; those that are silent stay so.
    ///
    /// # Panics
    ///
    /// When there is no thread for it.
    pub fn reopen(&self) {
        self.way.open.store(true, Ordering::Relaxed);
        lock(&self.crowd).clear();
        let Some(listener) = lock(&self.listener).take() else {
            return;
        };
        let way = self.way.clone();
        let accept = move || {
            for client in listener.incoming().flatten() {
                way.take(client);
            }
        };
        thread::Builder::new()
            .name("gate".to_owned())
            .spawn(accept)
            .expect("a thread");
    }

    /// The connections there are go silent; new ones pass.
    pub fn forget_connections(&self) {
        for passes in lock(&self.way.connections).drain(..) {
            passes.store(false, Ordering::Relaxed);
        }
    }
}

impl Way {
    fn take(&self, client: TcpStream) {
        let passes = Arc::new(AtomicBool::new(self.open.load(Ordering::Relaxed)));
        lock(&self.connections).push(passes.clone());
        let server = self.server;
        thread::spawn(move || {
            let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server))?;
            let (answers, back) = (server.try_clone()?, client.try_clone()?);
            let told = passes.clone();
            thread::spawn(move || copy(answers, back, &told));
            copy(client, server, &passes)
        });
    }
}

/// Copies as long as the connection passes; then it reads on and says nothing.
fn copy(mut from: TcpStream, mut to: TcpStream, passes: &AtomicBool) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = from.read(&mut buffer)?;
        if !passes.load(Ordering::Relaxed) {
            if count == 0 {
                return Ok(());
            }
            continue;
        }
        if count == 0 {
            return to.shutdown(Shutdown::Write);
        }
        to.write_all(&buffer[..count])?;
    }
}

fn with_a_short_queue() -> io::Result<TcpListener> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let listener = runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        socket.listen(1)?.into_std()
    })?;
    listener.set_nonblocking(false)?;
    Ok(listener)
}

/// Connections that nobody takes, until there is no room for another.
fn crowd(address: SocketAddr) -> Vec<TcpStream> {
    let next = || TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok();
    std::iter::from_fn(next).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(port: u16, patience: Duration) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let Ok(mut stream) = TcpStream::connect_timeout(&address, patience) else {
            return false;
        };
        stream.set_read_timeout(Some(patience)).expect("a timeout");
        stream.write_all(b"x").expect("written");
        stream.read_exact(&mut [0]).is_ok()
    }

    /// A server that echoes.
    fn echo() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                thread::spawn(move || io::copy(&mut &client, &mut &client));
            }
        });
        port
    }

    #[test]
    fn what_is_blocked_or_silent_passes_when_it_is_reopened() {
        for gate in [Gate::blocked(echo()), Gate::silent(echo())] {
            assert!(!answers(gate.port(), Duration::from_millis(300)));
            gate.reopen();
            // The kernel asks again after a second where the queue was still full.
            assert!(answers(gate.port(), Duration::from_secs(20)));
        }
    }
}
