//! The arguments of `migrate`.

use migrate::multiline::Begin;

/// What is asked for.
pub(crate) enum Asked {
    /// How to use it.
    Help,
    /// A report of files, with permissions tried or not.
    Report { files: Vec<String>, is_tried: bool },
    /// A file as it is after its migration.
    Write(String),
    /// Whether a task definition keeps the rules.
    Rules {
        file: String,
        policy: Option<String>,
        config: Option<String>,
    },
    /// A parser for multi-line events.
    Multiline(Begin, String),
}

impl Asked {
    /// Reads the arguments.
    pub(crate) fn read(arguments: &[&str]) -> Result<Self, String> {
        let owned = |text: &&str| (*text).to_owned();
        let files = |files: &[&str]| {
            let are_files = !files.is_empty() && files.iter().all(|file| !file.starts_with("--"));
            are_files.then(|| files.iter().map(owned).collect())
        };
        match arguments {
            ["--help" | "-h"] => Ok(Self::Help),
            ["multiline", "--datetime", format] => Ok(Self::Multiline(Begin::Time, owned(format))),
            ["multiline", pattern] => Ok(Self::Multiline(Begin::Pattern, owned(pattern))),
            ["rules", options @ .., file] => Self::rules(options, file),
            ["--write", file] => Ok(Self::Write(owned(file))),
            ["--check", rest @ ..] => files(rest)
                .map(|files| Self::Report {
                    files,
                    is_tried: true,
                })
                .ok_or_else(wrong),
            rest => files(rest)
                .map(|files| Self::Report {
                    files,
                    is_tried: false,
                })
                .ok_or_else(wrong),
        }
    }

    fn rules(options: &[&str], file: &str) -> Result<Self, String> {
        let (mut policy, mut config) = (None, None);
        for option in options.chunks(2) {
            match option {
                ["--policy", path] => policy = Some((*path).to_owned()),
                ["--config", path] => config = Some((*path).to_owned()),
                _ => return Err(wrong()),
            }
        }
        Ok(Self::Rules {
            file: file.to_owned(),
            policy,
            config,
        })
    }
}

fn wrong() -> String {
    format!("wrong arguments\n{USAGE}")
}

pub(crate) const USAGE: &str = "\
usage: migrate [--check] FILE...
       migrate --write FILE
       migrate rules [--policy POLICY] [--config CONFIG] FILE
       migrate multiline PATTERN
       migrate multiline --datetime FORMAT

FILE has a task definition (JSON, CloudFormation, SAM, Terraform, a CDK program, a Copilot manifest, a
compose file), a configuration of Fluent Bit (classic, YAML, in a ConfigMap or in the values of a
chart), or is a Dockerfile; a folder is read with all that is below it; - is the standard input. Files
that FILE names are read too where they are beside it, or given as well.

  FILE         what would change with this router's plugins, what to edit, which role needs which
               IAM policy
  --check      tries the credentials that are found here, and the permissions, at the service
  --write      prints the file with the edits made, so that `diff` shows the migration
  rules        whether a task definition keeps the rules of FireLens, with the `Grace` of CONFIG,
               and whether POLICY allows what the task role needs
  multiline    Fluent Bit's parser and filters for awslogs-multiline-pattern or -datetime-format

The status is 1 where something would not work, and 2 where not all of FILE could be read.
";
