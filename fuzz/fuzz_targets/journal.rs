//! A journal and a checkpoint that are read back: any bytes, and ones that we wrote and something changed.
//!
//! `[change, where, where, length of the first file, length of it, bytes…]`

#![no_main]

use std::path::Path;

use haneul_env::fs::Open;
use haneul_env::{Fs, Rng};
use haneul_store::StoreError;
use haneul_store::log::{FrameBuilder, Log, LogOptions, Position, StreamReader, StreamWriter};
use libfuzzer_sys::fuzz_target;

const DIR: &str = "/log";
const KIND: &str = "fuzz 1";

fuzz_target!(|input: &[u8]| {
    let [change, high, low, first_high, first_low, bytes @ ..] = input else { return };
    let at = usize::from(*high) << 8 | usize::from(*low);
    let first = (usize::from(*first_high) << 8 | usize::from(*first_low)).min(bytes.len());
    any_bytes(&bytes[..first], &bytes[first..]);
    changed_log(bytes, *change, at);
    changed_stream(bytes, *change, at);
    if let Ok(mut stream) = StreamReader::new(bytes) {
        while let Ok(Some(_)) = stream.next_record() {}
    }
});

/// Small, so that a few records fill several segments.
fn options() -> LogOptions {
    LogOptions { segment_bytes: 600, grow_bytes: 512, must_exist: false }
}

fn records(fs: &Fs) -> Result<Vec<Vec<u8>>, StoreError> {
    let log = Log::open(fs, Path::new(DIR), 7, options())?;
    let mut found = Vec::new();
    log.replay(Position::START, |_, record| {
        found.push(record.to_vec());
        Ok(())
    })?;
    Ok(found)
}

fn put(fs: &Fs, name: &str, bytes: &[u8]) {
    let file = fs.open(&Path::new(DIR).join(name), Open::Create).expect("a file in memory");
    file.set_len(0).and_then(|()| file.write_at(bytes, 0)).expect("a file in memory");
}

fn any_bytes(head: &[u8], segment: &[u8]) {
    let fs = Fs::simulated(Rng::seeded(1));
    fs.create_dir_all(Path::new(DIR)).expect("a disk in memory");
    if !head.is_empty() {
        put(&fs, "head", head);
    }
    put(&fs, "00000001.log", segment);
    let Ok(found) = records(&fs) else { return };
    // What can be read can be written to, and read again.
    let mut log = Log::open(&fs, Path::new(DIR), 7, options()).expect("it was just read");
    let mut frame = FrameBuilder::new();
    frame.push(&[b"one ", b"more"]);
    log.append(&mut frame).expect("there is room");
    drop(log);
    let again = records(&fs).expect("it was just written");
    assert_eq!((&again[..again.len() - 1], &again[again.len() - 1][..]), (&found[..], &b"one more"[..]));
}

/// A log of ours in which bytes are changed, cut or zeroed gives its first records, unchanged, or none at all.
fn changed_log(bytes: &[u8], change: u8, at: usize) {
    let fs = Fs::simulated(Rng::seeded(1));
    let mut log = Log::open(&fs, Path::new(DIR), 7, options()).expect("a new log");
    let mut written = Vec::new();
    for (number, piece) in bytes.chunks(97).take(40).enumerate() {
        let mut frame = FrameBuilder::new();
        frame.push(&[piece]);
        written.push(piece.to_vec());
        if number % 3 == 0 {
            frame.push(&[b"and", piece]);
            written.push([b"and", piece].concat());
        }
        log.append(&mut frame).expect("there is room");
    }
    if change & 1 == 1 {
        log.mark_end();
    }
    drop(log);
    let files: Vec<String> =
        fs.list(Path::new(DIR)).expect("it is there").into_iter().map(|entry| entry.name).collect();
    let name = &files[at % files.len()];
    let path = Path::new(DIR).join(name);
    let mut file = fs.read(&path, u64::MAX).expect("it is there").expect("it is there");
    if file.is_empty() {
        return;
    }
    let place = at % file.len();
    match change >> 1 & 3 {
        0 => file[place] ^= change | 1,
        1 => file.truncate(place),
        2 => file[place..].fill(0),
        _ => {
            let end = (place + 64).min(file.len());
            file[place..end].fill(change);
        }
    }
    put(&fs, name, &file);
    if let Ok(found) = records(&fs) {
        assert!(
            written.starts_with(&found),
            "{name}, byte {place}: {found:?} is not the start of {written:?}"
        );
    }
}

fn changed_stream(bytes: &[u8], change: u8, at: usize) {
    let mut stream = StreamWriter::new(Vec::new(), KIND).expect("memory");
    for piece in bytes.chunks(50) {
        stream.write(&[piece]).expect("memory");
    }
    let mut written = stream.finish().expect("memory");
    let place = at % written.len();
    let changed = change != 0;
    if change == 1 {
        written.truncate(place);
    } else {
        written[place] ^= change;
    }
    let read = || -> Result<Vec<u8>, StoreError> {
        let mut stream = StreamReader::new(&written[..])?;
        let mut found = Vec::new();
        while let Some(record) = stream.next_record()? {
            found.extend(record);
        }
        Ok(found)
    };
    match read() {
        Ok(found) => assert!(!changed && found == bytes, "byte {place}: the change went unseen"),
        Err(error) => assert!(changed, "{error}"),
    }
}
