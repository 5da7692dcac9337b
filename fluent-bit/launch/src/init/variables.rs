//! The variables by which a task asks for init.

use std::path::PathBuf;

use super::{Arn, Problems, all};

/// What a task asks for.
#[derive(Debug, Eq, PartialEq)]
pub struct Request {
    /// Files in the order in which they are included, each with the name of its variable.
    pub sources: Vec<(String, Source)>,
    /// Leave out the configuration that FireLens mounts.
    pub ignore_firelens_config: bool,
}

/// Where a file is.
#[derive(Debug, Eq, PartialEq)]
pub enum Source {
    /// In S3.
    S3(Arn),
    /// In the image.
    File(PathBuf),
}

impl Request {
    /// What the environment asks for; `None` without any of the variables.
    ///
    /// # Errors
    ///
    /// Every variable that cannot be understood.
    pub fn read(
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Option<Self>, Problems> {
        let mut asked: Vec<_> = environment
            .filter_map(|(name, value)| Asked::of(name, value))
            .collect();
        if asked.is_empty() {
            return Ok(None);
        }
        asked.sort_by(|a, b| a.order().cmp(&b.order()));
        let ignores = |asked: &Asked| asked.what == What::Ignore && is_true(&asked.value);
        let ignore_firelens_config = asked.iter().any(ignores);
        let files = asked.into_iter().filter(|asked| asked.what != What::Ignore);
        let sources = all(files.map(Asked::source))?;
        Ok(Some(Self {
            sources,
            ignore_firelens_config,
        }))
    }
}

/// One variable.
struct Asked {
    what: What,
    suffix: String,
    name: String,
    value: String,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum What {
    S3,
    File,
    Ignore,
    Unknown,
}

impl Asked {
    fn of(name: String, value: String) -> Option<Self> {
        let rest = name.strip_prefix(PREFIX)?;
        let (what, suffix) = match rest.split_once('_').unwrap_or((rest, "")) {
            ("s3" | "S3", suffix) => (What::S3, suffix),
            ("file" | "File", suffix) => (What::File, suffix),
            ("ignore", "firelens_config") => (What::Ignore, ""),
            _ => (What::Unknown, rest),
        };
        let suffix = suffix.to_owned();
        Some(Self {
            what,
            suffix,
            name,
            value,
        })
    }

    /// By number, then what has none; of one number S3 first.
    fn order(&self) -> (u64, &str, What) {
        let number = self.suffix.parse();
        number.map_or((u64::MAX, &self.suffix, self.what), |number| {
            (number, "", self.what)
        })
    }

    fn source(self) -> Result<(String, Source), String> {
        let value = self.value.trim();
        let source =
            match self.what {
                What::S3 => Arn::parse(value).map(Source::S3).map_err(|problem| {
                    match value.starts_with('/') {
                        true => {
                            format!("{problem}; for a file of the image there is {PREFIX}file_N")
                        }
                        false => problem,
                    }
                }),
                What::File if value.starts_with("arn:") => Err(format!(
                    "`{value}` is an ARN: for an object of S3 there is {PREFIX}s3_N"
                )),
                What::File if !value.is_empty() => Ok(Source::File(value.into())),
                What::File => Err("it is empty: it must be a path in the image".to_owned()),
                _ => Err(format!(
                    "init knows {PREFIX}s3_N, {PREFIX}file_N and {PREFIX}ignore_firelens_config"
                )),
            };
        match source {
            Ok(source) => Ok((self.name, source)),
            Err(problem) => Err(format!("{}: {problem}", self.name)),
        }
    }
}

fn is_true(value: &str) -> bool {
    ["true", "on", "yes", "1"].contains(&&*value.trim().to_ascii_lowercase())
}

pub(crate) const PREFIX: &str = "aws_fluent_bit_init_";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Request>, Problems> {
        let pairs = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Request::read(pairs)
    }

    #[test]
    fn without_a_variable_nothing_is_asked() {
        assert_eq!(read(&[("PATH", "/bin"), ("AWS_FLUENT_BIT", "x")]), Ok(None));
    }

    #[test]
    fn files_are_in_the_order_of_their_numbers() {
        let request = read(&[
            ("aws_fluent_bit_init_file_10", "/ten"),
            ("aws_fluent_bit_init_File_2", " /two "),
            ("aws_fluent_bit_init_s3_2", "arn:aws:s3:::b/two"),
            ("aws_fluent_bit_init_file", "/none"),
            ("aws_fluent_bit_init_file_x", "/x"),
            ("aws_fluent_bit_init_S3_1", "arn:aws:s3:::b/one"),
        ]);
        let sources = request.unwrap().unwrap().sources;
        let names: Vec<_> = sources
            .iter()
            .map(|(name, _)| &name[PREFIX.len()..])
            .collect();
        assert_eq!(
            names,
            ["S3_1", "s3_2", "File_2", "file_10", "file", "file_x"]
        );
        assert_eq!(sources[2].1, Source::File("/two".into()));
    }

    #[test]
    fn the_mounted_configuration_is_left_out_on_demand_alone() {
        for (value, ignored) in [("true", true), ("ON", true), ("false", false), ("", false)] {
            let request = read(&[("aws_fluent_bit_init_ignore_firelens_config", value)]);
            assert_eq!(
                request.unwrap().unwrap().ignore_firelens_config,
                ignored,
                "{value}"
            );
        }
    }

    #[test]
    fn every_wrong_variable_is_told() {
        let problems = read(&[
            ("aws_fluent_bit_init_s3_1", "bucket/key"),
            ("aws_fluent_bit_init_file_1", ""),
            ("aws_fluent_bit_init_git_1", "x"),
            ("aws_fluent_bit_init_file_2", "arn:aws:s3:::b/k"),
            ("aws_fluent_bit_init_s3_2", "/a.conf"),
        ])
        .unwrap_err();
        for told in [
            "aws_fluent_bit_init_s3_1: `bucket/key`",
            "aws_fluent_bit_init_file_1: it is empty",
            "aws_fluent_bit_init_git_1: init knows",
            "aws_fluent_bit_init_file_2: `arn:aws:s3:::b/k` is an ARN: for an object of S3 there is aws_fluent_bit_init_s3_N",
            "aws_fluent_bit_init_s3_2: `/a.conf` is no ARN",
        ] {
            assert!(
                problems.iter().any(|problem| problem.starts_with(told)),
                "{told}: {problems:?}"
            );
        }
        assert!(
            problems
                .iter()
                .any(|problem| problem.ends_with("there is aws_fluent_bit_init_file_N"))
        );
    }
}
