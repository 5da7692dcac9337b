//! Which calls were carried out though the client may not know it.

use std::time::Duration;

use super::{batch, now_ms, ready};
use crate::aws::tests::client::Client;
use crate::aws::{Action, ErrorAnswer, Rule};

const MARGIN: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether the only call under this action has lost its answer, once its connection has ended; the client
/// waits for the answer, or closes before.
fn is_lost(action: Option<Action>, reads: bool) -> bool {
    let aws = ready();
    if let Some(action) = action {
        aws.script(Rule::on("PutLogEvents", action));
    }
    let body = batch(&[(now_ms(), "one")]);
    let mut client = Client::of(&aws);
    if reads {
        // A reply that was cut is an error, which is what the script wants.
        let _ = client.json(
            "Logs_20140328.PutLogEvents",
            "logs",
            body.to_string().as_bytes(),
        );
        assert!(aws.wait_for(
            |account| account.calls().all(|call| call.ended.is_some()),
            PATIENCE
        ));
        return aws.calls()[0].has_lost_its_answer(MARGIN);
    }
    client.send_events(&body);
    assert!(aws.wait_for(|account| account.events_tally().count == 1, PATIENCE));
    drop(client);
    assert!(aws.wait_for(
        |account| account.calls().all(|call| call.ended.is_some()),
        PATIENCE
    ));
    aws.calls()[0].has_lost_its_answer(MARGIN)
}

#[test]
fn an_answer_is_lost_only_where_the_call_was_carried_out_and_no_whole_answer_came() {
    let refused = ErrorAnswer::new(400, "ThrottlingException", "no");
    assert!(!is_lost(None, true));
    assert!(!is_lost(Some(Action::Error(refused)), true));
    assert!(!is_lost(Some(Action::Reset), true));
    assert!(!is_lost(Some(Action::Garbage), true));
    assert!(is_lost(Some(Action::AcceptThenReset), true));
    assert!(is_lost(Some(Action::Truncate), true));
    assert!(is_lost(Some(Action::AcceptThenHang), false));
    let later = Action::AcceptThenDelay(Duration::from_secs(60));
    assert!(is_lost(Some(later), false));
}
