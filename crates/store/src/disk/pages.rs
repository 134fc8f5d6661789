//! The thread that makes pages of groups that were written to: a search of the tree may have to wait for the disk, and
//! commits do not wait for that.

use std::time::Duration;

use bytes::Bytes;

use super::Shared;

/// Groups whose pages are to be made.
#[derive(Default)]
pub(super) struct Wanted {
    groups: Vec<Bytes>,
    closing: bool,
}

/// More than these are not remembered: their pages are made when they are read.
const WANTED_MAX: usize = 16 * 1024;

/// How long more are waited for, so that the thread is not woken for each.
const PAUSE: Duration = Duration::from_millis(5);

impl Shared {
    /// What was written to these groups is visible.
    pub(super) fn want_pages(&self, mut groups: Vec<Bytes>) {
        if groups.is_empty() {
            return;
        }
        let mut wanted = self.wanted.lock();
        let first = wanted.groups.is_empty();
        groups.truncate(WANTED_MAX - wanted.groups.len());
        wanted.groups.append(&mut groups);
        if first {
            self.wanted_changed.notify_one();
        }
    }

    pub(super) fn run_pages(&self) {
        loop {
            let groups = {
                let mut wanted = self.wanted.lock();
                while wanted.groups.is_empty() && !wanted.closing {
                    self.wanted_changed.wait(&mut wanted);
                }
                if !wanted.closing {
                    self.wanted_changed.wait_for(&mut wanted, PAUSE);
                }
                if wanted.closing {
                    return;
                }
                std::mem::take(&mut wanted.groups)
            };
            for group in groups {
                if !self.rows.has_entry(&group) {
                    // Who reads the group is told of an error.
                    let _ = self.group_from_tree(&group, self.hold().version());
                }
            }
        }
    }

    pub(super) fn close_pages(&self) {
        self.wanted.lock().closing = true;
        self.wanted_changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use haneul_env::Env;

    use crate::disk::{DiskEngine, DiskOptions};
    use crate::engine::{Engine, Write};

    use super::*;

    #[test]
    fn a_group_that_is_filled_gets_a_page_and_one_of_a_single_row_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let (engine, _) = DiskEngine::open(&Env::real(), dir.path(), DiskOptions::default()).unwrap();
        engine.group("t", 1);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let write = |key: &'static str| Write { key: key.into(), value: Some("value".into()) };
        let groups = [vec![write("t\0a1"), write("t\0a2"), write("t\0b1")], vec![write("t\0c1")]];
        for writes in groups.into_iter().chain([vec![write("t\0c2")]]) {
            runtime.block_on(engine.write(writes)).unwrap();
        }
        let has_page = |group: &str| engine.shared.rows.has_entry(group.as_bytes());
        while !(has_page("t\0a") && has_page("t\0c")) {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(!has_page("t\0b"));
    }
}
