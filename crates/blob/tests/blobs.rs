//! Both kinds of blob store through the public interface; the local one on a disk that crashes and on damaged files.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use haneul_blob::cipher::TAG_BYTES;
use haneul_blob::{BlobError, BlobId, Blobs, BlockCipher};
use haneul_env::fs::{Fault, Open};
use haneul_env::{Env, Fs, Rng};

const DIR: &str = "/data/blobs";
const BLOCK: usize = haneul_blob::local::format::BLOCK;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap().block_on(future)
}

fn simulated(seed: u64) -> (Env, Blobs) {
    let env = Env::simulated(seed);
    let blobs = Blobs::open(&env, Path::new(DIR)).unwrap();
    (env, blobs)
}

fn content(rng: &Rng, len: usize) -> Bytes {
    // Pages that differ from one another; random bytes throughout would take most of the time of a debug build.
    let mut bytes = vec![rng.u64() as u8; len];
    for page in bytes.chunks_mut(512) {
        let start: [u8; 8] = rng.bytes();
        let count = page.len().min(8);
        page[..count].copy_from_slice(&start[..count]);
    }
    bytes.into()
}

/// Not a cipher that hides much, but one that notices.
struct Toy;

impl BlockCipher for Toy {
    fn seal(&self, block: u64, content: &mut [u8]) -> [u8; TAG_BYTES] {
        let sum = crc32c::crc32c_append(block as u32, content);
        content.iter_mut().for_each(|byte| *byte ^= 0x5a);
        let mut tag = [0; TAG_BYTES];
        tag[..4].copy_from_slice(&sum.to_le_bytes());
        tag
    }

    fn open(&self, block: u64, sealed: &mut [u8]) -> bool {
        let Some((content, tag)) = sealed.split_last_chunk_mut::<TAG_BYTES>() else { return false };
        content.iter_mut().for_each(|byte| *byte ^= 0x5a);
        let sum = crc32c::crc32c_append(block as u32, content);
        tag[..4] == sum.to_le_bytes() && tag[4..] == [0; TAG_BYTES - 4]
    }
}

async fn read_sealed(blobs: &Blobs, id: BlobId, range: std::ops::Range<u64>) -> Result<Vec<u8>, BlobError> {
    let mut reader = blobs.sealed_reader(id, range, Arc::new(Toy));
    let mut all = Vec::new();
    while let Some(chunk) = reader.next().await {
        all.extend_from_slice(&chunk?);
    }
    Ok(all)
}

async fn write(blobs: &Blobs, rng: &Rng, content: &Bytes) -> Result<haneul_blob::Blob, BlobError> {
    let mut writer = blobs.writer(Some(content.len() as u64));
    let mut rest = content.clone();
    while !rest.is_empty() {
        let chunk = rest.split_to(rest.len().min(1 + rng.below(200_000) as usize));
        writer.write(chunk).await?;
    }
    writer.finish().await
}

/// A blob in a file of its own, however small.
async fn put_in_file(blobs: &Blobs, content: Bytes) -> Result<haneul_blob::Blob, BlobError> {
    let mut writer = blobs.writer(None);
    writer.write(content).await?;
    writer.finish().await
}

#[test]
fn any_range_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let real = Env { fs: Fs::real(), ..Env::simulated(1) };
    let stores = [Blobs::memory(&real), Blobs::open(&real, dir.path()).unwrap(), simulated(1).1];
    let rng = Rng::seeded(5);
    block_on(async {
        for blobs in &stores {
            for len in [0, 1, 4096, BLOCK - 1, BLOCK, BLOCK + 1, 4 * BLOCK, 5 * BLOCK + 7, 12 * BLOCK] {
                let bytes = content(&rng, len);
                let blob = write(blobs, &rng, &bytes).await.unwrap();
                assert_eq!((blob.len, blob.crc32c), (len as u64, crc32c::crc32c(&bytes)));
                assert_eq!(blobs.stat(blob.id).await, Ok(blob));
                for _ in 0..20 {
                    let from = rng.below(len as u64 + 1);
                    let to = from + rng.below(len as u64 - from + 1);
                    let read = blobs.read(blob.id, from..to).await.unwrap();
                    assert!(read == bytes[from as usize..to as usize], "{from}..{to} of {len}");
                }
                assert!(blobs.read(blob.id, 0..len as u64).await.unwrap() == bytes, "all of {len}");
                let beyond = blobs.read(blob.id, 0..len as u64 + 1).await;
                assert_eq!(beyond, Err(BlobError::Range { id: blob.id, len: len as u64 }));
                blobs.delete(vec![blob.id]).await.unwrap();
                blobs.delete(vec![blob.id]).await.unwrap();
                assert_eq!(blobs.read(blob.id, 0..1).await, Err(BlobError::NotFound(blob.id)));
            }
        }
    });
}

#[test]
fn what_was_acknowledged_survives_every_crash_and_a_sweep_leaves_nothing_else() {
    let seeds = std::env::var("HANEUL_SEEDS").map_or(40, |count| count.parse().unwrap());
    for seed in 0..seeds {
        let env = Env::simulated(seed);
        let sim = env.fs.sim().unwrap();
        let rng = Rng::seeded(!seed);
        let mut alive: BTreeMap<BlobId, Bytes> = BTreeMap::new();
        for _round in 0..4 {
            let cut_after = rng.below(80);
            sim.inject(Fault::PowerCut { after: cut_after });
            if let Ok(blobs) = Blobs::open(&env, Path::new(DIR)) {
                block_on(async {
                    if rng.below(2) == 0 {
                        let _ = sweep(&blobs, &alive).await;
                    }
                    for _ in 0..6 {
                        let writes = (0..3).map(|_| {
                            let bytes = content(&rng, rng.below(3 * BLOCK as u64) as usize);
                            let (blobs, rng) = (blobs.clone(), rng.clone());
                            #[allow(clippy::disallowed_methods)] // Nothing to drain.
                            tokio::spawn(async move { (write(&blobs, &rng, &bytes).await, bytes) })
                        });
                        for task in writes.collect::<Vec<_>>() {
                            if let (Ok(blob), bytes) = task.await.unwrap() {
                                alive.insert(blob.id, bytes);
                            }
                        }
                        if rng.below(3) == 0
                            && let Some(id) = alive.keys().next().copied()
                        {
                            // Whether it is gone is not known when the power goes meanwhile.
                            alive.remove(&id);
                            let _ = blobs.delete(vec![id]).await;
                        }
                    }
                });
            }
            sim.crash();
        }
        let blobs = Blobs::open(&env, Path::new(DIR)).unwrap();
        block_on(async {
            for (id, bytes) in &alive {
                let read = blobs.read(*id, 0..bytes.len() as u64).await;
                assert!(read.as_ref() == Ok(bytes), "seed {seed}: {id}: {:?}", read.err());
            }
            sweep(&blobs, &alive).await.unwrap();
            let files = sim.files();
            let names: Vec<_> = files.iter().filter_map(|(path, _)| path.file_name()?.to_str()).collect();
            let left: HashSet<BlobId> = names.iter().filter_map(|name| name.parse().ok()).collect();
            // Blobs deleted in a run that was swept before may come back when the power goes during the delete.
            let missing: Vec<_> = alive.keys().filter(|id| !id.is_packed() && !left.contains(id)).collect();
            assert!(missing.is_empty(), "seed {seed}: {missing:?}");
            assert_eq!(
                sweep(&blobs, &alive).await.unwrap(),
                0,
                "seed {seed}: the second sweep has nothing to do"
            );
        });
    }
}

async fn sweep(blobs: &Blobs, alive: &BTreeMap<BlobId, Bytes>) -> Result<u64, BlobError> {
    let keep = |ids: Vec<BlobId>| {
        let kept: HashSet<BlobId> = ids.into_iter().filter(|id| alive.contains_key(id)).collect();
        std::future::ready(Ok::<_, BlobError>(kept))
    };
    blobs.sweep(keep).await.map(|swept| swept.removed)
}

#[test]
fn a_sweep_asks_only_about_earlier_runs_and_only_once() {
    let (env, blobs) = simulated(3);
    block_on(async {
        let kept = blobs.put("kept".into()).await.unwrap();
        let orphan = blobs.put("orphan".into()).await.unwrap();
        assert_eq!(sweep(&blobs, &BTreeMap::new()).await, Ok(0), "blobs of this run are nobody's business");
        let blobs = Blobs::open(&env, Path::new(DIR)).unwrap();
        let young = blobs.put("young".into()).await.unwrap();
        let alive = BTreeMap::from([(kept.id, Bytes::new())]);
        assert_eq!(sweep(&blobs, &alive).await, Ok(1));
        assert_eq!(blobs.read(orphan.id, 0..1).await, Err(BlobError::NotFound(orphan.id)));
        assert_eq!(blobs.read(young.id, 0..5).await.unwrap(), "young");
        assert_eq!(sweep(&blobs, &BTreeMap::new()).await, Ok(0));
        assert_eq!(blobs.read(kept.id, 0..4).await.unwrap(), "kept");
    });
}

#[test]
fn an_unfinished_blob_leaves_no_file() {
    let (env, blobs) = simulated(4);
    let files = |what: &str| {
        let files = env.fs.sim().unwrap().files();
        assert_eq!(
            files.iter().filter(|(path, _)| !path.ends_with("suspects")).count(),
            0,
            "{what}: {files:?}"
        );
    };
    block_on(async {
        let mut writer = blobs.writer(None);
        writer.write(vec![1; 2_000_000].into()).await.unwrap();
        drop(writer);
    }); // The end of the runtime waits for its blocking threads.
    files("dropped");
    block_on(async {
        env.fs.sim().unwrap().set_capacity(1_000_000);
        let full = write(&blobs, &env.rng, &vec![0; 2_000_000].into()).await;
        assert_eq!(full, Err(BlobError::Full));
        let mut early = blobs.writer(Some(1 << 40));
        early.write(vec![0; 600_000].into()).await.unwrap();
        assert_eq!(early.finish().await, Err(BlobError::Full));
        env.fs.sim().unwrap().set_capacity(u64::MAX);
        env.fs.sim().unwrap().inject(Fault::SyncError { after: 0 });
        assert!(matches!(put_in_file(&blobs, "x".into()).await, Err(BlobError::Io(_))));
    });
    files("failed");
}

#[test]
fn damage_is_an_error_and_never_wrong_bytes() {
    let (env, blobs) = simulated(6);
    let rng = Rng::seeded(7);
    let fs = &env.fs;
    for len in [50, 2 * BLOCK + 50] {
        let bytes = content(&rng, len);
        let blob = block_on(put_in_file(&blobs, bytes.clone())).unwrap();
        let (path, file_len) = fs
            .sim()
            .unwrap()
            .files()
            .into_iter()
            .find(|(path, _)| path.ends_with(blob.id.to_string()))
            .unwrap();
        let step = file_len / 90 + 1;
        block_on(async {
            for offset in (0..file_len).step_by(step as usize) {
                let bit = rng.below(8) as u8;
                fs.sim().unwrap().flip_bit(&path, offset, bit);
                let read = blobs.read(blob.id, 0..len as u64).await;
                assert!(matches!(read, Err(BlobError::Damaged { .. })), "{len}: byte {offset} bit {bit}");
                fs.sim().unwrap().flip_bit(&path, offset, bit);
            }
            assert!(blobs.read(blob.id, 0..len as u64).await.unwrap() == bytes);
            let file = fs.open(&path, Open::Write).unwrap();
            for keep in (0..file_len).rev().step_by(step as usize) {
                file.set_len(keep).unwrap();
                assert!(blobs.read(blob.id, 0..len as u64).await.is_err(), "{len}: cut to {keep}");
                assert!(blobs.stat(blob.id).await.is_err());
            }
        });
    }
    // Another blob's file in its place.
    block_on(async {
        let a = put_in_file(&blobs, "aaaa".into()).await.unwrap();
        let b = put_in_file(&blobs, "bbbb".into()).await.unwrap();
        let path_of = |id: BlobId| {
            let files = fs.sim().unwrap().files();
            files.into_iter().find(|(path, _)| path.ends_with(id.to_string())).unwrap().0
        };
        fs.rename(&path_of(a.id), &path_of(b.id)).unwrap();
        assert!(matches!(blobs.read(b.id, 0..4).await, Err(BlobError::Damaged { .. })));
    });
}

#[test]
fn damage_of_a_sealed_blob_is_an_error() {
    let (env, blobs) = simulated(9);
    let rng = Rng::seeded(10);
    let sim = env.fs.sim().unwrap();
    block_on(async {
        for len in [50, 2 * BLOCK + 50] {
            let bytes = content(&rng, len);
            let mut writer = blobs.sealed_writer(None, Arc::new(Toy));
            writer.write(bytes.clone()).await.unwrap();
            let blob = writer.finish().await.unwrap();
            assert_eq!(blobs.stat(blob.id).await, Ok(blob));
            let files = sim.files();
            let (path, file_len) =
                files.into_iter().find(|(path, _)| path.ends_with(blob.id.to_string())).unwrap();
            let all = 0..len as u64;
            for offset in (0..file_len).step_by(file_len as usize / 90 + 1) {
                sim.flip_bit(&path, offset, 3);
                match read_sealed(&blobs, blob.id, all.clone()).await {
                    Err(error) => assert!(matches!(error, BlobError::Damaged { .. }), "{error}"),
                    // In the checksums, which are for those who have no key.
                    Ok(read) => assert!(read == bytes, "{len}: byte {offset}"),
                }
                sim.flip_bit(&path, offset, 3);
            }
            assert!(read_sealed(&blobs, blob.id, all.clone()).await.unwrap() == bytes);
            assert!(matches!(blobs.read(blob.id, all).await, Err(BlobError::Damaged { .. })));
        }
        let plain = blobs.put("plain".into()).await.unwrap();
        assert!(matches!(read_sealed(&blobs, plain.id, 0..5).await, Err(BlobError::Damaged { .. })));
    });
}

#[test]
fn ids_have_a_text_form() {
    let (_, blobs) = simulated(8);
    let id = block_on(blobs.put("x".into())).unwrap().id;
    assert_eq!(id.to_string().parse(), Ok(id));
    assert_eq!(BlobId::from_bytes(id.to_bytes()), id);
    for bad in
        ["", "x", "0000000000000000000000000000000G", "0000000000000000000000000000000A", "../../etc/passwd"]
    {
        assert!(bad.parse::<BlobId>().is_err(), "{bad}");
    }
}
