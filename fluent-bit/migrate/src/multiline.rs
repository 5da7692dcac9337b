//! The awslogs driver's multi-line options -> Fluent Bit's multiline parser and filters, which join
//! what spans chunks.

use router::cloudwatch::options::awslogs::JOINING;
use router::cloudwatch::{datetime, go_regex};

use crate::options::Options;
use crate::report::Remark;

/// Which of the two options it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Begin {
    /// `awslogs-multiline-pattern`.
    Pattern,
    /// `awslogs-datetime-format`.
    Time,
}

/// What Fluent Bit needs to join a container's lines before they reach an output.
///
/// # Errors
///
/// What in the pattern or the format has no meaning here, or none in Fluent Bit, whose regular
/// expressions are Ruby's.
pub fn configuration(begin: Begin, text: &str) -> Result<String, String> {
    let pattern = match begin {
        Begin::Pattern => text.to_owned(),
        Begin::Time => datetime::pattern(text)?,
    };
    go_regex::compile(&pattern)?;
    let differs = GO_ALONE.iter().find(|item| pattern.contains(**item));
    if let Some(item) = differs {
        return Err(format!(
            "Fluent Bit has no `{item}` in its regular expressions"
        ));
    }
    let pattern = pattern.replace('"', "\\\"");
    Ok(format!(
        r#"# A parsers file: name it in [SERVICE], `Parsers_File PATH`.
[MULTILINE_PARSER]
    Name          awslogs
    Type          regex
    Flush_Timeout {FLUSH_TIMEOUT_MS}
    Rule          "start_state" "/{pattern}/" "cont"
    Rule          "cont" "/^(?!.*(?:{pattern}))/" "cont"

# The configuration that FireLens includes: first the pieces of a line, then the lines of an event.
[FILTER]
    Name                  multiline
    Match                 *-firelens-*
    Mode                  partial_message
    Multiline.Key_Content log
    Flush_Ms              {FLUSH_TIMEOUT_MS}

[FILTER]
    Name                  multiline
    Match                 *-firelens-*
    Multiline.Parser      awslogs
    Multiline.Key_Content log
    Flush_Ms              {FLUSH_TIMEOUT_MS}
"#
    ))
}

/// What to say of a container that has one of the options.
pub(crate) fn remark(options: &Options) -> Option<Remark> {
    let key = JOINING.iter().find(|key| options.get(key).is_some())?;
    Some(Remark::Change(format!(
        "`{key}` joins the lines of a chunk; for what spans two, `migrate multiline` writes a parser and filters of Fluent Bit"
    )))
}

/// Go's alone; the rest of its syntax is Ruby's too.
const GO_ALONE: [&str; 3] = ["(?P<", "\\Q", "(?U"];
/// How long Fluent Bit waits for the next line: half of the driver's wait, as Fluent Bit keeps the
/// lines in memory alone.
const FLUSH_TIMEOUT_MS: u32 = 2500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_options_become_a_parser_whose_rules_exclude_each_other() {
        let text = configuration(Begin::Time, r"\[%b %d\]").unwrap();
        let month = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";
        let pattern = format!(r"\[{month} (?:0[1-9]|[12][0-9]|3[01])\]");
        assert!(text.contains(&format!(r#""start_state" "/{pattern}/" "cont""#)));
        assert!(text.contains(&format!(r#""cont" "/^(?!.*(?:{pattern}))/" "cont""#)));
        let text = configuration(Begin::Pattern, r#"^{"a"#).unwrap();
        assert!(text.contains(r#""/^{\"a/""#), "{text}");
    }

    #[test]
    fn what_one_of_the_two_engines_does_not_know_is_refused() {
        for (begin, text) in [
            (Begin::Time, "%e"),
            (Begin::Pattern, r"\pL"),
            (Begin::Pattern, "(?P<a>b)"),
        ] {
            assert!(configuration(begin, text).is_err(), "{text}");
        }
    }
}
