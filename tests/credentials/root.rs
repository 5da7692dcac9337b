//! DNS servers that never respond. Only root can configure one for a process.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::child::Case;
use crate::providers::File;
use crate::silence::{assert_kept_and_delivered, with_short_timeout};
use crate::{KEYS, aws};

#[test]
#[ignore = "needs root: the process gets a mount namespace of its own"]
fn a_silent_dns_server_is_a_retry_until_it_responds() {
    static ANSWERS: AtomicBool = AtomicBool::new(false);
    let aws = aws();
    let server = UdpSocket::bind((NAME_SERVER, 53)).unwrap();
    thread::spawn(move || serve(&server, &ANSWERS));
    let file = File::new(
        "resolv.conf",
        &format!("nameserver {NAME_SERVER}\noptions timeout:5 attempts:1\n"),
    );
    let script = format!(
        "mount --bind {} /etc/resolv.conf && exec \"$@\"",
        file.path()
    );
    let case = Case::new(&format!("http://logs.stand-in.test:{}", aws.port())).set_all(&KEYS);
    let outcome = with_short_timeout(case)
        .by(&["unshare", "--mount", "sh", "-c", &script, "sh"])
        .run_and(|| ANSWERS.store(true, Ordering::Relaxed));
    assert_kept_and_delivered(&outcome, "could not be sent in time: no connection");
}

/// Answers each query for an IPv4 address with the loopback address, and other queries with no address.
fn serve(server: &UdpSocket, answers: &AtomicBool) {
    let mut question = [0; 512];
    while let Ok((length, client)) = server.recv_from(&mut question) {
        if answers.load(Ordering::Relaxed) {
            // The client may have disconnected.
            let _ = server.send_to(&answer(&question[..length]), client);
        }
    }
}

fn answer(question: &[u8]) -> Vec<u8> {
    let name = question[12..].iter().position(|&byte| byte == 0).unwrap();
    let end = 12 + name + 5;
    let wants_ipv4 = question[end - 4..end - 2] == [0, 1];
    let mut answer = question[..end].to_vec();
    // A response without an error, with one question and at most one answer.
    answer[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, wants_ipv4.into(), 0, 0, 0, 0]);
    if wants_ipv4 {
        // The name of the question, type A, class IN, a TTL of one minute, four bytes.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    answer
}

const NAME_SERVER: &str = "127.77.0.1";
