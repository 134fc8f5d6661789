use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What this host has for us.
#[derive(Clone, Debug)]
pub struct Host {
    pub bwrap: PathBuf,
    /// As it calls itself: `bubblewrap 0.8.0`.
    pub version: String,
    pub is_root: bool,
}

const INSTALL: &str = "running programs needs bubblewrap: apt-get install bubblewrap (or dnf, apk, pacman)";

impl Host {
    /// # Errors
    /// What is missing, and what to do about it.
    pub fn look() -> Result<Host, String> {
        let bwrap = ["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"];
        let Some(bwrap) = bwrap.iter().map(PathBuf::from).find(|path| path.exists()) else {
            return Err(INSTALL.into());
        };
        let shown = Command::new(&bwrap).arg("--version").env_clear().output();
        let version = match shown {
            Ok(shown) if shown.status.success() => String::from_utf8_lossy(&shown.stdout).trim().to_owned(),
            _ => return Err(INSTALL.into()),
        };
        if !is_recent(&version) {
            return Err(format!("{version} is too old, 0.7 is needed; {INSTALL}"));
        }
        let users = std::fs::read_to_string("/proc/sys/user/max_user_namespaces").unwrap_or_default();
        let allowed =
            std::fs::read_to_string("/proc/sys/kernel/unprivileged_userns_clone").unwrap_or_default();
        if users.trim() == "0" || allowed.trim() == "0" {
            return Err("running programs needs user namespaces: sysctl user.max_user_namespaces=15000 \
                        kernel.unprivileged_userns_clone=1"
                .into());
        }
        Ok(Host { bwrap, version, is_root: rustix::process::geteuid().is_root() })
    }
}

fn is_recent(version: &str) -> bool {
    let number = version.split_whitespace().last().unwrap_or_default();
    let mut parts = number.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (0, 7)
}

/// The folder over which the spawner mounts its private stage: one that any user can walk to, whatever else is ours
/// alone. It stays empty for everybody else.
///
/// # Errors
/// When there is no such folder and none can be made.
pub fn stage() -> Result<PathBuf, String> {
    let made = ["/run", "/var/run", "/tmp"].iter().find_map(|parent| {
        let walkable = std::fs::metadata(parent).is_ok_and(|known| known.permissions().mode() & 0o001 != 0);
        let folder = Path::new(parent).join("haneul-sandboxes");
        let there = walkable && (folder.is_dir() || std::fs::create_dir(&folder).is_ok());
        // What somebody else put there is not ours to mount over.
        let ours = std::fs::symlink_metadata(&folder)
            .is_ok_and(|known| known.is_dir() && std::os::unix::fs::MetadataExt::uid(&known) == 0);
        (there && ours).then_some(folder)
    });
    made.ok_or_else(|| "there is no folder for the sandboxes in /run".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (text, recent) in
            [("bubblewrap 0.8.0", true), ("bubblewrap 0.6.2", false), ("bubblewrap 1.0", true), ("x", false)]
        {
            assert_eq!(is_recent(text), recent, "{text}");
        }
    }
}
