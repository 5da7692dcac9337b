//! How a stand-in is to be, before it starts.

use std::error::Error;
use std::io;
use std::time::Duration;

use super::metadata::Task;
use super::service::{Service, Settings, locked};
use super::stand_in::StandIn;

/// Settings of a stand-in; every one has a default that suits a test.
#[derive(Clone, Debug)]
pub struct Builder {
    pub(super) port: u16,
    pub(super) tls: bool,
    pub(super) threads: usize,
    settings: Settings,
    keys: Vec<(String, String)>,
    latency: Duration,
    rate_limit: Option<f64>,
    delivery_streams: Vec<String>,
    kinesis_streams: Vec<String>,
}

impl Builder {
    pub(super) fn new() -> Self {
        let settings = Settings {
            counting: false,
            auto_create: false,
            verify: false,
            credentials_lifetime: Duration::from_secs(6 * 60 * 60),
            credentials_token: None,
            task: Task::default(),
            region: "us-east-1".to_owned(),
            role: "instance-role".to_owned(),
        };
        Self {
            port: 0,
            tls: false,
            threads: 1,
            settings,
            keys: Vec::new(),
            latency: Duration::ZERO,
            rate_limit: None,
            delivery_streams: Vec::new(),
            kinesis_streams: Vec::new(),
        }
    }

    /// Listens on this port of 127.0.0.1; 0, the default, takes any free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Speaks TLS with a certificate made at start, instead of plain HTTP.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Serves on this many threads instead of one.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Keeps counts and digests instead of the data, and the latest 1,000 calls without their headers.
    #[must_use]
    pub fn counting(mut self) -> Self {
        self.settings.counting = true;
        self
    }

    /// Makes groups, streams and delivery streams when data for them arrives.
    #[must_use]
    pub fn auto_create(mut self) -> Self {
        self.settings.auto_create = true;
        self
    }

    /// Checks signatures made with this key, and refuses keys it does not know; may be given several times.
    #[must_use]
    pub fn verify(mut self, access_key_id: &str, secret_access_key: &str) -> Self {
        self.settings.verify = true;
        self.keys
            .push((access_key_id.to_owned(), secret_access_key.to_owned()));
        self
    }

    /// Issued credentials live this long; 6 hours unless set.
    #[must_use]
    pub fn credentials_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.credentials_lifetime = lifetime;
        self
    }

    /// The container credentials endpoint demands this Authorization header.
    #[must_use]
    pub fn credentials_token(mut self, token: &str) -> Self {
        self.settings.credentials_token = Some(token.to_owned());
        self
    }

    /// What the task metadata endpoint says.
    #[must_use]
    pub fn task(mut self, task: Task) -> Self {
        self.settings.task = task;
        self
    }

    /// Region that the instance metadata names; us-east-1 unless set.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        self.settings.region = region.to_owned();
        self
    }

    /// Every call waits this long before it is looked at.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Calls per second that each operation may make.
    #[must_use]
    pub fn rate_limit(mut self, calls_per_second: f64) -> Self {
        self.rate_limit = Some(calls_per_second);
        self
    }

    /// A delivery stream that exists from the start.
    #[must_use]
    pub fn delivery_stream(mut self, name: &str) -> Self {
        self.delivery_streams.push(name.to_owned());
        self
    }

    /// A Kinesis data stream that exists from the start.
    #[must_use]
    pub fn kinesis_stream(mut self, name: &str) -> Self {
        self.kinesis_streams.push(name.to_owned());
        self
    }

    /// Starts the stand-in on threads of its own.
    ///
    /// # Errors
    /// When the port cannot be bound, or no thread, runtime or certificate can be made.
    pub fn start(self) -> io::Result<StandIn> {
        StandIn::run(self)
    }

    pub(super) fn service(&self) -> Service {
        let service = Service::new(self.settings.clone());
        service.lag(self.latency);
        locked(&service.throttle).limit(self.rate_limit);
        let mut keys = locked(&service.keys);
        self.keys
            .iter()
            .for_each(|(id, secret)| keys.add(id, secret));
        drop(keys);
        service.change(|account| {
            let names = self.delivery_streams.iter().cloned();
            account
                .delivery_streams
                .extend(names.map(|name| (name, Default::default())));
            let names = self.kinesis_streams.iter().cloned();
            account
                .kinesis_streams
                .extend(names.map(|name| (name, Default::default())));
        });
        service
    }
}

pub(super) fn other(problem: impl Into<Box<dyn Error + Send + Sync>>) -> io::Error {
    io::Error::other(problem)
}
