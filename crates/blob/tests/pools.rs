//! Blobs in three pools: one is lost, comes back, comes back empty; bits flip; the machine loses power.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use haneul_blob::pools::{Pools, Set, Status, Tended, set_of};
use haneul_blob::{BlobError, BlobId, Blobs};
use haneul_env::fs::Open;
use haneul_env::{Env, Rng};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap().block_on(future)
}

fn dirs(root: &Path) -> Vec<PathBuf> {
    ["a", "b", "c"].map(|name| root.join(name)).to_vec()
}

fn open(env: &Env, root: &Path) -> (Arc<Pools>, Blobs) {
    let pools = Pools::open(env, &dirs(root), &set(env, &dirs(root))).unwrap();
    (pools.clone(), Blobs::new(Arc::new(pools)))
}

/// The set that is there, or a new one.
fn set(env: &Env, dirs: &[PathBuf]) -> Set {
    set_of(env, dirs).unwrap().map_or(Set::New("set".into()), Set::Made)
}

fn content(seed: usize) -> Bytes {
    (0..1000 + seed * 37_000)
        .map(|i| (i.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 7) as u8)
        .collect::<Vec<_>>()
        .into()
}

async fn read(blobs: &Blobs, id: BlobId, len: usize) -> Result<Bytes, BlobError> {
    blobs.read(id, 0..len as u64).await
}

/// A real disk, and everything of it in one folder.
fn real() -> (Env, tempfile::TempDir) {
    (Env { fs: haneul_env::Fs::real(), ..Env::simulated(3) }, tempfile::tempdir().unwrap())
}

fn file(root: &Path, id: BlobId) -> PathBuf {
    root.join(&id.to_string()[..8]).join(id.to_string())
}

#[test]
fn a_pool_is_lost_and_comes_back() {
    let (env, folder) = real();
    let (pools, blobs) = open(&env, folder.path());
    let roots = dirs(folder.path());
    block_on(async {
        let mut kept = Vec::new();
        for seed in 0..6 {
            kept.push((blobs.put(content(seed)).await.unwrap().id, seed));
        }
        for (id, _) in &kept {
            assert!(roots.iter().all(|root| file(root, *id).exists()), "one copy in each");
        }
        let away = folder.path().join("away");
        std::fs::rename(&roots[1], &away).unwrap();
        for seed in 6..12 {
            kept.push((blobs.put(content(seed)).await.unwrap().id, seed));
        }
        let (deleted, _) = kept.remove(0);
        blobs.delete(vec![deleted]).await.unwrap();
        assert_eq!(pools.statuses(), [Status::Online, Status::Offline, Status::Online]);
        assert!(!roots[1].exists(), "nothing is written in the place of a disk that is gone");
        for (id, seed) in &kept {
            assert_eq!(read(&blobs, *id, content(*seed).len()).await.unwrap(), content(*seed));
        }
        std::fs::rename(&away, &roots[1]).unwrap();
        let done = pools.tend();
        assert_eq!(pools.statuses(), [Status::Online; 3]);
        assert_eq!(done.copied, 6);
        for (id, seed) in &kept {
            assert!(file(&roots[1], *id).exists(), "{seed}");
        }
        // The two others go: the one that came back has everything.
        std::fs::remove_dir_all(&roots[0]).unwrap();
        for (id, seed) in &kept {
            assert_eq!(read(&blobs, *id, content(*seed).len()).await.unwrap(), content(*seed));
        }
        let mut all = Tended::default();
        pools.tend();
        pools.scrub(u64::MAX, &mut all);
        assert_eq!(all.damaged, 0);
        // A new, empty disk is filled; what was deleted while it was away does not come back.
        std::fs::create_dir(&roots[0]).unwrap();
        assert_eq!(pools.tend().copied, kept.len() as u64);
        assert_eq!(pools.statuses(), [Status::Online; 3]);
        assert!(!file(&roots[0], deleted).exists());
        // With one of three nothing is acknowledged, and everything is read.
        std::fs::remove_dir_all(&roots[0]).unwrap();
        std::fs::remove_dir_all(&roots[1]).unwrap();
        assert!(blobs.put(content(1)).await.is_err());
        for (id, seed) in &kept {
            assert_eq!(read(&blobs, *id, content(*seed).len()).await.unwrap(), content(*seed));
        }
    });
}

#[test]
fn a_deletion_is_what_finds_that_a_pool_is_gone() {
    let (env, folder) = real();
    let (pools, blobs) = open(&env, folder.path());
    let roots = dirs(folder.path());
    block_on(async {
        let id = blobs.put(content(2)).await.unwrap().id;
        let away = folder.path().join("away");
        std::fs::rename(&roots[1], &away).unwrap();
        blobs.delete(vec![id]).await.unwrap();
        assert_eq!(pools.statuses(), [Status::Online, Status::Offline, Status::Online]);
        std::fs::rename(&away, &roots[1]).unwrap();
        assert_eq!(pools.tend().deleted, 1);
        assert!(roots.iter().all(|root| !file(root, id).exists()));
    });
}

#[test]
fn after_a_restart_a_pool_is_behind_until_it_was_filled() {
    let (env, folder) = real();
    let roots = dirs(folder.path());
    block_on(async {
        let (_, blobs) = open(&env, folder.path());
        let early = blobs.put(content(2)).await.unwrap().id;
        let gone = blobs.put(content(3)).await.unwrap().id;
        let away = folder.path().join("away");
        std::fs::rename(&roots[2], &away).unwrap();
        let late = blobs.put(content(4)).await.unwrap().id;
        blobs.delete(vec![gone]).await.unwrap();
        drop(blobs);
        std::fs::rename(&away, &roots[2]).unwrap();
        let (pools, blobs) = open(&env, folder.path());
        assert_eq!(pools.statuses(), [Status::Online, Status::Online, Status::Behind]);
        for (id, seed) in [(early, 2), (late, 4)] {
            assert_eq!(read(&blobs, id, content(seed).len()).await.unwrap(), content(seed));
        }
        let done = pools.tend();
        assert_eq!((done.copied, done.deleted), (1, 1), "what was missed, and what was deleted meanwhile");
        assert_eq!(pools.statuses(), [Status::Online; 3]);
        drop((pools, blobs));
        // Whose pools they are is written in them.
        let mut swapped = roots.clone();
        swapped.swap(0, 1);
        let made = Set::Made("set".into());
        assert!(Pools::open(&env, &swapped, &made).is_err());
        assert!(Pools::open(&env, &roots[..2], &made).is_err());
        std::fs::remove_dir_all(&roots[0]).unwrap();
        std::fs::remove_dir_all(&roots[1]).unwrap();
        assert!(Pools::open(&env, &roots, &made).is_err(), "one of three is not enough to go on from");
    });
}

#[test]
fn damage_is_found_and_mended() {
    let (env, folder) = real();
    let (pools, blobs) = open(&env, folder.path());
    let roots = dirs(folder.path());
    block_on(async {
        let mut kept = Vec::new();
        for seed in 0..8 {
            kept.push((blobs.put(content(seed)).await.unwrap().id, seed));
        }
        let flip = |path: &Path, at: usize| {
            let mut bytes = std::fs::read(path).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= 0x10;
            std::fs::write(path, bytes).unwrap();
        };
        for (i, (id, _)) in kept.iter().enumerate() {
            // Each has two bad copies of three, in turn.
            flip(&file(&roots[i % 3], *id), 7 + i * 5000);
            flip(&file(&roots[(i + 1) % 3], *id), 40 + i * 9000);
        }
        for (id, seed) in &kept {
            assert_eq!(read(&blobs, *id, content(*seed).len()).await.unwrap(), content(*seed), "{seed}");
        }
        pools.tend();
        let mut done = Tended::default();
        pools.scrub(u64::MAX, &mut done);
        let mut again = Tended::default();
        pools.scrub(u64::MAX, &mut again);
        assert_eq!((again.damaged, again.verified), (0, 24), "{done:?}");
        // What is missing is found, too, and made again.
        std::fs::remove_file(file(&roots[0], kept[0].0)).unwrap();
        std::fs::remove_file(file(&roots[1], kept[0].0)).unwrap();
        assert_eq!(read(&blobs, kept[0].0, content(0).len()).await.unwrap(), content(0));
        drop((pools, blobs));
        let (pools, _) = open(&env, folder.path());
        let mut done = Tended::default();
        pools.scrub(u64::MAX, &mut done);
        assert_eq!(done.copied, 2);
        assert!(roots.iter().all(|root| file(root, kept[0].0).exists()));
    });
}

#[test]
fn blobs_of_one_pool_are_gone_with_it() {
    let (env, folder) = real();
    let (pools, blobs) = open(&env, folder.path());
    let roots = dirs(folder.path());
    struct Plain;
    impl haneul_blob::BlockCipher for Plain {
        fn seal(&self, _: u64, _: &mut [u8]) -> [u8; 16] {
            [7; 16]
        }
        fn open(&self, _: u64, sealed: &mut [u8]) -> bool {
            sealed.ends_with(&[7; 16])
        }
    }
    block_on(async {
        let mut writer = blobs.sealed_writer_of_one(None, Arc::new(Plain));
        writer.write(content(9)).await.unwrap();
        let id = writer.finish().await.unwrap().id;
        let has: Vec<usize> = (0..3).filter(|i| file(&roots[*i], id).exists()).collect();
        assert_eq!(has.len(), 1);
        let whole = async || {
            let mut reader = blobs.sealed_reader(id, 0..content(9).len() as u64, Arc::new(Plain));
            let mut all = Vec::new();
            while let Some(chunk) = reader.next().await {
                all.extend_from_slice(&chunk?);
            }
            Ok::<_, BlobError>(all)
        };
        assert_eq!(whole().await.unwrap(), content(9));
        let away = folder.path().join("away");
        std::fs::rename(&roots[has[0]], &away).unwrap();
        assert!(whole().await.is_err());
        pools.tend();
        assert!(whole().await.is_err());
        std::fs::rename(&away, &roots[has[0]]).unwrap();
        pools.tend();
        assert_eq!(whole().await.unwrap(), content(9));
        blobs.delete(vec![id]).await.unwrap();
        assert!(!file(&roots[has[0]], id).exists());
    });
}

/// Power fails at any moment, again and again: what was acknowledged is there afterwards, and what was deleted is not kept for ever.
#[test]
fn nothing_acknowledged_is_lost_with_the_power() {
    for seed in 0..20 {
        let env = Env::simulated(seed);
        let root = Path::new("/data");
        let rng = Rng::seeded(seed);
        let mut kept: Vec<(BlobId, usize)> = Vec::new();
        for round in 0..6 {
            let (pools, blobs) = open(&env, root);
            let after = block_on(async {
                pools.tend();
                for (id, seed) in &kept {
                    assert_eq!(read(&blobs, *id, content(*seed).len()).await.unwrap(), content(*seed));
                }
                let mut kept = kept.clone();
                for i in 0..5 {
                    let seed = rng.below(6) as usize;
                    kept.push((blobs.put(content(seed)).await.unwrap().id, seed));
                    if i == 2 && round % 2 == 0 {
                        // A file in a pool is damaged behind our back.
                        let (id, _) = kept[rng.below(kept.len() as u64) as usize];
                        let path = file(&dirs(root)[rng.below(3) as usize], id);
                        if let Ok(file) = env.fs.open(&path, Open::Write) {
                            file.write_at(&[0xff; 8], 100).unwrap();
                        }
                    }
                    if rng.below(4) == 0 {
                        let (id, _) = kept.remove(rng.below(kept.len() as u64) as usize);
                        blobs.delete(vec![id]).await.unwrap();
                    }
                }
                kept
            });
            kept = after;
            env.fs.sim().unwrap().crash();
        }
        let (pools, blobs) = open(&env, root);
        block_on(async {
            let known: std::collections::HashSet<BlobId> = kept.iter().map(|(id, _)| *id).collect();
            let swept = blobs.sweep(|suspects| {
                let kept = suspects.into_iter().filter(|id| known.contains(id)).collect();
                async move { Ok::<_, BlobError>(kept) }
            });
            swept.await.unwrap();
            pools.tend();
            for (id, seed) in &kept {
                assert_eq!(read(&blobs, *id, content(*seed).len()).await.unwrap(), content(*seed));
            }
            pools.tend();
            let mut done = Tended::default();
            pools.scrub(u64::MAX, &mut done);
            let mut again = Tended::default();
            pools.scrub(u64::MAX, &mut again);
            assert_eq!((again.damaged, again.verified), (0, 3 * kept.len() as u64), "seed {seed}");
        });
    }
}
