use std::path::Path;

use super::Fault;
use crate::Rng;
use crate::fs::{BLOCK, Fs, Open};

fn content(fs: &Fs, path: &str) -> Option<String> {
    fs.read(Path::new(path), 1 << 20).unwrap().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

#[test]
fn only_what_was_synced_is_sure_to_survive() {
    let mut lost_content = 0;
    let mut lost_name = 0;
    for seed in 0..64 {
        let fs = Fs::simulated(Rng::seeded(seed));
        fs.create_dir_all_synced(Path::new("/d/e")).unwrap();
        for name in ["/d/e/safe", "/d/e/unsynced"] {
            let file = fs.open(Path::new(name), Open::CreateNew).unwrap();
            file.write_at(b"old", 0).unwrap();
            file.sync_data().unwrap();
        }
        fs.sync_dir(Path::new("/d/e")).unwrap();
        fs.open(Path::new("/d/e/unsynced"), Open::Write).unwrap().write_at(b"new", 0).unwrap();
        let nameless = fs.open(Path::new("/d/e/nameless"), Open::CreateNew).unwrap();
        nameless.write_at(b"x", 0).unwrap();
        nameless.sync_data().unwrap();
        fs.sim().unwrap().crash();
        assert_eq!(content(&fs, "/d/e/safe").as_deref(), Some("old"), "seed {seed}");
        lost_content += usize::from(content(&fs, "/d/e/unsynced").as_deref() != Some("new"));
        lost_name += usize::from(content(&fs, "/d/e/nameless").is_none());
        assert!(nameless.write_at(b"y", 0).is_err(), "a handle of an earlier life writes nothing");
    }
    assert!((5..60).contains(&lost_content), "{lost_content}");
    assert!((5..60).contains(&lost_name), "{lost_name}");
}

#[test]
fn a_replaced_file_is_old_or_new_but_whole() {
    for seed in 0..64 {
        let fs = Fs::simulated(Rng::seeded(seed));
        fs.create_dir_all_synced(Path::new("/d")).unwrap();
        fs.replace(Path::new("/d/f"), b"old").unwrap();
        fs.sim().unwrap().inject(Fault::PowerCut { after: seed % 6 });
        let replaced = fs.replace(Path::new("/d/f"), b"newer").is_ok();
        fs.sim().unwrap().crash();
        let after = content(&fs, "/d/f").unwrap();
        assert!(after == "newer" || (after == "old" && !replaced), "seed {seed}: {after}");
    }
}

#[test]
fn faults() {
    let fs = Fs::simulated(Rng::seeded(1));
    let sim = fs.sim().unwrap();
    let file = fs.open(Path::new("/f"), Open::CreateNew).unwrap();
    sim.set_capacity(10);
    file.write_at(b"0123456789", 0).unwrap();
    assert_eq!(file.write_at(b"x", 10).unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(fs.free_bytes(Path::new("/")).unwrap(), 0);
    sim.inject(Fault::IoError { after: 1 });
    file.write_at(b"x", 0).unwrap();
    assert!(file.write_at(b"x", 0).is_err());
    sim.inject(Fault::SyncError { after: 0 });
    assert!(file.sync_data().is_err());
    assert!(fs.open(Path::new("/none/f"), Open::Create).is_err());
}

#[test]
fn a_lock_has_one_holder_on_both_disks() {
    let dir = tempfile::tempdir().unwrap();
    for (fs, path) in [(Fs::real(), dir.path().join("lock")), (Fs::simulated(Rng::seeded(1)), "/lock".into())]
    {
        let held = fs.try_lock(&path).unwrap().expect("free");
        assert!(fs.try_lock(&path).unwrap().is_none());
        drop(held);
        assert!(fs.try_lock(&path).unwrap().is_some());
    }
}

#[test]
fn the_real_disk_does_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let fs = Fs::real();
    let deep = dir.path().join("a/b");
    fs.create_dir_all_synced(&deep).unwrap();
    fs.replace(&deep.join("f"), b"one").unwrap();
    fs.replace(&deep.join("f"), b"two!").unwrap();
    assert_eq!(fs.read(&deep.join("f"), 10).unwrap().as_deref(), Some(&b"two!"[..]));
    assert!(fs.read(&deep.join("f"), 3).is_err());
    assert_eq!(fs.list(&deep).unwrap().len(), 1);
    fs.rename(&deep.join("f"), &dir.path().join("g")).unwrap();
    fs.remove_file(&dir.path().join("g")).unwrap();
    assert_eq!(fs.read(&dir.path().join("g"), 10).unwrap(), None);
    assert!(fs.free_bytes(dir.path()).unwrap() > 0);
    fs.remove_dir_all(&dir.path().join("a")).unwrap();
    fs.remove_dir_all(&dir.path().join("a")).unwrap();
}

/// Whether the names are in memory is the system's to say; what is opened then is the same file.
#[test]
fn what_is_opened_without_waiting_is_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (real, simulated) = (Fs::real(), Fs::simulated(Rng::seeded(1)));
    for (fs, dir) in [(&real, dir.path()), (&simulated, Path::new("/"))] {
        let mut opened = 0;
        for name in ["f0", "f1"] {
            assert!(!matches!(fs.open_cached(&dir.join(name)), Ok(Some(_))), "there is none yet");
            fs.replace(&dir.join(name), b"one").unwrap();
            let Some(file) = fs.open_cached(&dir.join(name)).unwrap() else { continue };
            let mut bytes = [0; 3];
            assert_eq!(file.read_at(&mut bytes, 0).unwrap(), 3);
            assert_eq!(&bytes, b"one");
            assert!(file.write_at(b"x", 0).is_err() || fs.sim().is_some(), "it is for reading");
            opened += 1;
        }
        assert!(fs.sim().is_none() || opened == 1, "both ways are tested");
    }
}

#[test]
fn what_is_punched_out_reads_as_zeros_and_takes_no_room() {
    let dir = tempfile::tempdir().unwrap();
    for (fs, dir) in [(Fs::real(), dir.path()), (Fs::simulated(Rng::seeded(3)), Path::new("/"))] {
        let file = fs.open(&dir.join("f"), Open::CreateNew).unwrap();
        file.write_at(&[7; 3 * 4096], 0).unwrap();
        file.sync_data().unwrap();
        let before = file.allocated().unwrap();
        if !file.punch(4096, 4096).unwrap() {
            println!("skipped: the file system of the temporary directory punches no holes");
            continue;
        }
        file.sync_data().unwrap();
        assert_eq!((file.len().unwrap(), file.allocated().unwrap()), (3 * 4096, before - 4096));
        let mut bytes = [1; 4098];
        file.read_exact_at(&mut bytes, 4095).unwrap();
        assert!(bytes[0] == 7 && bytes[4097] == 7 && bytes[1..4097].iter().all(|byte| *byte == 0));
        assert!(file.punch(0, 3 * 4096).unwrap());
        assert_eq!((file.len().unwrap(), file.allocated().unwrap()), (3 * 4096, 0));
    }
}

#[test]
fn what_is_written_past_the_cache_is_there_for_who_reads_through_it_and_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    for (fs, dir) in [(Fs::real(), dir.path()), (Fs::simulated(Rng::seeded(3)), Path::new("/"))] {
        let path = dir.join("f");
        let file = fs.open(&path, Open::CreateNew).unwrap();
        file.write_at(&[9; 4 * BLOCK], 0).unwrap();
        file.sync_data().unwrap();
        fs.sync_dir(dir).unwrap();
        let Some(mut direct) = fs.open_direct(&path).unwrap() else {
            println!(
                "skipped: the file system of the temporary directory has only the way through the cache"
            );
            continue;
        };
        let mut expected = vec![9; 4 * BLOCK];
        for (at, len) in [(BLOCK, 7), (BLOCK, BLOCK), (0, 1), (2 * BLOCK, BLOCK + 1), (BLOCK, 3 * BLOCK)] {
            let (one, other) = (vec![len as u8; len / 3], vec![at as u8 + 1; len - len / 3]);
            direct.write_synced(&[&one, &other], at as u64).unwrap();
            let blocks = &mut expected[at..at + len.next_multiple_of(BLOCK)];
            blocks.fill(0);
            blocks[..one.len()].copy_from_slice(&one);
            blocks[one.len()..len].copy_from_slice(&other);
            assert!(fs.read(&path, 1 << 20).unwrap().unwrap() == expected, "{at} {len}");
        }
        if let Some(sim) = fs.sim() {
            sim.crash();
            assert!(fs.read(&path, 1 << 20).unwrap().unwrap() == expected);
        }
        assert!(fs.open_direct(&dir.join("none")).is_err());
    }
}
