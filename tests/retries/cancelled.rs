//! A delivery that is cancelled leaves what it knows.

use support::aws::{Action, Rule};
use support::host::Verdict;
use support::output::ready;

use super::PLUGINS;

#[test]
fn a_panic_in_a_delivery_sends_nothing_again() {
    // The second half of the events panics in nothing of ours: an exit in the middle stands for it.
    for plugin in PLUGINS {
        let aws = ready();
        aws.script(Rule::on(plugin.operation, Action::Hang).contains(&plugin.last_text()));
        let instance = (plugin.output)(&aws).with("flush_timeout", "1s").open();
        let chunk = plugin.chunk();
        assert_eq!(instance.flush("a.tag", &chunk), Verdict::Retry);
        assert_eq!(instance.flush("a.tag", &chunk), Verdict::Ok);
        plugin.assert_delivered_once(&aws);
    }
}
