//! Unusual responses.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use support::aws::Action;
use support::host::{Verdict, warnings};
use support::output::ready;

use super::{PLUGINS, chunk, error, flush_on_time};

#[test]
fn already_accepted_data_is_delivered() {
    let plugin = PLUGINS[0];
    let aws = ready();
    aws.script(
        plugin
            .rule(error(400, "DataAlreadyAcceptedException"))
            .forever(),
    );
    let instance = (plugin.output)(&aws).open();
    assert_eq!(instance.flush("a.tag", chunk()), Verdict::Ok);
    assert_eq!(aws.count(plugin.operation), 1);
    let lines = instance.exit();
    let reported = lines
        .iter()
        .any(|line| line.text.contains("3 events accepted"));
    assert!(reported, "{lines:#?}");
}

/// Includes a request whose response is not awaited any longer.
#[test]
fn without_auto_retry_an_unanswered_request_is_retried_by_fluent_bit() {
    for plugin in PLUGINS {
        let aws = ready();
        aws.script(plugin.rule(Action::Hang));
        let instance = (plugin.output)(&aws)
            .with("auto_retry_requests", "off")
            .with("flush_timeout", "4s")
            .open();
        assert_eq!(instance.flush("a.tag", chunk()), Verdict::Retry);
        assert_eq!(aws.count(plugin.operation), 1);
    }
}

/// A server that answers every request with this head and an endless body. Returns the maximum number of
/// bytes that a client read.
fn flood(listener: &TcpListener, head: &str, chunked: bool) -> usize {
    let taken = |stream: TcpStream| {
        let mut stream = stream;
        stream
            .set_write_timeout(Some(Duration::from_secs(2)))
            .expect("a timeout");
        // Reads the part of the request that has arrived. The client continues when it has sent the request.
        let _read = stream.read(&mut [0; 65_536]);
        if stream.write_all(head.as_bytes()).is_err() {
            return 0;
        }
        let piece = [b'x'; 65_536];
        let mut taken = 0;
        while taken < FLOOD {
            let size = format!("{:x}\r\n", piece.len());
            let framed = !chunked || stream.write_all(size.as_bytes()).is_ok();
            if !framed || stream.write_all(&piece).is_err() {
                break;
            }
            if chunked && stream.write_all(b"\r\n").is_err() {
                break;
            }
            taken += piece.len();
        }
        taken
    };
    let first = listener.accept().map(|(stream, _)| taken(stream));
    first.expect("a client comes")
}

#[test]
fn a_response_is_read_up_to_one_megabyte() {
    let length = format!("Content-Length: {FLOOD}\r\n");
    for status in ["200 OK", "403 Forbidden", "503 Service Unavailable"] {
        for (length, chunked) in [
            (length.as_str(), false),
            ("Transfer-Encoding: chunked\r\n", true),
        ] {
            for plugin in PLUGINS {
                let head = format!("HTTP/1.1 {status}\r\n{length}\r\n");
                let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
                let port = listener.local_addr().expect("it has an address").port();
                let aws = ready();
                let instance = (plugin.output)(&aws)
                    .with("endpoint", &format!("http://127.0.0.1:{port}"))
                    .with("flush_timeout", "1s")
                    .open();
                let what = format!("{} {status} {length}", plugin.operation);
                let taken = thread::scope(|scope| {
                    let server = scope.spawn(|| {
                        let taken = flood(&listener, &head, chunked);
                        drop(listener);
                        taken
                    });
                    let (verdict, _) = flush_on_time(&instance, &chunk());
                    assert_eq!(verdict, Verdict::Retry, "{what}");
                    server.join().expect("it ends")
                });
                assert!(taken < FLOOD / 4, "{what}: {taken} bytes");
                println!("{what}: {taken} bytes of {FLOOD}");
                let lines = instance.exit();
                let reported = lines
                    .iter()
                    .any(|line| line.text.contains("the answer is larger than"));
                assert!(reported, "{what}: {lines:#?}");
                assert_eq!(warnings(&lines).len(), 1);
            }
        }
    }
}

/// The number of bytes sent. It is more than the kernel's buffers hold for a client that does not read.
const FLOOD: usize = 64 << 20;
