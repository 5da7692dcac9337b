//! The listening socket and its connections: open, or down with its port held.
//!
//! While the service is down a bound but not listening socket keeps the port, so the kernel refuses connections
//! and nobody else can take the port before the service is up again.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::exchange::exchange;
use super::service::Service;
use super::wire::{Switch, Transport, Wire};

/// What the owner of the stand-in wants of its listener; each is acknowledged when done.
pub(super) enum Command {
    Down(mpsc::Sender<io::Result<()>>),
    Up(mpsc::Sender<io::Result<()>>),
    Stop,
}

pub(super) struct Listener {
    service: Arc<Service>,
    address: SocketAddr,
    socket: Socket,
    tls: Option<TlsAcceptor>,
    connections: JoinSet<()>,
    down: Arc<AtomicBool>,
    accepted: AtomicU64,
}

enum Socket {
    Open(TcpListener),
    Held(TcpSocket),
    /// Between the two, and after a failure to change.
    None,
}

impl Listener {
    /// Binds and listens; port 0 takes any free one.
    pub(super) fn bind(
        service: Arc<Service>,
        port: u16,
        tls: Option<TlsAcceptor>,
    ) -> io::Result<Self> {
        let listener = held(SocketAddr::from(([127, 0, 0, 1], port)))?.listen(BACKLOG)?;
        Ok(Self {
            service,
            address: listener.local_addr()?,
            socket: Socket::Open(listener),
            tls,
            connections: JoinSet::new(),
            down: Arc::default(),
            accepted: AtomicU64::new(0),
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until told to stop.
    pub(super) async fn run(mut self, mut commands: UnboundedReceiver<Command>) {
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Down(done)) => acknowledge(&done, self.close().await),
                    Some(Command::Up(done)) => acknowledge(&done, self.open()),
                    Some(Command::Stop) | None => return,
                },
                accepted = next(&self.socket) => self.accept(accepted),
                Some(_) = self.connections.join_next() => {}
            }
        }
    }

    fn accept(&mut self, accepted: io::Result<TcpStream>) {
        // A peer that was gone before its connection was accepted is none of our concern.
        let Ok(socket) = accepted else { return };
        let connection = self.accepted.fetch_add(1, Ordering::Relaxed);
        let switch = Switch {
            connection,
            reset: AtomicBool::new(false),
            down: self.down.clone(),
        };
        self.connections.spawn(serve(
            self.service.clone(),
            socket,
            self.tls.clone(),
            Arc::new(switch),
        ));
    }

    async fn close(&mut self) -> io::Result<()> {
        self.down.store(true, Ordering::Relaxed);
        self.socket = Socket::None;
        self.connections.shutdown().await;
        let socket = held(self.address)?;
        // As long as it does not share its address, nobody else can bind it.
        socket.set_reuseaddr(false)?;
        self.socket = Socket::Held(socket);
        Ok(())
    }

    fn open(&mut self) -> io::Result<()> {
        self.socket = match std::mem::replace(&mut self.socket, Socket::None) {
            Socket::Held(socket) => {
                socket.set_reuseaddr(true)?;
                Socket::Open(socket.listen(BACKLOG)?)
            }
            Socket::None => Socket::Open(held(self.address)?.listen(BACKLOG)?),
            open @ Socket::Open(_) => open,
        };
        // Connections keep their own flag, so those accepted from now on end in peace.
        self.down = Arc::default();
        Ok(())
    }
}

async fn next(socket: &Socket) -> io::Result<TcpStream> {
    match socket {
        Socket::Open(listener) => listener.accept().await.map(|(socket, _)| socket),
        _ => std::future::pending().await,
    }
}

async fn serve(
    service: Arc<Service>,
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    switch: Arc<Switch>,
) {
    // Answers are small; without this they wait for the client's delayed acknowledgement.
    let _ = socket.set_nodelay(true);
    let transport = match tls {
        None => Transport::Plain(socket),
        Some(acceptor) => match acceptor.accept(socket).await {
            Ok(stream) => Transport::Tls(Box::new(stream)),
            Err(_) => return,
        },
    };
    let wire = TokioIo::new(Wire {
        transport,
        switch: switch.clone(),
    });
    let answer = service_fn(|request| exchange(service.clone(), switch.clone(), request));
    let end = http1::Builder::new().serve_connection(wire, answer).await;
    service.change(|account| {
        let calls = &mut account.calls;
        calls.connection_ended(switch.connection, end.is_err());
    });
}

fn held(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn acknowledge(done: &mpsc::Sender<io::Result<()>>, result: io::Result<()>) {
    // Who gave up waiting needs no acknowledgement.
    let _ = done.send(result);
}

const BACKLOG: u32 = 1024;
