//! The thread that writes to packs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use haneul_env::fs::{File, Gather};

use super::packs::{Job, PAGE, Shared};
use crate::BlobError;

pub(super) struct Writing {
    shared: Arc<Shared>,
    /// Packs of this run that may still be written to.
    files: BTreeMap<u32, File>,
    /// Packs of which a sync has failed. What a later one says of them would mean nothing.
    failed: BTreeSet<u32>,
    gather: Gather,
}

impl Writing {
    pub(super) fn new(shared: Arc<Shared>) -> Writing {
        Writing { shared, files: BTreeMap::new(), failed: BTreeSet::new(), gather: Gather::default() }
    }

    pub(super) fn run(mut self) {
        while let Some(jobs) = self.next() {
            self.write(jobs);
        }
    }

    /// What waits, once something does; `None` at the end.
    fn next(&mut self) -> Option<Vec<Job>> {
        let shared = self.shared.clone();
        let mut state = shared.state.lock();
        while state.waiting.is_empty() {
            if state.closing {
                return None;
            }
            shared.wake.wait(&mut state);
        }
        let mut state = self.gather.wait(state, |state| state.waiting.len());
        Some(std::mem::take(&mut state.waiting))
    }

    /// Writes all, then syncs each pack once, then tells everybody.
    fn write(&mut self, jobs: Vec<Job>) {
        let mut synced: BTreeMap<u32, Result<(), BlobError>> = BTreeMap::new();
        let mut written = Vec::with_capacity(jobs.len());
        for job in jobs {
            let done = self.put(&job);
            if done.is_ok() {
                synced.insert(job.given.place.pack, Ok(()));
            }
            written.push((job, done));
        }
        for (pack, done) in &mut synced {
            if let Some(file) = self.files.get(pack)
                && let Err(error) = file.sync_data()
            {
                *done = Err(error.into());
                self.failed.insert(*pack);
                self.shared.give_up(*pack);
            }
        }
        for (Job { given, entry, done }, put) in written {
            self.shared.pool.give(entry);
            let place = given.place;
            let result = put.and_then(|()| synced.get(&place.pack).cloned().unwrap_or(Ok(())));
            let failed = result.is_err();
            // Nobody waits for a blob that was given up.
            if done.send(result).is_err() || failed {
                self.shared.discard(place);
            }
        }
        // Entries of the one before the newest may still come.
        while self.files.len() > 2 {
            self.files.pop_first();
        }
    }

    fn put(&mut self, job: &Job) -> Result<(), BlobError> {
        let place = job.given.place;
        if self.failed.contains(&place.pack) {
            return Err(BlobError::Io("a sync of its pack failed".to_owned()));
        }
        let file = match self.files.get(&place.pack) {
            Some(file) => file.clone(),
            None => {
                let file = self.shared.create(place.pack)?;
                self.files.insert(place.pack, file.clone());
                file
            }
        };
        Ok(file.write_at(&job.entry, u64::from(place.page) * PAGE as u64)?)
    }
}
