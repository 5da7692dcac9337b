//! The running stand-in: its address, its account, and the levers by which a test makes it fail.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::account::Account;
use super::builder::{Builder, other};
use super::calls::Call;
use super::certificate::Identity;
use super::kinesis::{KinesisRecord, KinesisStream};
use super::listener::{Command, Listener};
use super::rule::Rule;
use super::service::{Service, locked};
use super::stored::{Group, StoredEvent, Stream};
use super::sts::AssumedRole;

/// A running stand-in; dropping it ends its threads and frees its port.
pub struct StandIn {
    pub(super) service: Arc<Service>,
    address: SocketAddr,
    authority_pem: Option<String>,
    commands: UnboundedSender<Command>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    /// Starts one with the default settings on any free port.
    ///
    /// # Panics
    /// When no port of 127.0.0.1 can be bound; [`Builder::start`] reports that as an error.
    pub fn start() -> Self {
        Self::builder()
            .start()
            .unwrap_or_else(|problem| panic!("no stand-in can be started: {problem}"))
    }

    /// Settings to start one with.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// `http://127.0.0.1:<port>`, or `https://` with TLS.
    pub fn url(&self) -> String {
        let scheme = if self.authority_pem.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address)
    }

    /// Port of 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Certificate of the authority that a client of the TLS variant must trust; `None` without TLS.
    pub fn certificate_pem(&self) -> Option<&str> {
        self.authority_pem.as_deref()
    }

    /// Value for `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub fn credentials_uri(&self) -> String {
        format!("{}/creds", self.url())
    }

    /// Value for `ECS_CONTAINER_METADATA_URI_V4`.
    pub fn task_metadata_uri(&self) -> String {
        format!("{}/v4/log-router", self.url())
    }

    /// Accepted events of a stream in stored order.
    pub fn events(&self, group: &str, stream: &str) -> Vec<StoredEvent> {
        self.service.account().events(group, stream).to_vec()
    }

    /// Groups by name with all they hold.
    pub fn groups(&self) -> BTreeMap<String, Group> {
        self.service.account().groups().clone()
    }

    /// All streams as pairs of group and stream.
    pub fn streams(&self) -> Vec<(String, String)> {
        let account = self.service.account();
        account
            .streams()
            .map(|(group, stream)| (group.to_owned(), stream.to_owned()))
            .collect()
    }

    /// Accepted records of a delivery stream, decoded, in stored order.
    pub fn records(&self, delivery_stream: &str) -> Vec<Vec<u8>> {
        self.service.account().records(delivery_stream).to_vec()
    }

    /// Accepted records of a Kinesis data stream, decoded, in stored order.
    pub fn kinesis_records(&self, stream: &str) -> Vec<KinesisRecord> {
        self.service.account().kinesis_records(stream).to_vec()
    }

    /// Calls in the order in which they began.
    pub fn calls(&self) -> Vec<Call> {
        self.service.account().calls().cloned().collect()
    }

    /// How often an operation was called, whatever was answered.
    pub fn count(&self, operation: &str) -> u64 {
        self.service.account().count(operation)
    }

    /// The most calls of an operation that ever waited for their answers at once.
    pub fn max_in_flight(&self, operation: &str) -> usize {
        self.service.account().max_in_flight(operation)
    }

    /// Roles assumed through STS, in order.
    pub fn assumed_roles(&self) -> Vec<AssumedRole> {
        self.service.account().assumed_roles().to_vec()
    }

    /// Looks at the account while nothing changes it.
    pub fn look<T>(&self, look: impl FnOnce(&Account) -> T) -> T {
        look(&self.service.account())
    }

    /// Waits until the predicate holds, asking it after every change; false when the time has passed before.
    pub fn wait_for(&self, predicate: impl FnMut(&Account) -> bool, timeout: Duration) -> bool {
        self.service.wait_for(predicate, timeout)
    }

    /// Makes a log group; one that exists stays as it is.
    pub fn create_group(&self, group: &str) {
        let now_ms = self.service.clock.now_ms();
        self.service.change(|account| {
            account
                .groups
                .entry(group.to_owned())
                .or_insert_with(|| Group::new(now_ms));
        });
    }

    /// Makes a log stream, and its group if need be.
    pub fn create_stream(&self, group: &str, stream: &str) {
        self.create_group(group);
        let created_ms = self.service.clock.now_ms();
        self.service.change(|account| {
            let streams = account
                .groups
                .get_mut(group)
                .map(|group| &mut group.streams);
            let fresh = || Stream {
                created_ms,
                ..Stream::default()
            };
            streams.map(|streams| {
                streams
                    .entry(stream.to_owned())
                    .or_insert_with(fresh)
                    .created_ms
            });
        });
    }

    /// Makes a delivery stream; one that exists stays as it is.
    pub fn create_delivery_stream(&self, name: &str) {
        self.service.change(|account| {
            account.delivery_streams.entry(name.to_owned()).or_default();
        });
    }

    /// Makes a Kinesis data stream; one that exists stays as it is.
    pub fn create_kinesis_stream(&self, name: &str) {
        self.service.change(|account| {
            account.kinesis_streams.entry(name.to_owned()).or_default();
        });
    }

    /// Makes a Kinesis data stream that takes records of so many bytes, the partition key included.
    pub fn create_kinesis_stream_for(&self, name: &str, record_bytes: usize) {
        let stream = KinesisStream::with_record_bytes(record_bytes);
        self.service
            .change(|account| account.kinesis_streams.insert(name.to_owned(), stream));
    }

    /// Deletes a log group with its streams.
    pub fn delete_group(&self, group: &str) {
        self.service.change(|account| account.groups.remove(group));
    }

    /// Deletes a log stream with its events; returns what it held, if it was there.
    pub fn delete_stream(&self, group: &str, stream: &str) -> Option<Stream> {
        self.service
            .change(|account| account.groups.get_mut(group)?.streams.remove(stream))
    }

    /// Sets the retention of a group in days.
    pub fn set_retention(&self, group: &str, days: Option<u32>) {
        self.service.change(|account| {
            if let Some(group) = account.groups.get_mut(group) {
                group.retention_days = days;
            }
        });
    }

    /// Adds a rule at the end of the script.
    pub fn script(&self, rule: Rule) {
        locked(&self.service.script).add(rule);
    }

    /// Replaces the script by these rules, with no moment between.
    pub fn set_script(&self, rules: impl IntoIterator<Item = Rule>) {
        let mut script = locked(&self.service.script);
        script.clear();
        rules.into_iter().for_each(|rule| script.add(rule));
    }

    /// Makes the service well again: no rules, no rate limit, no rejected entities, no latency, the right time. Data and calls stay.
    pub fn clear(&self) {
        self.service.heal();
    }

    /// Forgets calls, events and records; groups, streams, delivery streams and rules stay.
    pub fn forget(&self) {
        self.service.change(Account::forget);
    }

    /// Calls per second that each operation may make from now on; `None` lifts the limit.
    pub fn set_rate_limit(&self, calls_per_second: Option<f64>) {
        locked(&self.service.throttle).limit(calls_per_second);
    }

    /// Calls per second that this operation may make from now on, until all limits are lifted.
    pub fn limit_operation(&self, operation: &str, calls_per_second: f64) {
        locked(&self.service.throttle).limit_operation(operation, calls_per_second);
    }

    /// Answers to PutLogEvents reject the request's entity with this error type from now on; the events are stored.
    pub fn reject_entities(&self, error_type: &str) {
        *locked(&self.service.entity_rejection) = Some(error_type.to_owned());
    }

    /// Every call waits this long from now on.
    pub fn set_latency(&self, latency: Duration) {
        self.service.lag(latency);
    }

    /// Moves the service's clock: its Date headers, its view of timestamps and of signatures.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.service.clock.shift(seconds);
    }

    /// Goes down: open connections are reset and new ones refused until [`StandIn::up`]; the port stays taken.
    ///
    /// # Errors
    /// When the port cannot be held.
    pub fn down(&self) -> io::Result<()> {
        self.command(Command::Down)
    }

    /// Listens again on the same port.
    ///
    /// # Errors
    /// When the port cannot be listened on.
    pub fn up(&self) -> io::Result<()> {
        self.command(Command::Up)
    }

    fn command(&self, command: fn(mpsc::Sender<io::Result<()>>) -> Command) -> io::Result<()> {
        let (done, result) = mpsc::channel();
        self.commands
            .send(command(done))
            .map_err(|_| io::ErrorKind::NotConnected)?;
        result.recv().map_err(|_| io::ErrorKind::NotConnected)?
    }

    pub(super) fn run(builder: Builder) -> io::Result<Self> {
        let identity = builder
            .tls
            .then(Identity::generate)
            .transpose()
            .map_err(other)?;
        let (acceptor, authority_pem) = identity
            .map(|found| (found.acceptor, found.authority_pem))
            .unzip();
        let (commands, received) = unbounded_channel();
        let service = Arc::new(builder.service());
        let runtime = runtime(builder.threads)?;
        let listener = {
            let _entered = runtime.enter();
            Listener::bind(service.clone(), builder.port, acceptor)?
        };
        let address = listener.address();
        let thread = thread::Builder::new().name("stand-in".to_owned());
        let thread = Some(thread.spawn(move || serve(&runtime, listener, received))?);
        Ok(Self {
            service,
            address,
            authority_pem,
            commands,
            thread,
        })
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // A listener that has ended already needs no order to end.
        let _ = self.commands.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(runtime: &Runtime, listener: Listener, commands: UnboundedReceiver<Command>) {
    runtime.block_on(listener.run(commands));
}

fn runtime(threads: usize) -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("stand-in-worker")
        .enable_io()
        .enable_time()
        .build()
}
