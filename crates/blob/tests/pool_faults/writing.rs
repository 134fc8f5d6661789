//! What is done in the background beside a writer.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use haneul_blob::pools::{Status, Tended};
use haneul_blob::{BlobId, Blobs};
use parking_lot::Mutex;

use super::{World, block_on, content, put};

/// Has a writer wait in the middle of one copy.
struct Gate {
    /// Copies that pass before.
    passing: AtomicUsize,
    reached: Mutex<Sender<()>>,
    opened: Mutex<Receiver<()>>,
}

impl haneul_blob::BlockCipher for Gate {
    fn seal(&self, _: u64, _: &mut [u8]) -> [u8; 16] {
        if self.passing.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.reached.lock().send(()).unwrap();
            _ = self.opened.lock().recv();
        }
        [7; 16]
    }
    fn open(&self, _: u64, sealed: &mut [u8]) -> bool {
        sealed.ends_with(&[7; 16])
    }
}

/// Writes a blob, and does something when so many copies are finished, one is begun and the rest is not.
fn write_and_meanwhile(blobs: &Blobs, copies: usize, meanwhile: impl FnOnce()) -> BlobId {
    let (reached, is_reached) = channel();
    let (open, opened) = channel();
    let gate =
        Gate { passing: AtomicUsize::new(copies), reached: Mutex::new(reached), opened: Mutex::new(opened) };
    // The copies are finished one after the other.
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let mut writer = blobs.sealed_writer(None, Arc::new(gate));
        writer.write(content(0)).await.unwrap();
        // Other writers have begun another directory since.
        (0..haneul_blob::local::DIR_FILES_MAX).for_each(|_| drop(blobs.writer(None)));
        let mut finishing = Box::pin(writer.finish());
        assert!(futures_util::poll!(&mut finishing).is_pending());
        is_reached.recv().unwrap();
        meanwhile();
        drop(open);
        finishing.await.unwrap().id
    })
}

#[test]
fn what_is_being_written_is_left_to_its_writer() {
    // Of a pool that is behind, or of one that is whole: the copy that is begun.
    for (behind, begun) in [(Some(1), 1), (Some(0), 0), (None, 1)] {
        let world = World::new(3);
        let (_, blobs) = world.make();
        let missed = block_on(async {
            behind.iter().for_each(|index| world.take(*index));
            let missed = put(&blobs, 2).await.unwrap();
            behind.iter().for_each(|index| world.give_back(*index));
            missed
        });
        let (pools, blobs) = world.open().unwrap();
        let begun_file = || {
            let dirs = std::fs::read_dir(&world.roots[begun]).unwrap().map(|dir| dir.unwrap().path());
            let files = dirs.filter(|dir| dir.is_dir()).flat_map(|dir| std::fs::read_dir(dir).unwrap());
            let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
            files.retain(|file| !file.ends_with(missed.to_string()));
            assert_eq!(files.len(), 1, "{behind:?} {begun}");
            (files[0].clone(), std::fs::metadata(&files[0]).unwrap().ino())
        };
        let mut seen = None;
        let id = write_and_meanwhile(&blobs, begun, || {
            let before = begun_file();
            let mut done = pools.tend();
            pools.scrub(u64::MAX, &mut done);
            assert_eq!((done.copied, done.deleted, done.damaged), (behind.iter().count() as u64, 0, 0));
            assert_eq!(begun_file(), before);
            seen = Some(before);
        });
        assert_eq!(seen, Some(begun_file()), "{behind:?} {begun}");
        assert_eq!(pools.statuses(), [Status::Online; 3]);
        assert_eq!((world.has(id), world.has(missed)), (vec![0, 1, 2], vec![0, 1, 2]));
        let mut done = Tended::default();
        pools.scrub(u64::MAX, &mut done);
        assert_eq!((done.verified, done.damaged), (6, 0), "it is looked at when it is whole");
    }
}

/// A pool that takes no part in a blob, because it was not there, is filled while that is written.
#[test]
fn a_pool_that_is_back_before_a_blob_is_whole_gets_it() {
    let world = World::new(3);
    let (pools, blobs) = world.make();
    world.take(2);
    pools.tend();
    let id = write_and_meanwhile(&blobs, 1, || {
        world.give_back(2);
        (0..8).for_each(|_| _ = pools.tend());
        assert_eq!(pools.statuses(), [Status::Online; 3]);
    });
    assert_eq!(world.has(id), [0, 1, 2]);
}
