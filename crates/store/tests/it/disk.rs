//! The disk engine across restarts, kills and damage.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use haneul_env::{Env, Rng};
use haneul_store::{Range, Reads, Store, StoreError, Table};

use crate::engines::{self, tiny};

static ITEMS: Table<String, Vec<u8>> = Table::new("test.items");
static COUNTS: Table<u64, u64> = Table::new("test.counts");

type Model = BTreeMap<String, Vec<u8>>;

fn open(dir: &Path) -> Result<Store, StoreError> {
    Store::open_with(&Env::real(), dir, tiny())
}

async fn all(store: &Store) -> Result<Model, StoreError> {
    let mut found = Model::new();
    let mut range = Range::all();
    loop {
        let page = store.scan(&ITEMS, range, 97).await?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        range = Range::all().after(last);
        found.extend(page);
    }
}

async fn some_writes(store: &Store, rng: &Rng, model: &mut Model, count: u64) {
    for _ in 0..count {
        let mut batch = haneul_store::Batch::default();
        for _ in 0..1 + rng.below(4) {
            let key = format!("k{}", rng.below(300));
            if rng.below(4) == 0 {
                batch.delete(&ITEMS, &key).unwrap();
                model.remove(&key);
            } else {
                let value = vec![rng.u64() as u8; rng.below(200) as usize];
                batch.put(&ITEMS, &key, &value).unwrap();
                model.insert(key, value);
            }
        }
        store.write(batch).await.unwrap();
    }
}

#[test]
fn everything_is_there_after_a_restart_and_snapshots_hold_while_tables_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let rng = Rng::seeded(11);
    let mut model = Model::new();
    for _ in 0..4 {
        let store = open(dir.path()).unwrap();
        engines::runtime().block_on(async {
            assert_eq!(all(&store).await.unwrap(), model);
            let mut held = Vec::new();
            for _ in 0..8 {
                held.push((store.snapshot().await.unwrap(), model.clone()));
                some_writes(&store, &rng, &mut model, 30).await;
                if held.len() > 3 {
                    held.remove(rng.below(3) as usize);
                }
                for (snapshot, then) in &held {
                    let found = snapshot.scan(&ITEMS, Range::all().rev(), 1000).await.unwrap();
                    assert_eq!(found.into_iter().collect::<Model>(), *then);
                    let key = format!("k{}", rng.below(300));
                    assert_eq!(snapshot.get(&ITEMS, &key).await.unwrap(), then.get(&key).cloned());
                }
            }
            store.verify().await.unwrap();
            drop(held);
            // Closed by hand or by being dropped.
            if rng.below(2) == 0 {
                store.close().await.unwrap();
                assert!(matches!(store.put(&COUNTS, &1, &1).await, Err(StoreError::Poisoned(_))));
            }
        });
    }
}

#[test]
fn a_directory_has_one_user() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).unwrap();
    let refused = open(dir.path()).err().unwrap();
    assert!(matches!(&refused, StoreError::Locked(why) if why.contains("in use")), "{refused}");
    drop(first);
    open(dir.path()).unwrap();
}

#[test]
fn it_opens_on_the_thread_of_a_runtime() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    drop(runtime.block_on(async { open(dir.path()).unwrap() }));
}

/// The program takes its own lock, and may make certificates, before it opens the store.
#[test]
fn the_programs_own_files_may_be_there_first() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("haneul.lock"), "").unwrap();
    std::fs::create_dir(dir.path().join("tls")).unwrap();
    drop(open(dir.path()).unwrap());
    std::fs::remove_file(dir.path().join("manifest")).unwrap();
    assert!(matches!(open(dir.path()), Err(StoreError::Unusable(_))));
}

#[test]
fn what_is_not_ours_is_never_taken_for_an_empty_store() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("precious"), "data").unwrap();
    assert!(matches!(open(dir.path()), Err(StoreError::Unusable(_))));

    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    std::fs::remove_file(dir.path().join("manifest")).unwrap();
    assert!(matches!(open(dir.path()), Err(StoreError::Unusable(_))));
}

/// A closed store with tables and a log, and what is in it.
fn a_store() -> (tempfile::TempDir, Model) {
    let dir = tempfile::tempdir().unwrap();
    let mut model = Model::new();
    let store = open(dir.path()).unwrap();
    engines::runtime().block_on(async {
        some_writes(&store, &Rng::seeded(3), &mut model, 60).await;
        store.close().await.unwrap();
    });
    (dir, model)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !path.ends_with("lock") && !path.ends_with("head.new") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// True when the damage was refused; false when it did no harm. Anything else fails.
fn refused_or_whole(original: &Path, model: &Model, what: &str, damage: impl FnOnce(&Path)) -> bool {
    let dir = tempfile::tempdir().unwrap();
    copy(original, dir.path());
    damage(dir.path());
    let found = open(dir.path()).and_then(|store| engines::runtime().block_on(all(&store)));
    match found {
        Ok(found) => {
            assert!(found == *model, "{what}: data is missing or changed");
            false
        }
        Err(StoreError::Damaged(_) | StoreError::Unusable(_)) => true,
        Err(other) => panic!("{what}: {other:?}"),
    }
}

#[test]
fn damage_is_refused_and_never_read() {
    let (dir, model) = a_store();
    let rng = Rng::seeded(4);
    let mut refused = 0;
    let mut flips = 0;
    for file in files(dir.path()) {
        let name = file.strip_prefix(dir.path()).unwrap();
        let len = std::fs::metadata(&file).unwrap().len();
        for _ in 0..3 {
            let (offset, bit) = (rng.below(len) as usize, rng.below(8));
            flips += 1;
            let what = format!("{} byte {offset} of {len} bit {bit}", name.display());
            refused += usize::from(refused_or_whole(dir.path(), &model, &what, |dir| {
                let mut bytes = std::fs::read(dir.join(name)).unwrap();
                bytes[offset] ^= 1 << bit;
                std::fs::write(dir.join(name), bytes).unwrap();
            }));
        }
        let keep = rng.below(len);
        refused_or_whole(dir.path(), &model, &format!("{} cut to {keep}", name.display()), |dir| {
            std::fs::File::options().write(true).open(dir.join(name)).unwrap().set_len(keep).unwrap();
        });
        let missing = refused_or_whole(dir.path(), &model, &format!("{} missing", name.display()), |dir| {
            std::fs::remove_file(dir.join(name)).unwrap();
        });
        // Old lists of tables may still lie about; nothing else is there for nothing.
        let may_go = name.to_string_lossy().starts_with("store/tree/");
        assert!(missing || may_go, "{} missing", name.display());
    }
    assert!(refused * 3 > flips, "{refused} of {flips}");
}

#[test]
fn what_is_exported_comes_back_on_either_engine() {
    let (dir, model) = a_store();
    let disk = open(dir.path()).unwrap();
    engines::runtime().block_on(async {
        disk.put(&COUNTS, &7, &8).await.unwrap();
        let export = disk.export(Vec::new()).await.unwrap();
        let memory = Store::memory();
        memory.import(&export[..]).await.unwrap();
        assert_eq!(all(&memory).await.unwrap(), model);
        assert_eq!(memory.get(&COUNTS, &7).await.unwrap(), Some(8));
        assert_eq!(memory.export(Vec::new()).await.unwrap(), export);
        assert!(matches!(memory.import(&export[..]).await, Err(StoreError::Unusable(_))), "not empty");

        disk.reset().await.unwrap();
        for cut in [0, 5, export.len() / 2, export.len() - 1] {
            assert!(disk.import(&export[..cut]).await.is_err(), "cut to {cut}");
            assert!(all(&disk).await.unwrap().is_empty(), "cut to {cut}");
        }
        for at in (0..export.len()).step_by(export.len() / 30) {
            let mut changed = export.clone();
            changed[at] ^= 1;
            assert!(disk.import(&changed[..]).await.is_err(), "byte {at}");
        }
        disk.import(&export[..]).await.unwrap();
        assert_eq!(all(&disk).await.unwrap(), model);
        assert_eq!(disk.export(Vec::new()).await.unwrap(), export);
    });
}

const CHILD_DIR: &str = "HANEUL_STORE_CRASH_CHILD";

/// The process that is killed: four writers whose every transaction raises a counter, writes it into two records, and
/// says so on standard output when it was acknowledged.
#[test]
#[ignore = "run by the test below"]
fn crash_child() {
    let Ok(dir) = std::env::var(CHILD_DIR) else { return };
    let store = open(Path::new(&dir)).unwrap();
    engines::runtime().block_on(async {
        let writers = (0..4u64).map(|writer| {
            let store = store.clone();
            #[allow(clippy::disallowed_methods)] // It ends by being killed.
            tokio::spawn(async move {
                loop {
                    let count = store
                        .transact(|tx| async move {
                            let count = tx.get(&COUNTS, &writer).await?.unwrap_or(0) + 1;
                            tx.put(&COUNTS, &writer, &count)?;
                            tx.put(&COUNTS, &(writer + 100), &count)?;
                            tx.put(&ITEMS, &format!("{writer}/{count}"), &vec![7; 100])?;
                            Ok::<_, StoreError>(count)
                        })
                        .await
                        .unwrap();
                    println!("acknowledged {writer} {count}");
                }
            })
        });
        let _writers: Vec<_> = writers.collect();
        std::future::pending::<()>().await;
    });
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let rounds = std::env::var("HANEUL_CRASH_ROUNDS").map_or(4, |count| count.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let rng = Rng::real();
    let mut acknowledged = BTreeMap::new();
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["disk::crash_child", "--exact", "--ignored", "--nocapture"])
            .env(CHILD_DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut left = 50 + rng.below(400);
        let mut take = |line: &str| {
            let mut words = line.split(' ').skip_while(|word| !word.ends_with("acknowledged")).skip(1);
            let numbers =
                (|| Some((words.next()?.parse::<u64>().ok()?, words.next()?.parse::<u64>().ok()?)))();
            if let Some((writer, count)) = numbers {
                acknowledged.insert(writer, count);
            }
        };
        for line in lines.by_ref().map_while(Result::ok) {
            take(&line);
            left -= 1;
            if left == 0 {
                child.kill().unwrap();
                break;
            }
        }
        // What it had still said; the last line may be cut.
        let mut rest: Vec<String> = lines.map_while(Result::ok).collect();
        rest.pop();
        rest.iter().for_each(|line| take(line));
        child.wait().unwrap();
        let store = open(dir.path()).unwrap();
        engines::runtime().block_on(async {
            let items = all(&store).await.unwrap();
            let mut expected = 0;
            for writer in 0..4u64 {
                let count = store.get(&COUNTS, &writer).await.unwrap().unwrap_or(0);
                let said = acknowledged.get(&writer).copied().unwrap_or(0);
                assert!(count >= said, "round {round}: writer {writer} has {count}, was told {said}");
                let twin = store.get(&COUNTS, &(writer + 100)).await.unwrap().unwrap_or(0);
                assert_eq!(count, twin, "round {round}: half a transaction");
                assert!((1..=count).all(|n| items.contains_key(&format!("{writer}/{n}"))), "round {round}");
                expected += count;
            }
            assert_eq!(items.len() as u64, expected, "round {round}");
        });
    }
    assert!(!acknowledged.is_empty());
}
