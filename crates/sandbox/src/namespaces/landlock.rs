//! Landlock as one more layer: a program may read what its root shows and write where it was given something to write
//! to, whatever mounts, descriptors or the kernel's way through `/proc` would let it do (landlock(7)).
//!
//! A restricted process can mount nothing, so it is not we who restrict: a program of ours of two kilobytes
//! (`step/step.rs`) is what bubblewrap starts, after the mounts; it restricts itself and becomes the first process.

use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use command_fds::{CommandFdExt, FdMapping};

use super::bwrap::{Placed, STEP_FD, in_memory};

static STEP: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/step"));

/// Linux 5.19. With the first one no file can be moved from one folder into another, whatever the rules say.
const ABI_MIN: i32 = 2;

/// Landlock as this host has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Landlock {
    /// Of the kernel; [`ABI_MIN`] and up.
    pub(crate) abi: i32,
}

impl Landlock {
    /// Asks the kernel, by the very step that will be taken.
    pub(crate) fn look() -> Option<Landlock> {
        if STEP.is_empty() {
            return None;
        }
        let step = in_memory("step", STEP).ok()?;
        let mut command = Command::new(path());
        command.arg0("step").env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.fd_mappings(vec![FdMapping { parent_fd: step, child_fd: STEP_FD }]).ok()?;
        let abi = command.status().ok()?.code()?;
        (abi >= ABI_MIN).then_some(Landlock { abi })
    }

    pub(super) fn step(self) -> std::io::Result<OwnedFd> {
        in_memory("step", STEP)
    }

    /// What comes before the program among bubblewrap's arguments.
    pub(super) fn words(self, mounts: &[Placed]) -> Vec<std::ffi::OsString> {
        let mut words = vec![path().into(), STEP_FD.to_string().into()];
        // All that is shown can be read. Names of threads are written in /proc, and little else can be.
        words.extend(["r:/", "p:/proc", "d:/dev"].map(std::ffi::OsString::from));
        for mount in mounts {
            if let Placed::Writable { target, .. } | Placed::Memory { target, .. } = mount {
                let mut rule = std::ffi::OsString::from("w:");
                rule.push(target);
                words.push(rule);
            }
        }
        words.push("--".into());
        words
    }
}

/// Of the step, in whoever has it open.
fn path() -> String {
    format!("/proc/self/fd/{STEP_FD}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `script` by the shell after the step with `rules`; without rules, without it.
    fn run(rules: &[&str], script: &str) -> String {
        let mut command = match rules {
            [] => Command::new("/bin/sh"),
            rules => {
                let mut command = Command::new(path());
                command.arg(STEP_FD.to_string()).args(rules).args(["--", "/bin/sh"]);
                command
            }
        };
        if !rules.is_empty() {
            let step = in_memory("step", STEP).unwrap();
            command.fd_mappings(vec![FdMapping { parent_fd: step, child_fd: STEP_FD }]).unwrap();
        }
        let shown = command.args(["-c", script]).stdin(Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&shown.stdout).into_owned() + &String::from_utf8_lossy(&shown.stderr)
    }

    #[test]
    fn the_step_restricts_and_becomes_the_program() {
        let Some(landlock) = Landlock::look() else {
            println!("skipped: this kernel has no Landlock that we use");
            return;
        };
        assert!(landlock.abi >= ABI_MIN);
        let folders: Vec<tempfile::TempDir> = (0..2).map(|_| tempfile::tempdir().unwrap()).collect();
        let [open, shut] = [0, 1].map(|n: usize| folders[n].path().display().to_string());
        std::fs::write(format!("{shut}/secret"), "secret\n").unwrap();
        let script = format!(
            "echo x > {open}/file && echo wrote open; cat {open}/file; mkdir {open}/a {open}/b && echo x > {open}/a/f
             mv {open}/a/f {open}/b && echo moved; rm -r {open}/a {open}/b; echo x > {shut}/file && echo wrote shut
             cat {shut}/secret; ls /proc/self/fd"
        );
        // The control: without the step all of it works.
        let free = run(&[], &script);
        for done in ["wrote open", "moved", "wrote shut", "secret\n"] {
            assert!(free.contains(done), "{done}: {free}");
        }
        std::fs::remove_file(format!("{shut}/file")).unwrap();
        let root: Vec<String> = ["/usr", "/bin", "/lib", "/lib64", "/proc", "/etc"]
            .iter()
            .filter(|path| std::path::Path::new(path).exists())
            .map(|path| format!("r:{path}"))
            .chain([format!("w:{open}"), "d:/dev".into()])
            .collect();
        let rules: Vec<&str> = root.iter().map(String::as_str).collect();
        let kept = run(&rules, &script);
        assert!(kept.contains("wrote open\nx\nmoved\n"), "{kept}");
        assert!(!kept.contains("wrote shut") && !kept.contains("secret\n"), "{kept}");
        assert!(!std::path::Path::new(&format!("{shut}/file")).exists());
        // Its own descriptor is gone.
        assert!(!kept.lines().any(|line| line == STEP_FD.to_string()), "{kept}");
    }

    #[test]
    fn what_the_step_does_not_understand_it_does_not_run() {
        if Landlock::look().is_none() {
            return;
        }
        for rules in [&["x:/"][..], &["r:/no/such/path"], &["r:"]] {
            let said = run(rules, "echo RAN");
            assert!(!said.contains("RAN"), "{rules:?}: {said}");
        }
    }
}
