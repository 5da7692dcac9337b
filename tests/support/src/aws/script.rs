//! The script: rules in order, each with its count of fitting calls.

use super::operation::Subject;
use super::rule::{Action, Rule};

/// Rules and how often each has fitted. The first rule that concerns a call decides; later ones do not see it.
#[derive(Debug, Default)]
pub(super) struct Script {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    rule: Rule,
    fitted: u64,
}

impl Script {
    pub(super) fn add(&mut self, rule: Rule) {
        self.lines.push(Line { rule, fitted: 0 });
    }

    pub(super) fn clear(&mut self) {
        self.lines.clear();
    }

    /// What befalls this call, counting it against the rule that decides.
    pub(super) fn action(
        &mut self,
        operation: &str,
        subject: &Subject,
        mentions: impl Fn(&str) -> bool,
    ) -> Option<Action> {
        let mut lines = self.lines.iter_mut();
        let line =
            lines.find_map(|line| line.concerns(operation, subject, &mentions).then_some(line))?;
        Some(line.rule.action.clone())
    }
}

impl Line {
    fn concerns(
        &mut self,
        operation: &str,
        subject: &Subject,
        mentions: &impl Fn(&str) -> bool,
    ) -> bool {
        let spent = self
            .rule
            .times
            .is_some_and(|times| self.fitted >= self.rule.nth - 1 + times);
        if spent || !self.rule.fits(operation, subject, mentions) {
            return false;
        }
        self.fitted += 1;
        self.fitted >= self.rule.nth
    }
}

impl Rule {
    fn fits(&self, operation: &str, subject: &Subject, mentions: &impl Fn(&str) -> bool) -> bool {
        wanted(&self.operation, Some(operation))
            && wanted(&self.group, subject.group.as_deref())
            && wanted(&self.stream, subject.stream.as_deref())
            && wanted(&self.delivery_stream, subject.delivery_stream.as_deref())
            && self.contains.as_deref().is_none_or(mentions)
    }
}

fn wanted(wish: &Option<String>, found: Option<&str>) -> bool {
    wish.as_deref().is_none_or(|wish| found == Some(wish))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(rule: Rule, calls: usize) -> Vec<usize> {
        let mut script = Script::default();
        script.add(rule);
        let mut hit = |_| {
            script
                .action("PutLogEvents", &Subject::default(), |_| false)
                .is_some()
        };
        (1..=calls).filter(|call| hit(*call)).collect()
    }

    #[test]
    fn a_new_rule_concerns_the_first_call_only() {
        assert_eq!(hits(Rule::any(Action::Hang), 5), [1]);
    }

    #[test]
    fn the_budget_starts_at_the_nth_call() {
        assert_eq!(
            hits(Rule::on("PutLogEvents", Action::Hang).nth(2).times(3), 6),
            [2, 3, 4]
        );
        assert_eq!(hits(Rule::any(Action::Hang).nth(3).forever(), 5), [3, 4, 5]);
    }

    #[test]
    fn a_call_that_a_rule_does_not_fit_leaves_its_budget_alone() {
        assert!(hits(Rule::on("CreateLogGroup", Action::Hang), 3).is_empty());
        assert!(hits(Rule::any(Action::Hang).group("/ecs/web"), 3).is_empty());
        assert!(hits(Rule::poison("bad", "InvalidParameterException"), 3).is_empty());
    }

    #[test]
    fn a_rule_reads_from_json() {
        let text = r#"{"operation": "PutLogEvents", "nth": 2, "times": "forever",
            "action": {"error": {"code": "ThrottlingException", "shape": "header"}}}"#;
        let rule: Rule = serde_json::from_str(text).unwrap();
        assert_eq!(hits(rule, 4), [2, 3, 4]);
        let rule: Rule = serde_json::from_str(r#"{"times": 2, "action": "reset"}"#).unwrap();
        assert_eq!(hits(rule, 4), [1, 2]);
        assert!(serde_json::from_str::<Rule>(r#"{"tims": 2, "action": "reset"}"#).is_err());
    }
}
