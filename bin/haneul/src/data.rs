//! The data directory as a whole: who holds it, wiping it, the clock's distance. What is in it belongs to the engines.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use haneul_env::Clock;

use crate::Result;

/// Held while the program runs; the system lets go of it however the program ends.
pub(crate) struct Held {
    _lock: File,
}

const LOCK: &str = "haneul.lock";
const WIPING: &str = "haneul.wiping";
const CLOCK: &str = "haneul.clock";
/// What a wipe leaves: the lock that is held, the mark of the wipe itself, and the certificate authority that clients trust.
const KEPT: &[&str] = &[LOCK, WIPING, "tls"];

/// Takes the directory, making it if it is not there, and finishes a wipe that a crash cut short.
pub(crate) fn open(dir: &Path) -> Result<Held> {
    let failed = |error: std::io::Error| {
        format!("cannot use {}: {error}; --data-dir names another one", dir.display())
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
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
    if dir.join(WIPING).exists() {
        wipe(dir)?;
    }
    Ok(Held { _lock: lock })
}

/// Removes all state. A crash in the middle is finished by the next [`open`], so that half a state is never read.
pub(crate) fn wipe(dir: &Path) -> Result<()> {
    let failed = |error: std::io::Error| format!("cannot wipe {}: {error}", dir.display());
    let mark = dir.join(WIPING);
    File::create(&mark).and_then(|file| file.sync_all()).map_err(failed)?;
    sync(dir).map_err(failed)?;
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if KEPT.iter().any(|kept| entry.file_name() == *kept) {
            continue;
        }
        let path = entry.path();
        let is_dir = entry.file_type().map_err(failed)?.is_dir();
        if is_dir { fs::remove_dir_all(path) } else { fs::remove_file(path) }.map_err(failed)?;
    }
    sync(dir).map_err(failed)?;
    fs::remove_file(mark).map_err(failed)?;
    sync(dir).map_err(failed)
}

/// Moves the clock to where an earlier run had advanced it: time never goes back, not even over a restart.
pub(crate) fn restore_clock(dir: &Path, clock: &Clock) -> Result<()> {
    let Ok(text) = fs::read_to_string(dir.join(CLOCK)) else { return Ok(()) };
    let ahead_ms = text.trim().parse::<u64>();
    let ahead_ms = ahead_ms.map_err(|_| {
        format!("{}/{CLOCK} is damaged: remove it to go on at the host's time", dir.display())
    })?;
    clock.advance(Duration::from_millis(ahead_ms));
    Ok(())
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
        fs::create_dir_all(dir.path().join("store/x")).unwrap();
        fs::write(dir.path().join(WIPING), b"").unwrap();
        let _held = open(dir.path()).unwrap();
        assert!(!dir.path().join("store").exists() && !dir.path().join(WIPING).exists());
    }

    #[test]
    fn the_clock_goes_on_where_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::real();
        clock.advance(Duration::from_secs(86_400));
        keep_clock(dir.path(), &clock).unwrap();
        let next = Clock::real();
        restore_clock(dir.path(), &next).unwrap();
        assert!(next.ahead_of_host_ms() > 86_000_000);
    }
}
