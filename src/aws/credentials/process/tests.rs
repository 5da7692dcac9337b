use super::*;

fn run_program(program: &str) -> Result<Credentials, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run(program))
}

#[test]
fn credentials_are_read_from_the_program_output() {
    let program =
        r#"echo '{"Version":1,"AccessKeyId":"AK","SecretAccessKey":"SK","SessionToken":"T"}'"#;
    let credentials = run_program(program).unwrap();
    assert_eq!(
        (credentials.access_key_id(), credentials.session_token()),
        ("AK", Some("T"))
    );
}

#[test]
fn errors_do_not_quote_the_program_output() {
    let error = run_program("echo secret; exit 3").unwrap_err();
    assert_eq!(error, "it failed: exit status: 3");
    let error = run_program("echo secret").unwrap_err();
    assert!(!error.contains("secret"), "{error}");
}
