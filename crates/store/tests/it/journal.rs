//! The journal on a disk that loses what was not synced, and on damaged files.

use std::collections::BTreeMap;
use std::path::Path;

use haneul_env::fs::{Fault, Open};
use haneul_env::{Fs, Rng};
use haneul_store::StoreError;
use haneul_store::log::{FrameBuilder, Journal, Keep, Log, LogOptions, Position};
use tokio::runtime::Runtime;

use crate::engines;

const DIR: &str = "/data/journal";

fn small() -> LogOptions {
    LogOptions { segment_bytes: 4096, grow_bytes: 1024, must_exist: false }
}

type Records = BTreeMap<Position, Vec<u8>>;

fn open(fs: &Fs, from: Position) -> Result<(Journal, Records), StoreError> {
    let mut found = Records::new();
    let journal = Journal::open(fs, Path::new(DIR), 7, small(), from, |position, body| {
        found.insert(position, body.to_vec());
        Ok(())
    })?;
    Ok((journal, found))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Writers append at once until the power goes; what was acknowledged is there afterwards, where it was said to be.
fn crash_and_recover(seed: u64, runtime: &Runtime) {
    let rng = Rng::seeded(seed);
    let fs = Fs::simulated(Rng::seeded(!seed));
    let sim = fs.sim().unwrap();
    let mut acknowledged = Records::new();
    let mut attempted: Vec<Vec<u8>> = Vec::new();
    let mut from = Position::START;
    for round in 0..6u64 {
        sim.inject(Fault::PowerCut { after: rng.below(60) });
        if rng.below(4) == 0 {
            sim.inject(Fault::SyncError { after: rng.below(20) });
        }
        // A crash may come while the journal recovers, too.
        if let Ok((journal, _)) = open(&fs, from) {
            for batch in 0..12u64 {
                let bodies: Vec<Vec<u8>> = (0..1 + rng.below(4))
                    .map(|n| {
                        let mut body = format!("{round}/{batch}/{n}/").into_bytes();
                        body.resize(body.len() + rng.below(300) as usize, b'x');
                        body
                    })
                    .collect();
                let appends: Vec<_> =
                    bodies.iter().map(|body| journal.append(&[&body[..3], &body[3..]])).collect();
                attempted.extend(bodies.clone());
                let mut failed = false;
                for (append, body) in appends.into_iter().zip(bodies) {
                    match runtime.block_on(append) {
                        Ok(position) => drop(acknowledged.insert(position, body)),
                        Err(_) => failed = true,
                    }
                }
                if failed {
                    break;
                }
                if rng.below(8) == 0 {
                    let keep = acknowledged.keys().next_back().map_or(0, |last| last.segment());
                    from = Position::from_u64(u64::from(keep) << 32).max(from);
                    acknowledged = acknowledged.split_off(&from);
                    journal.drop_before(keep);
                }
            }
            journal.close();
        }
        sim.crash();
    }
    let (journal, found) = open(&fs, from).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    for (position, body) in &acknowledged {
        assert_eq!(found.get(position), Some(body), "seed {seed}: {position:?}");
        assert_eq!(journal.read_at(*position).unwrap(), body[..], "seed {seed}");
    }
    for body in found.values() {
        assert!(attempted.contains(body), "seed {seed}: a record that nobody wrote");
    }
}

#[test]
fn what_was_acknowledged_survives_every_crash() {
    let seeds = std::env::var("HANEUL_SEEDS").map_or(150, |count| count.parse().unwrap());
    for seed in 0..seeds {
        if seed % 2 == 0 {
            crash_and_recover(seed, &engines::runtime());
        } else {
            engines::served(|runtime| crash_and_recover(seed, runtime));
        }
    }
}

/// A closed log of several segments, in memory.
fn a_log(fs: &Fs) -> Vec<(Position, Vec<u8>)> {
    let mut log = Log::open(fs, Path::new(DIR), 7, small()).unwrap();
    let mut written = Vec::new();
    for n in 0..60u8 {
        let mut frame = FrameBuilder::new();
        let bodies = [vec![n; 100 + usize::from(n)], vec![n; 3]];
        let offsets: Vec<u32> = bodies.iter().map(|body| frame.push(&[body])).collect();
        let at = log.append(&mut frame).unwrap().to_u64();
        written.extend(offsets.iter().map(|o| Position::from_u64(at + u64::from(*o))).zip(bodies));
    }
    written
}

fn read_log(fs: &Fs) -> Result<Vec<(Position, Vec<u8>)>, StoreError> {
    let log = Log::open(fs, Path::new(DIR), 7, small())?;
    let mut found = Vec::new();
    log.replay(Position::START, |position, body| {
        found.push((position, body.to_vec()));
        Ok(())
    })?;
    Ok(found)
}

/// Damage is refused, or it was where nothing is.
fn refused_or_whole(fs: &Fs, written: &[(Position, Vec<u8>)], what: &str) -> bool {
    match read_log(fs) {
        Ok(found) => {
            assert_eq!(found, written, "{what}");
            false
        }
        Err(StoreError::Damaged(_)) => true,
        Err(other) => panic!("{what}: {other}"),
    }
}

#[test]
fn a_flipped_bit_anywhere_is_refused_or_harmless() {
    let fs = Fs::simulated(Rng::seeded(1));
    let written = a_log(&fs);
    assert_eq!(read_log(&fs).unwrap(), written);
    let rng = Rng::seeded(2);
    let mut refused = 0;
    let files = fs.sim().unwrap().files();
    assert!(files.len() > 2, "{files:?}");
    for (path, len) in files {
        for offset in (0..len).step_by(3) {
            let fs = Fs::simulated(Rng::seeded(1));
            let written = a_log(&fs);
            let bit = rng.below(8) as u8;
            fs.sim().unwrap().flip_bit(&path, offset, bit);
            let what = format!("{} byte {offset} bit {bit}", path.display());
            refused += usize::from(refused_or_whole(&fs, &written, &what));
        }
    }
    assert!(refused > 2000, "{refused}");
}

#[test]
fn a_file_cut_short_or_missing_is_refused() {
    let fs = Fs::simulated(Rng::seeded(1));
    a_log(&fs);
    let mut cuts_refused = 0;
    // The room for the next head holds nothing.
    let files = fs.sim().unwrap().files();
    for (path, len) in files.into_iter().filter(|(path, _)| !path.ends_with("head.new")) {
        for keep in (0..len).step_by(37).chain([len - 1]) {
            let fs = Fs::simulated(Rng::seeded(1));
            let written = a_log(&fs);
            fs.open(&path, Open::Write).unwrap().set_len(keep).unwrap();
            let what = format!("{} cut to {keep}", path.display());
            // Whole: when all that was cut off was the unused end of a segment that is not the last.
            cuts_refused += usize::from(refused_or_whole(&fs, &written, &what));
        }
        let fs = Fs::simulated(Rng::seeded(1));
        let written = a_log(&fs);
        fs.remove_file(&path).unwrap();
        assert!(refused_or_whole(&fs, &written, &format!("{} missing", path.display())));
    }
    assert!(cuts_refused > 250, "{cuts_refused}");
    let fs = Fs::simulated(Rng::seeded(1));
    let options = LogOptions { must_exist: true, ..small() };
    assert!(matches!(Log::open(&fs, Path::new(DIR), 7, options), Err(StoreError::Damaged(_))));
}

#[test]
fn a_full_disk_is_an_error_and_not_the_end() {
    let fs = Fs::simulated(Rng::seeded(1));
    let (journal, _) = open(&fs, Position::START).unwrap();
    let first = block_on(journal.append(&[b"first"])).unwrap();
    fs.sim().unwrap().set_capacity(1100);
    assert_eq!(block_on(journal.append(&[&[0; 2000]])), Err(StoreError::Full));
    fs.sim().unwrap().set_capacity(u64::MAX);
    let second = block_on(journal.append(&[b"second"])).unwrap();
    journal.close();
    let (_, found) = open(&fs, Position::START).unwrap();
    assert_eq!(found, Records::from([(first, b"first".to_vec()), (second, b"second".to_vec())]));
}

/// Wherever a disk becomes full: in a frame, where a segment grows, or between two segments.
#[test]
fn a_disk_that_was_full_is_used_again() {
    let mut by_dropping = 0;
    for capacity in (1200..14_000).step_by(37) {
        let fs = Fs::simulated(Rng::seeded(capacity));
        let sim = fs.sim().unwrap();
        let (journal, _) = open(&fs, Position::START).unwrap();
        sim.set_capacity(capacity);
        let mut acknowledged = Records::new();
        let fill = |acknowledged: &mut Records| {
            for number in 0..100u64 {
                let body = vec![number as u8; (capacity + number * 13) as usize % 311];
                match block_on(journal.append(&[&body])) {
                    Ok(position) => drop(acknowledged.insert(position, body)),
                    Err(StoreError::Full) => return,
                    Err(error) => panic!("{capacity}: {error}"),
                }
            }
            panic!("{capacity} bytes hold no end of records");
        };
        fill(&mut acknowledged);
        fill(&mut acknowledged);
        // Room is made by what is not needed any more, on the disk that is full.
        let last = journal.end().segment();
        if last > 2 {
            journal.drop_before(last - 1);
            let tried = (0..3).find_map(|_| block_on(journal.append(&[&[7; 300]])).ok());
            let position = tried.unwrap_or_else(|| panic!("{capacity}: dropping made no room"));
            acknowledged.retain(|position, _| position.segment() >= last - 1);
            acknowledged.insert(position, vec![7; 300]);
            by_dropping += 1;
            fill(&mut acknowledged);
        }
        sim.set_capacity(u64::MAX);
        for number in 0..20u8 {
            let position = block_on(journal.append(&[&[number; 300]])).unwrap();
            acknowledged.insert(position, vec![number; 300]);
        }
        journal.close();
        sim.crash();
        let (_, found) =
            open(&fs, Position::START.max(Position::from_u64(u64::from(last.max(2) - 1) << 32))).unwrap();
        for (position, body) in &acknowledged {
            assert_eq!(found.get(position), Some(body), "{capacity} {position:?}");
        }
    }
    assert!(by_dropping > 50, "{by_dropping}");
}

#[test]
fn notes_go_along_with_what_is_waited_for_and_with_the_end() {
    let fs = Fs::simulated(Rng::seeded(3));
    let (journal, _) = open(&fs, Position::START).unwrap();
    journal.note(&[b"no", b"te"]);
    let position = block_on(journal.append(&[b"appended"])).unwrap();
    journal.note(&[b"last"]);
    journal.close();
    journal.note(&[b"too late"]);
    fs.sim().unwrap().crash();
    let (_, found) = open(&fs, Position::START).unwrap();
    assert_eq!(found.values().map(Vec::as_slice).collect::<Vec<_>>(), [&b"note"[..], b"appended", b"last"]);
    assert_eq!(found[&position], b"appended");
}

#[test]
fn a_thread_that_serves_writes_by_itself() {
    let fs = Fs::simulated(Rng::seeded(5));
    let (journal, _) = open(&fs, Position::START).unwrap();
    let mut written = Records::new();
    let appending = |name: u8| {
        let journal = journal.clone();
        move |runtime: &Runtime| {
            let mut written = Records::new();
            for number in 0..100 {
                // One that nobody waits for, one alone, and two at once of which one is too long to be written here.
                assert!(journal.note(&[b"note"]));
                let position = runtime.block_on(journal.append(&[&[name, number]])).unwrap();
                written.insert(position, vec![name, number]);
                let (long, short) = (vec![name; 70_000], [number, name]);
                let (long, short) = (journal.append(&[&long]), journal.append(&[&short]));
                let position = runtime.block_on(long).unwrap();
                written.insert(position, vec![name; 70_000]);
                written.insert(runtime.block_on(short).unwrap(), vec![number, name]);
            }
            written
        }
    };
    std::thread::scope(|scope| {
        let threads = [b'a', b'b'].map(|name| {
            let work = appending(name);
            scope.spawn(move || engines::served(work))
        });
        for thread in threads {
            written.extend(thread.join().unwrap());
        }
    });
    journal.close();
    engines::served(|runtime| assert!(runtime.block_on(journal.append(&[b"closed"])).is_err()));
    let (_, mut found) = open(&fs, Position::START).unwrap();
    found.retain(|_, body| body != b"note");
    assert!(found == written);
    assert_eq!(written.len(), 600);
}

#[test]
fn a_failed_sync_poisons_the_journal() {
    let fs = Fs::simulated(Rng::seeded(1));
    let (journal, _) = open(&fs, Position::START).unwrap();
    fs.sim().unwrap().inject(Fault::SyncError { after: 0 });
    assert!(matches!(block_on(journal.append(&[b"x"])), Err(StoreError::Io(_))));
    assert!(matches!(block_on(journal.append(&[b"y"])), Err(StoreError::Poisoned(_))));
}

#[test]
fn batches_have_positions_and_segments_can_be_dropped() {
    let memory = Journal::memory(Keep::Records);
    let fs = Fs::simulated(Rng::seeded(1));
    let (disk, _) = open(&fs, Position::START).unwrap();
    for journal in [memory, disk] {
        let all = block_on(journal.append_all(&[&[b"a", b"b"], &[b"c"]]).all()).unwrap();
        let bodies: Vec<_> = all.iter().map(|at| journal.read_at(*at).unwrap()).collect();
        assert_eq!(bodies, ["ab", "c"]);
        assert!(all[0] < all[1] && all[1] < journal.end());
    }
    let (disk, _) = open(&fs, Position::START).unwrap();
    let first = block_on(disk.append(&[&[1; 3000]])).unwrap();
    let second = block_on(disk.append(&[&[2; 3000]])).unwrap();
    assert!(second.segment() > first.segment());
    disk.drop_before(second.segment());
    block_on(disk.append(&[b"after"])).unwrap();
    disk.close();
    assert!(disk.read_at(first).is_err());
    assert!(open(&fs, Position::START).is_err(), "the records before are missing");
    let (_, found) = open(&fs, Position::from_u64(u64::from(second.segment()) << 32)).unwrap();
    assert_eq!(found.len(), 2);
}

#[test]
fn a_checkpoint_is_the_old_one_or_the_new_one() {
    use haneul_store::log::checkpoint::{self, CheckpointWriter};
    let path = Path::new("/data/checkpoint");
    let write = |fs: &Fs, word: &[u8]| {
        let mut writer = CheckpointWriter::create(fs, path, "test/1")?;
        for n in 0..10u8 {
            writer.write(&[word, &[n]])?;
        }
        writer.finish()
    };
    let read = |fs: &Fs| -> Result<Vec<Vec<u8>>, StoreError> {
        let mut records = Vec::new();
        let Some(mut reader) = checkpoint::open(fs, path)? else { return Ok(records) };
        assert_eq!(reader.kind(), "test/1");
        while let Some(record) = reader.next_record()? {
            records.push(record);
        }
        Ok(records)
    };
    for seed in 0..50 {
        let fs = Fs::simulated(Rng::seeded(seed));
        fs.create_dir_all_synced(Path::new("/data")).unwrap();
        write(&fs, b"old").unwrap();
        fs.sim().unwrap().inject(Fault::PowerCut { after: seed % 8 });
        let written = write(&fs, b"new");
        fs.sim().unwrap().crash();
        let records = read(&fs).unwrap();
        assert_eq!(records.len(), 10, "seed {seed}");
        assert!(records[0].starts_with(b"new") || written.is_err(), "seed {seed}");
    }
    let len = {
        let fs = Fs::simulated(Rng::seeded(0));
        fs.create_dir_all_synced(Path::new("/data")).unwrap();
        write(&fs, b"old").unwrap();
        fs.sim().unwrap().files()[0].1
    };
    for offset in 0..len {
        let fs = Fs::simulated(Rng::seeded(0));
        fs.create_dir_all_synced(Path::new("/data")).unwrap();
        write(&fs, b"old").unwrap();
        fs.sim().unwrap().flip_bit(path, offset, offset as u8);
        assert!(read(&fs).is_err(), "byte {offset}");
    }
}
