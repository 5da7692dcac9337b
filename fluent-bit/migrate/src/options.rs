//! Keys and values as a section or a container has them.

/// The options of one output, in their order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Options(pub Vec<(String, String)>);

impl Options {
    /// The value of a key in any case; of several the first counts, as for a plugin of our kind.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let mut options = self.0.iter();
        let found = options.find(|(name, _)| name.eq_ignore_ascii_case(key));
        found.map(|(_, value)| value.as_str())
    }

    /// The options but for those of such keys.
    #[must_use]
    pub fn without(&self, is_out: impl Fn(&str) -> bool) -> Self {
        let options = self.0.iter();
        Self(options.filter(|(key, _)| !is_out(key)).cloned().collect())
    }

    /// The options with `${NAME}` replaced as Fluent Bit does it.
    ///
    /// # Errors
    ///
    /// The name of a variable that is not set.
    pub fn resolved(&self, environment: fn(&str) -> Option<String>) -> Result<Self, String> {
        let resolve =
            |(key, value): &(String, String)| Ok((key.clone(), resolved(value, environment)?));
        self.0
            .iter()
            .map(resolve)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn resolved(value: &str, environment: fn(&str) -> Option<String>) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = value;
    while let Some((before, behind)) = rest.split_once("${") {
        let Some((name, after)) = behind.split_once('}') else {
            break;
        };
        let found = environment(name).ok_or_else(|| format!("`{name}` is not in the environment"));
        text.push_str(before);
        text.push_str(&found?);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

/// Whether a value comes from the environment of the router or from a template, and is not known here.
#[must_use]
pub fn is_of_the_environment(value: &str) -> bool {
    unknown_from(value).is_some()
}

/// Where a value begins to come from the environment or from a template. `{{.Name}}` is Docker's own,
/// which the plugins know.
#[must_use]
pub fn unknown_from(value: &str) -> Option<usize> {
    let is_own = |at: usize| value[at..].starts_with("{{.");
    let template = value.match_indices("{{").map(|(at, _)| at);
    let template = template.filter(|at| !is_own(*at));
    let others = ["${", "<%"].iter().filter_map(|mark| value.find(mark));
    template.chain(others).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_the_environment_are_replaced_and_templates_are_not() {
        let of = |value: &str| {
            let known = |name: &str| (name == "A").then(|| "1".to_owned());
            resolved(value, known)
        };
        assert_eq!(of("x${A}y$(a)${A}").as_deref(), Ok("x1y$(a)1"));
        assert_eq!(of("${A").as_deref(), Ok("${A"));
        assert!(of("${B}").unwrap_err().contains("`B`"));
    }
}
