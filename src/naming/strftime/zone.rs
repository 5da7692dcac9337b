//! In which zone a time is shown.

use std::env;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The zone whose clock and calendar a format prints.
#[derive(Clone, Debug)]
pub enum Zone {
    /// Coordinated universal time, the choice of the C plugin.
    Utc,
    /// A zone with its own offsets, the choice of the Go plugin.
    Local(TimeZone),
}

impl Zone {
    /// Reads the zone of this process: the `TZ` variable (a name such as
    /// `Europe/Berlin`, a file or a POSIX rule), else `/etc/localtime`, else UTC.
    ///
    /// # Errors
    ///
    /// `TZ` is set to something unknown, or its zone data is not installed. Go
    /// falls back to UTC without a word: show the sentence, then use [`Zone::Utc`].
    pub fn local() -> Result<Self, String> {
        match TimeZone::try_system() {
            Ok(zone) => Ok(Self::Local(zone)),
            Err(_) if env::var_os("TZ").is_none() => Ok(Self::Utc),
            Err(cause) => Err(format!(
                "the time zone of the `TZ` variable is not known: {cause}"
            )),
        }
    }

    /// Seconds east of UTC at an instant.
    pub(super) fn offset(&self, secs: i64) -> i32 {
        match self {
            Self::Utc => 0,
            Self::Local(zone) => zone.to_offset(timestamp(secs)).seconds(),
        }
    }

    /// Appends what the zone's clocks are called at an instant, such as `CEST`.
    pub(super) fn write_name(&self, secs: i64, out: &mut Vec<u8>) {
        match self {
            Self::Utc => out.extend_from_slice(b"UTC"),
            Self::Local(zone) => {
                let info = zone.to_offset_info(timestamp(secs));
                out.extend_from_slice(info.abbreviation().as_bytes());
            }
        }
    }
}

/// The nearest instant for which zones have rules: years -9999 to 9999.
fn timestamp(secs: i64) -> Timestamp {
    let bounds = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    Timestamp::from_second(secs.clamp(bounds.0, bounds.1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// The variable of a running process cannot be set safely, so this test starts itself again.
    #[test]
    fn the_tz_variable_names_the_local_zone() {
        if let Ok(expected) = env::var("EXPECTED_ZONE") {
            assert_eq!(described(), expected);
            return;
        }
        for (tz, expected) in [
            ("EST5EDT,M3.2.0,M11.1.0", "-18000 EST"),
            ("", "0 UTC"),
            ("UTC", "0 UTC"),
            ("No/Such", "unknown"),
        ] {
            let path = concat!(module_path!(), "::the_tz_variable_names_the_local_zone");
            let (_, test) = path.split_once("::").expect("a path begins with the crate");
            let run = Command::new(env::current_exe().expect("the path of this test"))
                .args(["--exact", test])
                .envs([("TZ", tz), ("EXPECTED_ZONE", expected)])
                .output()
                .expect("this test runs again");
            let printed = String::from_utf8_lossy(&run.stdout);
            assert!(
                run.status.success() && printed.contains("1 passed"),
                "TZ={tz}: {printed}"
            );
        }
    }

    #[test]
    fn instants_beyond_the_rules_use_the_nearest_one() {
        let zone = Zone::Local(TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").expect("a rule"));
        for secs in [i64::MIN, i64::MAX] {
            assert_eq!(zone.offset(secs), -18_000);
        }
    }

    fn described() -> String {
        let Ok(zone) = Zone::local() else {
            return "unknown".to_owned();
        };
        let mut name = Vec::new();
        zone.write_name(0, &mut name);
        format!("{} {}", zone.offset(0), String::from_utf8_lossy(&name))
    }
}
