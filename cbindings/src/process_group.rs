//! Child processes of a plugin: polling for their end, and killing a process group.

use std::io;
use std::mem::MaybeUninit;
use std::process::Child;

/// Whether the process has ended. It is not reaped, so its process id and group id stay reserved.
///
/// # Errors
///
/// When the process is not a child of this process or was already reaped.
pub fn has_ended(child: &Child) -> io::Result<bool> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` has room for the answer, and the number is that of a child.
    let code = unsafe { libc::waitid(libc::P_PID, child.id(), info.as_mut_ptr(), options) };
    if code != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroed, which is a valid value of this structure of integers, or filled in.
    let info = unsafe { info.assume_init() };
    // SAFETY: the field is zero when no child has ended, and set when one has.
    Ok(unsafe { info.si_pid() } != 0)
}

/// Kills the process group of `leader`. The leader must not have been reaped, so that the group id still
/// belongs to the group.
///
/// # Errors
///
/// When the group does not exist or may not be killed.
pub fn kill_group(leader: &Child) -> io::Result<()> {
    let group = i32::try_from(leader.id())
        .ok()
        .filter(|group| *group > 1)
        .ok_or(io::ErrorKind::InvalidInput)?;
    // SAFETY: a system call with two integers.
    match unsafe { libc::kill(-group, libc::SIGKILL) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    fn ends(child: &Child) -> bool {
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end {
            if has_ended(child).expect("a child") {
                return true;
            }
            std::thread::yield_now();
        }
        false
    }

    #[test]
    fn kill_group_kills_the_leader_and_its_children() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $!; sleep 600"]);
        let mut leader = command
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh runs");
        let mut output = io::BufReader::new(leader.stdout.take().expect("a pipe"));
        let mut line = String::new();
        io::BufRead::read_line(&mut output, &mut line).expect("a process id");
        assert!(!has_ended(&leader).expect("a child"));
        kill_group(&leader).expect("a group");
        assert!(ends(&leader));
        assert!(ends(&leader), "it is not reaped by the question");
        // The pipe ends when the child that inherited it has ended.
        io::Read::read_to_string(&mut output, &mut line).expect("an end");
        assert_eq!(leader.wait().expect("a status").code(), None);
        assert!(has_ended(&leader).is_err(), "a reaped process is unknown");
    }
}
