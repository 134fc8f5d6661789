//! The data directory as a whole: who holds it, wiping it, the clock's distance. What is in it belongs to the engines.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use haneul_env::Clock;

use crate::Result;

/// Held while the program runs; the system lets go of it however the program ends.
pub(crate) struct Held {
    _lock: File,
}

const LOCK: &str = "haneul.lock";
const CLOCK: &str = "haneul.clock";
/// All state of the cloud lies in this folder, so that a reset is one rename.
const CLOUD: &str = "cloud";
const TRASH: &str = "trash";

/// Where the state of the cloud lies in the data directory.
pub(crate) fn cloud_dir(dir: &Path) -> PathBuf {
    dir.join(CLOUD)
}

/// Takes the directory, making it if it is not there, and finishes a wipe that a crash cut short.
pub(crate) fn open(dir: &Path) -> Result<Held> {
    let failed = |error: std::io::Error| {
        format!("cannot use {}: {error}; --data-dir names another one", dir.display())
    };
    make(dir).map_err(failed)?;
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(dir.join(LOCK))
        .map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            return Err(format!(
                "{} is in use by another haneul; stop that one, or name another directory with --data-dir",
                dir.display()
            ));
        }
        Err(fs::TryLockError::Error(error)) => return Err(failed(error)),
    }
    remove_if_there(&dir.join(TRASH))
        .and_then(|()| make(&dir.join(CLOUD)))
        .and_then(|()| sync(dir))
        .map_err(failed)?;
    Ok(Held { _lock: lock })
}

/// Removes all state. A crash in the middle leaves either all of it or none that would be read.
pub(crate) fn wipe(dir: &Path) -> Result<()> {
    let (cloud, trash) = (dir.join(CLOUD), dir.join(TRASH));
    remove_if_there(&trash)
        .and_then(|()| if cloud.exists() { fs::rename(&cloud, &trash) } else { Ok(()) })
        .and_then(|()| make(&cloud))
        .and_then(|()| sync(dir))
        .and_then(|()| remove_if_there(&trash))
        .map_err(|error| format!("cannot wipe {}: {error}", dir.display()))
}

/// The clock goes on from where an earlier run had advanced it: time never goes back, not even over a restart.
pub(crate) fn clock(dir: &Path) -> Result<Clock> {
    let Ok(text) = fs::read_to_string(dir.join(CLOCK)) else { return Ok(Clock::real()) };
    let ahead_ms = text.trim().parse::<u64>().map_err(|_| {
        format!("{}/{CLOCK} is damaged: remove it to go on at the host's time", dir.display())
    })?;
    Ok(Clock::ahead_of_host(Duration::from_millis(ahead_ms)))
}

/// Notes how far the clock is ahead of the host's.
pub(crate) fn keep_clock(dir: &Path, clock: &Clock) -> Result<()> {
    let ahead_ms = clock.ahead_of_host_ms().max(0);
    let (path, fresh) = (dir.join(CLOCK), dir.join("haneul.clock.new"));
    if ahead_ms < 1000 && !path.exists() {
        return Ok(());
    }
    File::create(&fresh)
        .and_then(|mut file| {
            writeln!(file, "{ahead_ms}")?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&fresh, &path))
        .and_then(|()| sync(dir))
        .map_err(|error| format!("cannot keep the clock in {}: {error}", path.display()))
}

fn make(dir: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn remove_if_there(dir: &Path) -> std::io::Result<()> {
    if dir.exists() { fs::remove_dir_all(dir) } else { Ok(()) }
}

fn sync(dir: &Path) -> std::io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let held = open(dir.path()).unwrap();
        assert!(open(dir.path()).err().unwrap().contains("another haneul"));
        drop(held);
        assert!(open(dir.path()).is_ok());
    }

    #[test]
    fn a_wipe_that_was_cut_short_is_finished() {
        let dir = tempfile::tempdir().unwrap();
        drop(open(dir.path()).unwrap());
        fs::rename(cloud_dir(dir.path()), dir.path().join(TRASH)).unwrap();
        let _held = open(dir.path()).unwrap();
        assert!(cloud_dir(dir.path()).exists() && !dir.path().join(TRASH).exists());
        fs::write(cloud_dir(dir.path()).join("x"), b"").unwrap();
        wipe(dir.path()).unwrap();
        assert_eq!(fs::read_dir(cloud_dir(dir.path())).unwrap().count(), 0);
    }

    #[test]
    fn the_clock_goes_on_where_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::real();
        clock.advance(Duration::from_secs(86_400));
        keep_clock(dir.path(), &clock).unwrap();
        let next = super::clock(dir.path()).unwrap();
        assert!(next.ahead_of_host_ms() > 86_000_000);
    }
}
