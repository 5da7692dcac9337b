//! A small blocking HTTP client over a bare socket, which sees resets, closes and torn answers as they are.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::aws::StandIn;

pub(super) struct Client {
    socket: TcpStream,
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Client {
    pub(super) fn of(aws: &StandIn) -> Self {
        Self::to(aws.port()).unwrap()
    }

    pub(super) fn to(port: u16) -> io::Result<Self> {
        let socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self { socket })
    }

    /// One call of CloudWatch Logs, signed in form.
    pub(super) fn logs(&mut self, operation: &str, body: &Value) -> Reply {
        self.json(
            &format!("Logs_20140328.{operation}"),
            "logs",
            body.to_string().as_bytes(),
        )
        .unwrap()
    }

    /// One call of Data Firehose, signed in form.
    pub(super) fn firehose(&mut self, operation: &str, body: &Value) -> Reply {
        self.json(
            &format!("Firehose_20150804.{operation}"),
            "firehose",
            body.to_string().as_bytes(),
        )
        .unwrap()
    }

    /// One call of Kinesis Data Streams, signed in form.
    pub(super) fn kinesis(&mut self, operation: &str, body: &Value) -> Reply {
        self.json(
            &format!("Kinesis_20131202.{operation}"),
            "kinesis",
            body.to_string().as_bytes(),
        )
        .unwrap()
    }

    pub(super) fn json(&mut self, target: &str, service: &str, body: &[u8]) -> io::Result<Reply> {
        self.json_with(target, &authorization(service), "", body)
    }

    pub(super) fn json_with(
        &mut self,
        target: &str,
        authorization: &str,
        headers: &str,
        body: &[u8],
    ) -> io::Result<Reply> {
        let headers = format!(
            "Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: {target}\r\n{authorization}{headers}"
        );
        self.request("POST", "/", &headers, body)
    }

    /// Sends one PutLogEvents and does not wait for the answer.
    pub(super) fn send_events(&mut self, body: &Value) {
        let signed = authorization("logs");
        let headers = format!(
            "Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Logs_20140328.PutLogEvents\r\n{signed}"
        );
        self.send("POST", "/", &headers, body.to_string().as_bytes())
            .unwrap();
    }

    pub(super) fn get(&mut self, path: &str, headers: &str) -> Reply {
        self.request("GET", path, headers, b"").unwrap()
    }

    pub(super) fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> io::Result<Reply> {
        self.send(method, path, headers, body)?;
        self.reply()
    }

    pub(super) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> io::Result<()> {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {length}\r\n\r\n"
        );
        self.socket.write_all(head.as_bytes())?;
        self.socket.write_all(body)
    }

    /// Reads one answer; an answer that ends early is `UnexpectedEof`.
    pub(super) fn reply(&mut self) -> io::Result<Reply> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.socket.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        self.socket.read_exact(&mut body)?;
        Ok(Reply { status, head, body })
    }

    pub(super) fn read_to_end(&mut self, received: &mut Vec<u8>) -> io::Result<usize> {
        self.socket.read_to_end(received)
    }

    /// Whether nothing arrives within the time and the connection stays open.
    pub(super) fn stays_silent(&mut self, time: Duration) -> bool {
        self.socket.set_read_timeout(Some(time)).unwrap();
        let kind = self.socket.read(&mut [0]).map_err(|error| error.kind());
        matches!(
            kind,
            Err(io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
        )
    }
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Status and error code; the code is empty when there is none.
    pub(super) fn outcome(&self) -> (u16, String) {
        (
            self.status,
            self.json()["__type"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    }

    pub(super) fn is_ok(&self) -> bool {
        self.status == 200
    }
}

/// Headers of a request that is signed in form, though with an invented signature.
pub(super) fn authorization(service: &str) -> String {
    let signature = "0".repeat(64);
    format!(
        "X-Amz-Date: 20260101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential=AKIDEXAMPLE/20260101/us-east-1/{service}/aws4_request, \
         SignedHeaders=host;x-amz-date;x-amz-target, Signature={signature}\r\n"
    )
}
