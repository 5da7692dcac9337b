//! `FLB_LOG_LEVEL` together with a `Log_Level`: Fluent Bit 5.1.1 ends at its start when it has both,
//! so the configuration's counts, as it does in other versions.

use std::fs;
use std::path::Path;

use crate::command::Command;

/// The variable that Fluent Bit reads.
pub(crate) const VARIABLE: &str = "FLB_LOG_LEVEL";

/// Whether a command's configuration, or a file that it includes, sets the level in its `[SERVICE]`.
pub(crate) fn is_set(command: &Command) -> bool {
    let path = command.configuration();
    path.is_some_and(|path| sets(&path, 0))
}

fn sets(path: &Path, depth: usize) -> bool {
    let Ok(bytes) = fs::read(path) else {
        return false;
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut is_service = false;
    for line in text.lines() {
        let trimmed = line.trim().to_ascii_lowercase();
        if trimmed.starts_with('[') {
            is_service = trimmed.starts_with("[service]");
        } else if !line.starts_with([' ', '\t', '#']) && trimmed.ends_with(':') {
            is_service = trimmed == "service:";
        } else if is_service
            && (trimmed.starts_with("log_level ") || trimmed.starts_with("log_level:"))
        {
            return true;
        }
        let included = line.trim().strip_prefix("@INCLUDE ").map(str::trim);
        if let Some(included) = included.filter(|_| depth < DEEPEST) {
            let folder = path.parent().unwrap_or(Path::new("/"));
            if sets(&folder.join(included), depth + 1) {
                return true;
            }
        }
    }
    false
}

const DEEPEST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_of_the_service_counts_also_in_an_included_file() {
        let folder = std::env::temp_dir().join(format!("level-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (name, text, expected) in [
            ("a.conf", "[SERVICE]\n    Log_Level debug\n", true),
            (
                "b.conf",
                "[SERVICE]\n Flush 1\n[OUTPUT]\n    Log_Level debug\n",
                false,
            ),
            ("c.conf", "@INCLUDE a.conf\n", true),
            (
                "d.conf",
                "@INCLUDE b.conf\n@INCLUDE d.conf\n@INCLUDE none\n",
                false,
            ),
            ("e.yaml", "service:\n  log_level: info\n", true),
            (
                "f.yaml",
                "pipeline:\n  outputs:\n    - name: x\n      log_level: info\n",
                false,
            ),
        ] {
            fs::write(folder.join(name), text).unwrap();
            assert_eq!(sets(&folder.join(name), 0), expected, "{name}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
