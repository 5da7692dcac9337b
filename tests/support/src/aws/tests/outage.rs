//! Rate limits, latency, going down and coming up again, and the end of a stand-in.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::client::Client;
use super::{batch, deliver, now_ms, put_one, ready};
use crate::aws::StandIn;

const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn calls_above_the_rate_limit_are_refused_in_the_words_of_their_api() {
    let aws = ready();
    aws.set_rate_limit(Some(0.001));
    assert!(put_one(&aws).is_ok());
    assert_eq!(
        put_one(&aws).outcome(),
        (400, "ThrottlingException".to_owned())
    );
    assert!(deliver(&aws, &[b"x"]).is_ok());
    assert_eq!(
        deliver(&aws, &[b"x"]).outcome(),
        (500, "ServiceUnavailableException".to_owned())
    );
    aws.set_rate_limit(None);
    assert!(put_one(&aws).is_ok());
    assert_eq!(
        aws.look(|account| account.errors()["ThrottlingException"]),
        1
    );
}

#[test]
fn latency_holds_every_call_back() {
    let aws = ready();
    aws.set_latency(Duration::from_millis(60));
    let started = Instant::now();
    assert!(put_one(&aws).is_ok());
    assert!(started.elapsed() >= Duration::from_millis(60));
}

#[test]
fn calls_that_wait_together_are_counted_together() {
    let aws = ready();
    aws.set_latency(Duration::from_secs(60));
    let mut clients: Vec<_> = (0..5).map(|_| Client::of(&aws)).collect();
    clients
        .iter_mut()
        .for_each(|client| client.send_events(&batch(&[(now_ms(), "one")])));
    assert!(aws.wait_for(|account| account.in_flight("PutLogEvents") == 5, PATIENCE));
    drop(clients);
    assert!(aws.wait_for(|account| account.in_flight("PutLogEvents") == 0, PATIENCE));
    assert_eq!(aws.max_in_flight("PutLogEvents"), 5);
}

#[test]
fn a_service_that_is_down_refuses_connections_and_comes_back_on_its_port() {
    let aws = ready();
    let mut open = Client::of(&aws);
    assert!(
        open.logs("PutLogEvents", &batch(&[(now_ms(), "before")]))
            .is_ok()
    );
    for _ in 0..3 {
        aws.down().unwrap();
        aws.down().unwrap();
        assert!(
            TcpListener::bind(("127.0.0.1", aws.port())).is_err(),
            "the port must stay taken"
        );
        assert!(Client::to(aws.port()).is_err());
        assert!(open.request("GET", "/", "", b"").is_err());
        aws.up().unwrap();
        aws.up().unwrap();
        open = Client::of(&aws);
        assert!(
            open.logs("PutLogEvents", &batch(&[(now_ms(), "after")]))
                .is_ok()
        );
    }
    assert_eq!(aws.events("/ecs/web", "web").len(), 4);
}

#[test]
fn a_dropped_stand_in_frees_its_port_though_clients_are_connected() {
    let aws = ready();
    let (port, mut client) = (aws.port(), Client::of(&aws));
    assert_eq!(client.get("/nothing", "").status, 404);
    drop(aws);
    assert!(Client::to(port).is_err());
    let again = StandIn::builder().port(port).start().unwrap();
    assert_eq!(again.port(), port);
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let aws = ready();
    assert!(StandIn::builder().port(aws.port()).start().is_err());
}

#[test]
fn waiting_for_what_does_not_happen_ends() {
    assert!(!ready().wait_for(
        |account| account.count("PutLogEvents") > 0,
        Duration::from_millis(20)
    ));
}
