//! What every operation of a service can do: say whom it concerns, be searched for a text, be carried out.

use serde::Deserialize;
use serde_json::Value;

use super::answer::ErrorAnswer;
use super::rule::PartialFailure;
use super::service::Service;

/// One decoded request of a JSON API.
pub(super) trait Operation: Send {
    /// What the call log and the script know of the call.
    fn subject(&self) -> Subject {
        Subject::default()
    }

    /// Whether a message or record contains the text.
    fn mentions(&self, _text: &str) -> bool {
        false
    }

    /// Checks the request against the limits and carries it out.
    fn run(self: Box<Self>, service: &Service, partial: Option<&PartialFailure>) -> Outcome;
}

/// The body of a success, or the error.
pub(super) type Outcome = Result<Value, ErrorAnswer>;

/// Whom a call concerns and how large it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Subject {
    pub(super) group: Option<String>,
    pub(super) stream: Option<String>,
    pub(super) delivery_stream: Option<String>,
    pub(super) items: usize,
    pub(super) bytes: usize,
    pub(super) entity: Option<Value>,
}

/// Reads a request body; wrong JSON, UTF-8, types and duplicate keys are a SerializationException.
pub(super) fn parsed<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ErrorAnswer> {
    serde_json::from_slice(body)
        .map_err(|problem| ErrorAnswer::new(400, "SerializationException", problem.to_string()))
}

/// The same, as an operation to be carried out later.
pub(super) fn operation<'a, T>(body: &'a [u8]) -> Result<Box<dyn Operation + 'a>, ErrorAnswer>
where
    T: Operation + Deserialize<'a> + 'a,
{
    Ok(Box::new(parsed::<T>(body)?))
}

/// What a name may consist of: a length in characters, and a test of each character.
pub(super) struct NameRule {
    pub(super) member: &'static str,
    pub(super) pattern: &'static str,
    pub(super) longest: usize,
    pub(super) allowed: fn(char) -> bool,
}

impl NameRule {
    /// The constraint a name breaks, in the words of AWS's request validation.
    pub(super) fn broken_by(&self, name: &str) -> Option<String> {
        let length = name.chars().count();
        let constraint = if length == 0 {
            "Member must have length greater than or equal to 1".to_owned()
        } else if length > self.longest {
            format!(
                "Member must have length less than or equal to {}",
                self.longest
            )
        } else if !name.chars().all(self.allowed) {
            format!(
                "Member must satisfy regular expression pattern: {}",
                self.pattern
            )
        } else {
            return None;
        };
        Some(broken(self.member, name, &constraint))
    }
}

/// The words of AWS's request validation for one broken constraint.
pub(super) fn broken(member: &str, value: &str, constraint: &str) -> String {
    format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
    )
}
