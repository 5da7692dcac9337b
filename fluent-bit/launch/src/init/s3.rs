//! Objects of S3, read with the task's role.
//!
//! A bucket of another region answers with a redirect that names its region, and is asked again
//! there: so `s3:GetObject` is the one permission that it takes.

use std::error::Error;
use std::time::{Duration, Instant};

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::SharedHttpClient;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};

use super::Arn;

/// S3, first asked in one region.
#[derive(Debug)]
pub struct Store {
    region: Option<String>,
    /// By when all objects must be there.
    deadline: Instant,
}

/// Why an object is not there yet.
enum Failure {
    /// The bucket is in another region.
    Elsewhere(String),
    Told(String),
}

impl Store {
    /// S3 as seen from a task's region; `AWS_REGION` goes before it.
    #[must_use]
    pub fn in_region(region: Option<&str>) -> Self {
        let set = std::env::var("AWS_REGION")
            .ok()
            .filter(|region| !region.is_empty());
        Self {
            region: set.or_else(|| region.map(str::to_owned)),
            deadline: Instant::now() + LONGEST,
        }
    }

    /// The bytes of an object.
    ///
    /// # Errors
    ///
    /// The ARN, and what AWS says.
    pub fn fetch(&self, arn: &Arn) -> Result<Vec<u8>, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(|problem| format!("{arn}: {problem}"))?;
        let left = self.deadline.saturating_duration_since(Instant::now());
        let fetched =
            runtime.block_on(async { tokio::time::timeout(left, self.follow(arn)).await });
        let late = |_| {
            Err(format!(
                "the objects are not there after {} s",
                LONGEST.as_secs()
            ))
        };
        fetched
            .unwrap_or_else(late)
            .map_err(|told| format!("{arn} cannot be read: {told}"))
    }

    async fn follow(&self, arn: &Arn) -> Result<Vec<u8>, String> {
        let first = self
            .region
            .as_deref()
            .unwrap_or(default_region(&arn.partition));
        let there = match read(first, arn).await {
            Err(Failure::Elsewhere(region)) => region,
            done => return done.map_err(Failure::told),
        };
        println!("log router: {arn} is in {there}, not in {first}");
        read(&there, arn).await.map_err(Failure::told)
    }
}

impl Failure {
    fn of(error: &SdkError<GetObjectError>, asked: &str) -> Self {
        let response = error.raw_response();
        let region = response.and_then(|response| response.headers().get("x-amz-bucket-region"));
        if let Some(region) = region.filter(|region| *region != asked && is_region(region)) {
            return Self::Elsewhere(region.to_owned());
        }
        let status = response.map(|response| format!(" (HTTP {})", response.status().as_u16()));
        let status = status.unwrap_or_default();
        Self::Told(match (error.code(), error.message()) {
            (Some(code), message) => {
                format!("{code}: {}{status}", message.unwrap_or("no reason given"))
            }
            (None, _) => format!("{}{status}", chain(error)),
        })
    }

    fn told(self) -> String {
        match self {
            Self::Elsewhere(region) => format!("S3 leads to {region} and away from there again"),
            Self::Told(told) => told,
        }
    }
}

async fn read(region: &str, arn: &Arn) -> Result<Vec<u8>, Failure> {
    let object = client(region)
        .await
        .get_object()
        .bucket(&arn.bucket)
        .key(&arn.key);
    let object = object
        .send()
        .await
        .map_err(|error| Failure::of(&error, region))?;
    bounded(object.body).await.map_err(Failure::Told)
}

/// A body up to a bound, whatever length the answer claims.
async fn bounded(mut body: ByteStream) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(part) = body.next().await {
        bytes.extend_from_slice(&part.map_err(|error| chain(&error))?);
        if bytes.len() > LARGEST {
            return Err(format!(
                "it has more than {LARGEST} bytes: a configuration is smaller"
            ));
        }
    }
    Ok(bytes)
}

/// A client whose requests go by the proxy of the environment; those for credentials do not, as
/// ECS gives them on the machine itself.
async fn client(region: &str) -> Client {
    let base = base(region).await;
    let config = aws_sdk_s3::config::Builder::from(&base);
    Client::from_conf(config.http_client(http(ProxyConfig::from_env())).build())
}

async fn base(region: &str) -> SdkConfig {
    let patience = TimeoutConfig::builder().operation_timeout(PATIENCE).build();
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .timeout_config(patience)
        .http_client(http(ProxyConfig::disabled()))
        .load()
        .await
}

fn http(proxy: ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let builder = Connector::builder().proxy_config(proxy.clone());
        let builder = match settings {
            Some(settings) => builder.connector_settings(settings.clone()),
            None => builder,
        };
        let sleep = components.and_then(|components| components.sleep_impl());
        let builder = match sleep {
            Some(sleep) => builder.sleep_impl(sleep),
            None => builder,
        };
        builder
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build()
    })
}

/// Where a bucket is looked for when nothing says where the task is.
fn default_region(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        _ => "us-east-1",
    }
}

/// A region becomes part of a host's name, so it may be nothing else.
fn is_region(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(letter)
}

/// An error and its causes.
fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}

/// Bytes of an object.
const LARGEST: usize = 1024 * 1024;
/// For all objects together.
const LONGEST: Duration = Duration::from_secs(60);
/// For the answer of one object, with all tries.
const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::process::Command;
    use std::thread;

    use super::*;

    /// A server whose answers claim a large body, of which a byte comes each 20 ms without an end.
    fn dripping() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || {
                    let lines = BufReader::new(&stream).lines().map_while(Result::ok);
                    lines.take_while(|line| !line.is_empty()).for_each(drop);
                    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
                    let mut sent = (&stream).write_all(head.as_bytes());
                    while sent.is_ok() {
                        thread::sleep(Duration::from_millis(20));
                        sent = (&stream).write_all(b"#");
                    }
                });
            }
        });
        address
    }

    /// The SDK takes the endpoint from the environment, which a test may not change: so the next
    /// test is started with it as a process of its own.
    #[test]
    fn a_body_that_drips_is_given_up_at_the_deadline() {
        let began = Instant::now();
        let done = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "--nocapture"])
            .arg("init::s3::tests::an_object_of_the_endpoint_in_the_environment_is_not_there_in_time")
            .env("AWS_ENDPOINT_URL_S3", dripping())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&[&*done.stdout, &*done.stderr].concat()).into_owned();
        assert!(done.status.success() && said.contains("1 passed"), "{said}");
        assert!(began.elapsed() < Duration::from_secs(20), "{said}");
    }

    #[test]
    #[ignore = "is started by another test"]
    fn an_object_of_the_endpoint_in_the_environment_is_not_there_in_time() {
        let store = Store {
            region: None,
            deadline: Instant::now() + Duration::from_secs(2),
        };
        let arn = Arn::parse("arn:aws:s3:::bucket/a.conf").unwrap();
        let problem = store.fetch(&arn).unwrap_err();
        let expected =
            "arn:aws:s3:::bucket/a.conf cannot be read: the objects are not there after 60 s";
        assert_eq!(problem, expected);
    }

    #[test]
    fn a_bucket_is_first_looked_for_in_its_partition() {
        let regions = ["aws", "aws-cn", "aws-us-gov"].map(default_region);
        assert_eq!(regions, ["us-east-1", "cn-north-1", "us-gov-west-1"]);
    }

    #[test]
    fn a_body_has_a_bound() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let read = |bytes: usize| runtime.block_on(bounded(ByteStream::from(vec![b'#'; bytes])));
        assert_eq!(read(LARGEST).map(|bytes| bytes.len()), Ok(LARGEST));
        assert!(
            read(LARGEST + 1)
                .unwrap_err()
                .contains("more than 1048576 bytes")
        );
    }

    #[test]
    fn all_objects_have_one_deadline() {
        let store = Store {
            region: None,
            deadline: Instant::now(),
        };
        let told = store
            .fetch(&Arn::parse("arn:aws:s3:::b/k").unwrap())
            .unwrap_err();
        assert!(
            told.ends_with("the objects are not there after 60 s"),
            "{told}"
        );
    }

    #[test]
    fn a_region_is_no_host() {
        assert!(is_region("ap-southeast-2"));
        for text in ["", "a.b", "a/b", "EU", &"a".repeat(33)] {
            assert!(!is_region(text), "{text}");
        }
    }
}
