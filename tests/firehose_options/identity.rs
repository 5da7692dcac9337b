//! The options that say where AWS is, and as whom it is called.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use support::alone::alone;
use support::aws::{Call, StandIn};
use support::host::Verdict;
use support::output::{logs, ready};

use super::{Case, OPERATION, SERVICE, output, with};

pub(crate) const CASES: &[Case] = &[
    ("region", requests_are_signed_for_the_region),
    ("endpoint", requests_go_to_the_endpoint),
    ("sts_endpoint", a_role_is_taken_on_at_the_sts_endpoint),
    ("role_arn", a_role_is_taken_on_at_the_sts_endpoint),
    ("external_id", a_role_is_taken_on_at_the_sts_endpoint),
    ("profile", the_profile_is_the_one_of_the_option),
    ("extra_user_agent", the_user_agent_has_the_text),
    ("use_fips", the_switches_choose_the_endpoint),
    ("use_dualstack", the_switches_choose_the_endpoint),
];

/// The one request that a flush with these options makes.
fn call(aws: &StandIn, options: &[(&str, &str)]) -> Call {
    let instance = with(output(aws), options).open();
    assert_eq!(instance.flush("app.web", logs(["x"])), Verdict::Ok);
    let mut calls = aws.calls();
    calls.retain(|call| call.operation == OPERATION);
    assert_eq!(calls.len(), 1);
    calls.remove(0)
}

fn authorization(call: &Call) -> &str {
    call.header("authorization").expect("the call is signed")
}

fn requests_are_signed_for_the_region() {
    let call = call(&ready(), &[("region", "ap-south-1")]);
    let scope = format!("/ap-south-1/{SERVICE}/aws4_request");
    assert!(authorization(&call).contains(&scope));
}

/// As a URL with a path and a slash at its end, too.
fn requests_go_to_the_endpoint() {
    let (here, other) = (ready(), ready());
    let url = format!("{}/", here.url());
    call(&here, &[("endpoint", &url)]);
    assert!(other.calls().is_empty());
}

/// The endpoint counts with the role, too.
fn a_role_is_taken_on_at_the_sts_endpoint() {
    let (aws, sts) = (ready(), ready());
    let role = "arn:aws:iam::123456789012:role/writer";
    let url = sts.url();
    call(
        &aws,
        &[
            ("role_arn", role),
            ("external_id", "x-1"),
            ("sts_endpoint", &url),
        ],
    );
    let assumed = sts.assumed_roles();
    assert_eq!(assumed.len(), 1);
    assert_eq!(assumed[0].role_arn, role);
    assert_eq!(assumed[0].external_id.as_deref(), Some("x-1"));
    assert!(aws.assumed_roles().is_empty());
}

fn the_profile_is_the_one_of_the_option() {
    the_profile_is_read_from_the_shared_files();
}

#[test]
fn the_profile_is_read_from_the_shared_files() {
    let file = env::temp_dir().join(format!("{SERVICE}-profile-{}", std::process::id()));
    let text = "[default]\naws_access_key_id = AKDEFAULT\naws_secret_access_key = s\n\
                [other]\naws_access_key_id = AKOTHER\naws_secret_access_key = s\n";
    fs::write(&file, text).expect("a file");
    let path = file.to_str().expect("a path in UTF-8");
    let environment = [
        ("AWS_ACCESS_KEY_ID", None),
        ("AWS_SECRET_ACCESS_KEY", None),
        ("AWS_SHARED_CREDENTIALS_FILE", Some(path)),
    ];
    if alone(
        "identity::the_profile_is_read_from_the_shared_files",
        &environment,
    ) {
        let call = call(&ready(), &[("profile", "other")]);
        assert!(authorization(&call).contains("Credential=AKOTHER/"));
    }
    fs::remove_file(&file).expect("the file is there");
}

fn the_user_agent_has_the_text() {
    let call = call(&ready(), &[("extra_user_agent", "shop-7")]);
    let agents = ["user-agent", "x-amz-user-agent"].map(|name| call.header(name));
    assert!(
        agents
            .into_iter()
            .flatten()
            .any(|agent| agent.contains("shop-7")),
        "{agents:?}"
    );
}

fn the_switches_choose_the_endpoint() {
    each_switch_leads_to_another_host();
}

/// A proxy is asked for the host, and connects to none.
#[test]
fn each_switch_leads_to_another_host() {
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = proxy.local_addr().expect("an address");
    let url = format!("http://{address}");
    let asked = thread::spawn(move || hosts(&proxy));
    let test = "identity::each_switch_leads_to_another_host";
    if !alone(test, &[("HTTPS_PROXY", Some(&url)), ("NO_PROXY", None)]) {
        TcpStream::connect(address)
            .and_then(|mut end| end.write_all(END.as_bytes()))
            .expect("the proxy listens");
        let expected = HOSTS.map(|(_, host)| format!("CONNECT {SERVICE}{host}:443 HTTP/1.1\r\n"));
        assert_eq!(asked.join().expect("the proxy was asked"), expected);
        return;
    }
    let aws = ready();
    for (option, _) in HOSTS {
        let output = output(&aws).without("endpoint").with(option, "on");
        let output = output.with("flush_timeout", "1s");
        assert_eq!(output.open().flush("app.web", logs(["x"])), Verdict::Retry);
    }
}

/// What connections begin with up to the last one; a host may be asked for again.
fn hosts(proxy: &TcpListener) -> Vec<String> {
    let first_line = |connection: io::Result<TcpStream>| {
        let mut line = String::new();
        BufReader::new(connection?).read_line(&mut line)?;
        Ok::<_, io::Error>(line)
    };
    let lines = proxy
        .incoming()
        .map(|connection| first_line(connection).expect("a line"));
    let mut lines: Vec<String> = lines.take_while(|line| line != END).collect();
    lines.dedup();
    lines
}

const END: &str = "end\n";
/// The host without the service's name.
const HOSTS: [(&str, &str); 2] = [
    ("use_fips", "-fips.us-east-1.amazonaws.com"),
    ("use_dualstack", ".us-east-1.api.aws"),
];
