use super::*;

fn ran(program: &str) -> Result<Credentials, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run(program))
}

#[test]
fn a_program_writes_credentials() {
    let written =
        r#"echo '{"Version":1,"AccessKeyId":"AK","SecretAccessKey":"SK","SessionToken":"T"}'"#;
    let credentials = ran(written).unwrap();
    assert_eq!(
        (credentials.access_key_id(), credentials.session_token()),
        ("AK", Some("T"))
    );
}

#[test]
fn a_program_that_fails_is_reported_without_what_it_wrote() {
    let why = ran("echo secret; exit 3").unwrap_err();
    assert_eq!(why, "it failed: exit status: 3");
    let why = ran("echo secret").unwrap_err();
    assert!(!why.contains("secret"), "{why}");
}
