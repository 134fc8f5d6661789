//! Storage pools when something goes wrong: disks that are full, not mounted or somebody else's, two pools only, cancelled
//! writes, deletions beside copying.

mod together;
mod writing;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use haneul_blob::pools::{Pools, Set, Status, Tended};
use haneul_blob::{BlobError, BlobId, Blobs};
use haneul_env::Env;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap().block_on(future)
}

/// Pools on a real disk, and everything of them in one folder.
struct World {
    env: Env,
    folder: tempfile::TempDir,
    roots: Vec<PathBuf>,
}

impl World {
    fn new(pools: usize) -> World {
        let env = Env { fs: haneul_env::Fs::real(), ..Env::simulated(3) };
        let folder = tempfile::tempdir().unwrap();
        let roots = (0..pools).map(|index| folder.path().join(format!("p{index}"))).collect();
        World { env, folder, roots }
    }

    fn make(&self) -> (Arc<Pools>, Blobs) {
        self.with(&Set::New("ours".into())).unwrap()
    }

    fn open(&self) -> Result<(Arc<Pools>, Blobs), BlobError> {
        self.with(&Set::Made("ours".into()))
    }

    fn with(&self, set: &Set) -> Result<(Arc<Pools>, Blobs), BlobError> {
        let pools = Pools::open(&self.env, &self.roots, set)?;
        Ok((pools.clone(), Blobs::new(Arc::new(pools))))
    }

    fn away(&self, index: usize) -> PathBuf {
        self.folder.path().join(format!("away{index}"))
    }

    fn take(&self, index: usize) {
        std::fs::rename(&self.roots[index], self.away(index)).unwrap();
    }

    fn give_back(&self, index: usize) {
        std::fs::rename(self.away(index), &self.roots[index]).unwrap();
    }

    fn file(&self, index: usize, id: BlobId) -> PathBuf {
        self.roots[index].join(&id.to_string()[..8]).join(id.to_string())
    }

    /// The pools that have a file of this blob.
    fn has(&self, id: BlobId) -> Vec<usize> {
        (0..self.roots.len()).filter(|index| self.file(*index, id).exists()).collect()
    }
}

fn content(seed: usize) -> Bytes {
    (0..1000 + seed * 37_000).map(|i| (i.wrapping_mul(2_654_435_761) >> 7) as u8).collect::<Vec<_>>().into()
}

async fn put(blobs: &Blobs, seed: usize) -> Result<BlobId, BlobError> {
    Ok(blobs.put(content(seed)).await?.id)
}

async fn reads(blobs: &Blobs, id: BlobId, seed: usize) -> bool {
    blobs.read(id, 0..content(seed).len() as u64).await.is_ok_and(|read| read == content(seed))
}

fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[50] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn what_is_too_large_for_all_makes_none_behind() {
    // Refused before anything is written, and in the middle, by some pools sooner than by others.
    for (capacity, known) in [(5 << 20, true), (7 << 20, false), (8 << 20, false), (10 << 20, false)] {
        let env = Env::simulated(1);
        let dirs: Vec<PathBuf> = ["/a", "/b", "/c"].map(PathBuf::from).to_vec();
        let pools = Pools::open(&env, &dirs, &Set::New("s".into())).unwrap();
        let blobs = Blobs::new(Arc::new(pools.clone()));
        block_on(async {
            env.fs.sim().unwrap().set_capacity(capacity);
            let large = Bytes::from(vec![7; 9 << 20]);
            let mut writer = blobs.writer(known.then_some(large.len() as u64));
            let mut written = Ok(());
            for at in (0..large.len()).step_by(300_000) {
                written = writer.write(large.slice(at..large.len().min(at + 300_000))).await;
                if written.is_err() {
                    break;
                }
            }
            let written = match written {
                Ok(()) => writer.finish().await.map(drop),
                Err(error) => Err(error),
            };
            assert_eq!(written, Err(BlobError::Full), "{capacity}");
            assert_eq!(pools.statuses(), [Status::Online; 3], "{capacity}");
        });
    }
}

#[test]
fn one_of_two_is_lost_and_comes_back() {
    let world = World::new(2);
    let (pools, blobs) = world.make();
    block_on(async {
        let kept = put(&blobs, 2).await.unwrap();
        let gone = put(&blobs, 3).await.unwrap();
        world.take(1);
        assert!(put(&blobs, 1).await.is_err(), "there is no majority");
        pools.tend();
        assert_eq!(pools.statuses(), [Status::Online, Status::Offline]);
        assert!(reads(&blobs, kept, 2).await);
        assert!(blobs.delete(vec![gone]).await.is_err(), "it is to be tried again");
        world.give_back(1);
        pools.tend();
        assert_eq!(pools.statuses(), [Status::Online; 2]);
        assert!(world.has(gone).is_empty());
        let late = put(&blobs, 4).await.unwrap();
        assert_eq!((world.has(kept), world.has(late)), (vec![0, 1], vec![0, 1]));
        // A new disk.
        world.take(0);
        pools.tend();
        std::fs::create_dir(&world.roots[0]).unwrap();
        pools.tend();
        assert_eq!(pools.statuses(), [Status::Online; 2]);
        assert_eq!((world.has(kept), world.has(late)), (vec![0, 1], vec![0, 1]));
        drop((pools, blobs));
        // A start with one alone says what to do, and does it.
        std::fs::remove_dir_all(&world.roots[1]).unwrap();
        let refused = world.open().err().unwrap().to_string();
        assert!(refused.contains("p1") && refused.contains("empty directory"), "{refused}");
        std::fs::create_dir(&world.roots[1]).unwrap();
        let (pools, blobs) = world.open().unwrap();
        assert_eq!(pools.statuses(), [Status::Online, Status::Behind]);
        let new = put(&blobs, 5).await.unwrap();
        pools.tend();
        assert_eq!(pools.statuses(), [Status::Online; 2]);
        for id in [kept, late, new] {
            assert_eq!(world.has(id), [0, 1]);
        }
    });
}

#[test]
fn places_to_mount_are_not_pools() {
    let world = World::new(3);
    let (pools, blobs) = world.make();
    block_on(async {
        let id = put(&blobs, 2).await.unwrap();
        let vanish = || {
            (0..3).for_each(|index| {
                world.take(index);
                std::fs::create_dir(&world.roots[index]).unwrap();
            })
        };
        let return_all = || {
            (0..3).for_each(|index| {
                std::fs::remove_dir(&world.roots[index]).expect("nothing was written there");
                world.give_back(index);
            })
        };
        // All at once, while it runs.
        vanish();
        pools.tend();
        pools.tend();
        assert_eq!(pools.statuses(), [Status::Offline; 3]);
        return_all();
        pools.tend();
        assert_eq!(pools.statuses(), [Status::Online; 3]);
        assert!(reads(&blobs, id, 2).await);
        drop((pools, blobs));
        // At a start.
        vanish();
        assert!(world.open().is_err());
        return_all();
        let (_, blobs) = world.open().unwrap();
        assert!(reads(&blobs, id, 2).await);
        // They are nobody else's either, and no others become ours.
        for set in [Set::New("theirs".into()), Set::Made("theirs".into())] {
            assert!(world.with(&set).is_err());
        }
        let other = World::new(3);
        std::fs::create_dir_all(other.roots[1].join("mine")).unwrap();
        assert!(other.with(&Set::New("theirs".into())).is_err());
    });
}

#[test]
fn a_pool_that_cannot_be_used_is_one_that_is_lost() {
    for broken in ["pool", "suspects"] {
        let world = World::new(3);
        let (_, blobs) = world.make();
        block_on(async {
            let id = put(&blobs, 2).await.unwrap();
            drop(blobs);
            let (path, aside) = (world.roots[1].join(broken), world.folder.path().join("aside"));
            std::fs::rename(&path, &aside).unwrap();
            std::fs::create_dir(&path).unwrap();
            let (pools, blobs) = world.open().unwrap();
            assert_eq!(pools.statuses(), [Status::Online, Status::Offline, Status::Online], "{broken}");
            let late = put(&blobs, 3).await.unwrap();
            assert!(reads(&blobs, id, 2).await);
            std::fs::remove_dir(&path).unwrap();
            std::fs::rename(&aside, &path).unwrap();
            (0..8).for_each(|_| _ = pools.tend());
            assert_eq!(pools.statuses(), [Status::Online; 3], "{broken}");
            assert_eq!(world.has(late), [0, 1, 2]);
        });
    }
}

#[test]
fn one_pool_that_cannot_be_filled_keeps_nothing_else_from_being_mended() {
    let world = World::new(3);
    let (_, blobs) = world.make();
    block_on(async {
        let (x, y, z) =
            (put(&blobs, 1).await.unwrap(), put(&blobs, 2).await.unwrap(), put(&blobs, 3).await.unwrap());
        let (pools, blobs) = world.open().unwrap();
        world.take(1);
        put(&blobs, 4).await.unwrap();
        world.give_back(1);
        let dir = world.file(1, x).parent().unwrap().to_owned();
        std::fs::rename(&dir, world.away(7)).unwrap();
        std::fs::write(&dir, "in the way").unwrap();
        // One copy that can be mended, found by whoever reads; one that cannot; one that is found by the scrub.
        for id in [x, y] {
            damage(&world.file(0, id));
            damage(&world.file(2, id));
            assert!(!reads(&blobs, id, 0).await);
        }
        std::fs::write(world.file(2, y), std::fs::read(world.away(7).join(y.to_string())).unwrap()).unwrap();
        std::fs::write(world.file(2, x), std::fs::read(world.away(7).join(x.to_string())).unwrap()).unwrap();
        std::fs::remove_file(world.file(0, x)).unwrap();
        std::fs::create_dir_all(world.file(0, x).join("in the way")).unwrap();
        damage(&world.file(2, z));
        let mut done = pools.tend();
        assert_eq!(pools.statuses(), [Status::Online, Status::Behind, Status::Online]);
        assert_eq!(done.copied, 1, "y");
        pools.scrub(u64::MAX, &mut done);
        assert!(std::fs::read(world.file(2, z)).unwrap() == std::fs::read(world.file(0, z)).unwrap());
        // It is not tried all the time; what could not be done is not forgotten.
        std::fs::remove_dir_all(world.file(0, x)).unwrap();
        std::fs::remove_file(&dir).unwrap();
        std::fs::rename(world.away(7), &dir).unwrap();
        assert_eq!(pools.tend().copied, 0);
        (0..8).for_each(|_| _ = pools.tend());
        assert_eq!(pools.statuses(), [Status::Online; 3]);
        assert_eq!(world.has(x), [0, 1, 2]);
    });
}

#[test]
fn nothing_is_acknowledged_before_it_is_noted_who_lacks_it() {
    let world = World::new(3);
    let (_, blobs) = world.make();
    block_on(async {
        world.take(1);
        std::fs::create_dir(world.roots[0].join("pool.new")).unwrap();
        for _ in 0..2 {
            assert!(put(&blobs, 2).await.is_err(), "one of three has the note");
        }
        std::fs::remove_dir(world.roots[0].join("pool.new")).unwrap();
        let id = put(&blobs, 2).await.unwrap();
        world.give_back(1);
        drop(blobs);
        let (pools, _) = world.open().unwrap();
        assert_eq!(pools.statuses(), [Status::Online, Status::Behind, Status::Online]);
        assert_eq!(world.has(id), [0, 2]);
    });
}

#[test]
fn what_a_pool_said_before_it_went_away_is_over_when_it_is_back() {
    let world = World::new(3);
    let (pools, blobs) = world.make();
    block_on(async {
        world.take(1);
        put(&blobs, 1).await.unwrap();
        world.give_back(1);
        world.take(0);
        pools.tend();
        assert_eq!(pools.statuses(), [Status::Offline, Status::Online, Status::Online]);
        world.give_back(0);
        pools.tend();
        assert_eq!(pools.statuses(), [Status::Online; 3]);
        drop((pools, blobs));
        let (pools, _) = world.open().unwrap();
        assert_eq!(pools.statuses(), [Status::Online; 3]);
    });
}

#[test]
fn a_write_that_is_given_up_at_its_end_leaves_nothing() {
    let world = World::new(3);
    let (_, blobs) = world.make();
    let files = |index: usize| std::fs::read_dir(world.roots[index].join("00000001")).unwrap().count();
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        for _ in 0..20 {
            let mut writer = blobs.writer(None);
            writer.write(content(3)).await.unwrap();
            let mut finishing = Box::pin(writer.finish());
            // The copies are finished one after the other: when the second one is begun, the first one is whole.
            assert!(futures_util::poll!(&mut finishing).is_pending());
            while files(1) == 0 {
                std::hint::spin_loop();
            }
            let polled = futures_util::poll!(&mut finishing);
            drop(finishing);
            for _ in 0..8 {
                tokio::task::spawn_blocking(|| ()).await.unwrap();
            }
            if let std::task::Poll::Ready(blob) = polled {
                blobs.delete(vec![blob.unwrap().id]).await.unwrap();
            }
            assert_eq!([0, 1, 2].map(files), [0; 3]);
        }
    });
}

/// The place to mount was empty for a while, and taken for a new disk; then the old one is mounted over it.
#[test]
fn a_disk_that_was_replaced_is_behind_when_it_is_back() {
    for restarted in [false, true] {
        let world = World::new(3);
        let (pools, blobs) = world.make();
        block_on(async {
            let (kept, gone) = (put(&blobs, 1).await.unwrap(), put(&blobs, 2).await.unwrap());
            world.take(1);
            pools.tend();
            std::fs::create_dir(&world.roots[1]).unwrap();
            pools.tend();
            assert_eq!(pools.statuses(), [Status::Online; 3]);
            let late = put(&blobs, 3).await.unwrap();
            blobs.delete(vec![gone]).await.unwrap();
            std::fs::rename(&world.roots[1], world.away(2)).unwrap();
            world.give_back(1);
            let (pools, blobs) = if restarted {
                drop((pools, blobs));
                world.open().unwrap()
            } else {
                (pools, blobs)
            };
            if restarted {
                assert_eq!(pools.statuses(), [Status::Online, Status::Behind, Status::Online]);
            }
            (0..2).for_each(|_| _ = pools.tend());
            assert_eq!(pools.statuses(), [Status::Online; 3]);
            assert_eq!((world.has(kept), world.has(late)), (vec![0, 1, 2], vec![0, 1, 2]));
            // From now on it is the one that counts, and the other one is not.
            let newest = put(&blobs, 4).await.unwrap();
            drop((pools, blobs));
            let (pools, blobs) = world.open().unwrap();
            assert_eq!(pools.statuses(), [Status::Online; 3]);
            assert_eq!(world.has(newest), [0, 1, 2]);
            // What was deleted while it was away, and in its newest directory is no certain remainder, is swept.
            let swept = blobs.sweep(|_| async move { Ok::<_, BlobError>([kept, late, newest].into()) });
            swept.await.unwrap();
            assert_eq!(world.has(gone), Vec::<usize>::new());
            assert_eq!(world.has(kept), [0, 1, 2]);
        });
    }
}

#[test]
fn a_deletion_beside_a_copy_stays_one() {
    let world = World::new(3);
    let (pools, blobs) = world.make();
    let rng = haneul_env::Rng::seeded(1);
    block_on(async {
        for _ in 0..60 {
            let id = put(&blobs, 20).await.unwrap();
            damage(&world.file(0, id));
            let scrubbing = {
                let pools = pools.clone();
                tokio::task::spawn_blocking(move || pools.scrub(u64::MAX, &mut Tended::default()))
            };
            (0..rng.below(40_000)).for_each(|_| std::hint::spin_loop());
            blobs.delete(vec![id]).await.unwrap();
            scrubbing.await.unwrap();
            assert!(world.has(id).is_empty());
        }
    });
}

#[test]
fn the_only_copy_is_deleted_when_its_pool_is_there() {
    struct Plain;
    impl haneul_blob::BlockCipher for Plain {
        fn seal(&self, _: u64, _: &mut [u8]) -> [u8; 16] {
            [7; 16]
        }
        fn open(&self, _: u64, sealed: &mut [u8]) -> bool {
            sealed.ends_with(&[7; 16])
        }
    }
    let world = World::new(3);
    let (_, blobs) = world.make();
    block_on(async {
        let mut writer = blobs.sealed_writer_of_one(None, Arc::new(Plain));
        writer.write(content(2)).await.unwrap();
        let id = writer.finish().await.unwrap().id;
        let only = world.has(id)[0];
        world.take(only);
        assert!(blobs.delete(vec![id]).await.is_err(), "it is to be tried again");
        drop(blobs);
        world.give_back(only);
        let (pools, blobs) = world.open().unwrap();
        pools.tend();
        blobs.delete(vec![id]).await.unwrap();
        assert!(world.has(id).is_empty());
    });
}
