//! Small blobs, which share files: what is left of them after crashes, deletions, full disks and damage.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use haneul_blob::{Blob, BlobError, BlobId, Blobs};
use haneul_env::fs::{Fault, Open};
use haneul_env::{Env, Fs, Rng};

const DIR: &str = "/data/blobs";
const PAGE: usize = 4096;
/// Of the id and the header, and of the checksum behind the content.
const HEAD: usize = 48;
const CHECKSUM: usize = 4;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap().block_on(future)
}

fn open(env: &Env) -> Blobs {
    Blobs::open(env, Path::new(DIR)).unwrap()
}

/// No byte of it is zero, so that a page of it is none that was given back.
fn content(rng: &Rng, len: usize) -> Bytes {
    let start: [u8; 8] = rng.bytes();
    (0..len).map(|at| start[at % 8] | 1).collect::<Vec<u8>>().into()
}

fn pages_of(bytes: &Bytes) -> u64 {
    (HEAD + bytes.len() + CHECKSUM).div_ceil(PAGE) as u64
}

fn packs(env: &Env) -> Vec<PathBuf> {
    let files = env.fs.sim().unwrap().files().into_iter().map(|(path, _)| path);
    files.filter(|path| path.extension().is_some_and(|extension| extension == "pack")).collect()
}

/// Pages that the packs take.
fn pages_taken(env: &Env) -> u64 {
    let taken = |path: PathBuf| env.fs.open(&path, Open::Write).unwrap().allocated().unwrap();
    packs(env).into_iter().map(taken).sum::<u64>() / PAGE as u64
}

async fn sweep(blobs: &Blobs, alive: &BTreeMap<BlobId, Bytes>) -> Result<u64, BlobError> {
    let keep = |ids: Vec<BlobId>| {
        let kept: HashSet<BlobId> = ids.into_iter().filter(|id| alive.contains_key(id)).collect();
        std::future::ready(Ok::<_, BlobError>(kept))
    };
    blobs.sweep(keep).await.map(|swept| swept.removed)
}

async fn put_some(blobs: &Blobs, rng: &Rng, count: usize) -> Vec<(Result<Blob, BlobError>, Bytes)> {
    let puts = (0..count).map(|_| {
        let bytes = content(rng, rng.below(40_000) as usize);
        let blobs = blobs.clone();
        async move { (blobs.put(bytes.clone()).await, bytes) }
    });
    futures_util::future::join_all(puts).await
}

#[test]
fn they_share_files_and_leave_none() {
    let env = Env::simulated(1);
    let (blobs, rng) = (open(&env), Rng::seeded(2));
    assert_eq!(blobs.packed_max(), 128 * 1024);
    block_on(async {
        let mut alive = BTreeMap::new();
        for (blob, bytes) in put_some(&blobs, &rng, 100).await {
            let id = blob.unwrap().id;
            assert!(id.is_packed());
            alive.insert(id, bytes);
        }
        assert_eq!(packs(&env).len(), 1);
        assert_eq!(pages_taken(&env), alive.values().map(pages_of).sum::<u64>());
        let gone: Vec<BlobId> = alive.keys().copied().filter(|_| rng.below(2) == 0).collect();
        blobs.delete(gone.clone()).await.unwrap();
        blobs.delete(gone.clone()).await.unwrap();
        for id in gone {
            let len = alive.remove(&id).unwrap().len() as u64;
            // Of one without content nothing is ever read.
            if len > 0 {
                assert_eq!(blobs.read(id, 0..len).await, Err(BlobError::NotFound(id)));
            }
            assert_eq!(blobs.stat(id).await, Err(BlobError::NotFound(id)));
        }
        assert_eq!(pages_taken(&env), alive.values().map(pages_of).sum::<u64>());
        for (id, bytes) in &alive {
            assert_eq!(blobs.read(*id, 0..bytes.len() as u64).await.as_ref(), Ok(bytes));
        }
        // The newest pack stays; in the next run it is removed with its last blob.
        drop(blobs);
        let blobs = open(&env);
        blobs.delete(alive.into_keys().collect()).await.unwrap();
        assert_eq!(packs(&env), [] as [PathBuf; 0]);
        blobs.put("more".into()).await.unwrap();
        assert_eq!(packs(&env).len(), 1);
    });
}

#[test]
fn packs_are_of_limited_length() {
    let env = Env::simulated(2);
    let blobs = open(&env);
    block_on(async {
        let bytes = Bytes::from(vec![1; 128 * 1024]);
        // 33 pages each of 65,536 in a pack.
        let mut ids = Vec::new();
        for _ in 0..20 {
            let puts = (0..100).map(|_| blobs.put(bytes.clone()));
            ids.extend(futures_util::future::join_all(puts).await.into_iter().map(|blob| blob.unwrap().id));
        }
        assert_eq!(packs(&env).len(), 2);
        blobs.delete(ids.clone()).await.unwrap();
        assert_eq!(packs(&env).len(), 1, "one that is full goes with its last blob");
        assert_eq!(pages_taken(&env), 0);
    });
}

#[test]
fn crashes_take_nothing_that_was_acknowledged_and_a_sweep_the_rest() {
    let seeds = std::env::var("HANEUL_SEEDS").map_or(60, |count| count.parse().unwrap());
    let mut torn = 0;
    for seed in 0..seeds {
        let env = Env::simulated(seed);
        let (sim, rng) = (env.fs.sim().unwrap(), Rng::seeded(!seed));
        let mut alive: BTreeMap<BlobId, Bytes> = BTreeMap::new();
        for _round in 0..4 {
            sim.inject(Fault::PowerCut { after: rng.below(60) });
            if let Ok(blobs) = Blobs::open(&env, Path::new(DIR)) {
                block_on(async {
                    for _ in 0..6 {
                        for (blob, bytes) in put_some(&blobs, &rng, 4).await {
                            if let Ok(blob) = blob {
                                alive.insert(blob.id, bytes);
                            }
                        }
                        let _ = sweep(&blobs, &alive).await;
                    }
                });
            }
            sim.crash();
        }
        let blobs = open(&env);
        block_on(async {
            torn += u64::from(pages_taken(&env) > alive.values().map(pages_of).sum::<u64>());
            sweep(&blobs, &alive).await.unwrap();
            for (id, bytes) in &alive {
                let read = blobs.read(*id, 0..bytes.len() as u64).await;
                assert!(read.as_ref() == Ok(bytes), "seed {seed}: {id}: {:?}", read.err());
            }
            assert_eq!(pages_taken(&env), alive.values().map(pages_of).sum::<u64>(), "seed {seed}");
            assert_eq!(sweep(&blobs, &alive).await, Ok(0), "seed {seed}");
            blobs.delete(alive.into_keys().collect()).await.unwrap();
            assert_eq!(packs(&env), [] as [PathBuf; 0], "seed {seed}");
        });
    }
    assert!(torn > 5, "{torn}: crashes leave something to sweep");
}

#[test]
fn a_failed_sync_and_a_full_disk_fail_who_waits_and_nobody_else() {
    let env = Env::simulated(4);
    let (blobs, rng, sim) = (open(&env), Rng::seeded(5), env.fs.sim().unwrap());
    block_on(async {
        let first = blobs.put("first".into()).await.unwrap();
        sim.inject(Fault::SyncError { after: 0 });
        assert!(matches!(blobs.put("lost".into()).await, Err(BlobError::Io(_))));
        // Nothing more goes to that pack.
        let second = blobs.put("second".into()).await.unwrap();
        assert_eq!(packs(&env).len(), 2);
        sim.set_capacity(pages_taken(&env) * PAGE as u64 + 20_000);
        let outcomes = put_some(&blobs, &rng, 20).await;
        assert!(outcomes.iter().any(|(blob, _)| blob == &Err(BlobError::Full)));
        for (blob, bytes) in outcomes {
            if let Ok(blob) = blob {
                assert_eq!(blobs.read(blob.id, 0..blob.len).await, Ok(bytes));
            }
        }
        sim.set_capacity(u64::MAX);
        let third = blobs.put("third".into()).await.unwrap();
        for (blob, bytes) in [(first, "first"), (second, "second"), (third, "third")] {
            assert_eq!(blobs.read(blob.id, 0..blob.len).await.unwrap(), bytes);
        }
    });
}

#[test]
fn one_that_is_given_up_or_longer_than_was_said() {
    let env = Env::simulated(5);
    let blobs = open(&env);
    block_on(async {
        let mut writer = blobs.writer(Some(5));
        writer.write("hello".into()).await.unwrap();
        drop(writer);
        let mut writer = blobs.writer(Some(5));
        writer.write("hello".into()).await.unwrap();
        // Looked at once, so that it is on its way, and then no more.
        let mut finishing = Box::pin(writer.finish());
        match futures_util::poll!(&mut finishing) {
            std::task::Poll::Ready(blob) => blobs.delete(vec![blob.unwrap().id]).await.unwrap(),
            std::task::Poll::Pending => drop(finishing),
        }
        // The thread has taken the one before when this one is written.
        let blob = blobs.put("next".into()).await.unwrap();
        assert_eq!(pages_taken(&env), 1);
        assert_eq!(blobs.read(blob.id, 0..4).await.unwrap(), "next");
        let long = Bytes::from(vec![7; 200_000]);
        let mut writer = blobs.writer(Some(5));
        for piece in long.chunks(50_000) {
            writer.write(long.slice_ref(piece)).await.unwrap();
        }
        let blob = writer.finish().await.unwrap();
        assert!(!blob.id.is_packed());
        assert_eq!(blobs.read(blob.id, 0..200_000).await.unwrap(), long);
    });
}

#[test]
fn damage_is_an_error_and_never_wrong_bytes() {
    let env = Env::simulated(6);
    let (blobs, rng, sim) = (open(&env), Rng::seeded(7), env.fs.sim().unwrap());
    block_on(async {
        let bytes = content(&rng, 20_000);
        let (before, blob) =
            (blobs.put("before".into()).await.unwrap(), blobs.put(bytes.clone()).await.unwrap());
        let path = packs(&env).remove(0);
        // From its header, which is behind its id, to the end of its checksum.
        for offset in (PAGE + 16..PAGE + HEAD + bytes.len() + CHECKSUM).step_by(61) {
            let bit = rng.below(8) as u8;
            sim.flip_bit(&path, offset as u64, bit);
            let read = blobs.read(blob.id, 0..blob.len).await;
            assert!(matches!(read, Err(BlobError::Damaged { .. })), "byte {offset} bit {bit}");
            sim.flip_bit(&path, offset as u64, bit);
        }
        assert_eq!(blobs.read(blob.id, 0..blob.len).await.unwrap(), bytes);
        let file = env.fs.open(&path, Open::Write).unwrap();
        for keep in (PAGE..PAGE + HEAD + bytes.len() + CHECKSUM).step_by(1009) {
            file.set_len(keep as u64).unwrap();
            assert!(blobs.read(blob.id, 0..blob.len).await.is_err(), "cut to {keep}");
            file.set_len(6 * PAGE as u64).unwrap();
        }
        assert_eq!(blobs.read(before.id, 0..6).await.unwrap(), "before");
        // Ids that no pack of ours ever gave.
        for bytes in [[0x40; 16], [0x7f; 16], *b"\x40\0\0\x01\xff\xff\xff\xff\x01\0\0\0\0\0\0\0"] {
            let id = BlobId::from_bytes(bytes);
            assert_eq!(blobs.stat(id).await.unwrap_err(), blobs.read(id, 0..1).await.unwrap_err());
            blobs.delete(vec![id]).await.unwrap();
        }
    });
}

#[test]
fn an_older_version_refuses_what_it_would_miss() {
    let env = Env::simulated(8);
    let text = || {
        let bytes = env.fs.read(&Path::new(DIR).join("suspects"), 64).unwrap().unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let blobs = open(&env);
    assert_eq!(text(), "haneul-blobs 1 1\n");
    block_on(async {
        let id = blobs.put("x".into()).await.unwrap().id;
        assert_eq!(text(), "haneul-blobs 2 1\n");
        drop(blobs);
        let blobs = open(&env);
        let alive = BTreeMap::from([(id, Bytes::new())]);
        assert_eq!(sweep(&blobs, &alive).await, Ok(0));
        assert_eq!(text(), "haneul-blobs 2 2\n");
        assert_eq!(blobs.read(id, 0..1).await.unwrap(), "x");
    });
}

#[test]
fn on_the_hosts_file_system() {
    let dir = tempfile::tempdir().unwrap();
    let real = Env { fs: Fs::real(), ..Env::simulated(9) };
    let blobs = Blobs::open(&real, dir.path()).unwrap();
    if blobs.packed_max() == 0 {
        println!("skipped: the file system of the temporary directory punches no holes");
        return;
    }
    let rng = Rng::seeded(10);
    block_on(async {
        let written = put_some(&blobs, &rng, 200).await;
        let alive: BTreeMap<BlobId, Bytes> =
            written.into_iter().map(|(blob, bytes)| (blob.unwrap().id, bytes)).collect();
        for (id, bytes) in &alive {
            let from = rng.below(bytes.len() as u64 + 1);
            assert_eq!(blobs.read(*id, 0..bytes.len() as u64).await.as_ref(), Ok(bytes));
            assert_eq!(
                blobs.read(*id, from..bytes.len() as u64).await.unwrap(),
                bytes.slice(from as usize..)
            );
        }
        drop(blobs);
        let blobs = Blobs::open(&real, dir.path()).unwrap();
        assert_eq!(sweep(&blobs, &alive).await, Ok(0));
        blobs.delete(alive.into_keys().collect()).await.unwrap();
        let names = real.fs.list(dir.path()).unwrap();
        assert!(names.iter().all(|entry| !entry.name.ends_with(".pack")), "{names:?}");
    });
}
