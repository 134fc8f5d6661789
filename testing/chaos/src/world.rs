//! All that is written to one cloud over many of its lives, and what is known of it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use haneul_env::{Rng, clock};
use parking_lot::Mutex;
use serde_json::json;

use crate::bank::Bank;
use crate::client::{Client, Result};
use crate::fifo::Fifo;
use crate::moment::Moments;
use crate::program::Program;
use crate::regions::Regions;
use crate::s3::{BUCKET, Writer};
use crate::standard::Standard;

const WRITERS: usize = 3;
/// Connections that work on one table at once.
const TELLERS: usize = 4;
/// Connections that write one global table.
const PLACES: usize = 4;
/// Blobs have headers and checksums, and their directories entries.
const BLOB_OVERHEAD: u64 = 4096;
/// Two logs keep their last segment each, of 64 MiB, and what was begun before it.
const LEFT_BYTES_MAX: u64 = 256 << 20;
const SWEEP_MAX: Duration = Duration::from_secs(20);

pub struct World {
    writers: Vec<Writer>,
    /// Emptied after every restart.
    queue: Mutex<Standard>,
    /// Only grows: what was sent in the first life is still there after the last.
    ledger: Mutex<Standard>,
    fifo: Mutex<Fifo>,
    bank: Mutex<Bank>,
    regions: Mutex<Regions>,
}

impl Clone for World {
    fn clone(&self) -> World {
        World {
            writers: self.writers.clone(),
            queue: Mutex::new(self.queue.lock().clone()),
            ledger: Mutex::new(self.ledger.lock().clone()),
            fifo: Mutex::new(self.fifo.lock().clone()),
            bank: Mutex::new(self.bank.lock().clone()),
            regions: Mutex::new(self.regions.lock().clone()),
        }
    }
}

impl World {
    /// Makes the bucket, the queues and the table.
    pub fn create(client: &mut Client) -> Result<World> {
        client.s3("PUT", &format!("/{BUCKET}"), b"")?.expect(&[200], "create the bucket");
        let world = World {
            writers: (0..WRITERS).map(Writer::new).collect(),
            queue: Mutex::new(Standard::new("queue")),
            ledger: Mutex::new(Standard::new("ledger")),
            fifo: Mutex::new(Fifo::new("queue.fifo")),
            bank: Mutex::new(Bank::new()),
            regions: Mutex::default(),
        };
        world.regions.lock().create(client)?;
        world.bank.lock().create(client)?;
        world.queue.lock().queue.create(client, &json!({}))?;
        world.ledger.lock().queue.create(client, &json!({}))?;
        world.fifo.lock().queue.create(client, &json!({"FifoQueue": "true"}))?;
        Ok(world)
    }

    /// Writes from many connections at once, and kills the program after `for_ms`.
    pub fn work_until_killed(&mut self, mut program: Program, moments: &Moments, rng: &Rng, for_ms: u64) {
        let address = program.address.clone();
        let (queue, ledger, fifo, bank) = (&self.queue, &self.ledger, &self.fifo, &self.bank);
        let regions = &self.regions;
        let panicked = AtomicBool::new(false);
        let mut works: Vec<Work<'_>> = vec![
            Box::new(|client, rng| Standard::send(queue, client, moments, rng, u64::MAX)),
            Box::new(|client, rng| Standard::receive(queue, client, moments, rng)),
            Box::new(|client, rng| Standard::send(ledger, client, moments, rng, 3)),
            Box::new(|client, rng| Fifo::send(fifo, client, moments, rng)),
            Box::new(|client, rng| Fifo::receive(fifo, client, moments, rng)),
        ];
        for _ in 0..TELLERS {
            works.push(Box::new(|client, rng| Bank::work(bank, client, moments, rng)));
        }
        for _ in 0..PLACES {
            works.push(Box::new(|client, rng| Regions::work(regions, client, moments, rng)));
        }
        for writer in &mut self.writers {
            works.push(Box::new(|client, rng| writer.work(client, moments, rng)));
        }
        std::thread::scope(|scope| {
            for work in works {
                let (rng, address, panicked) = (Rng::seeded(rng.u64()), &address, &panicked);
                scope.spawn(move || {
                    let noted = OnPanic(panicked);
                    work(&mut Client::new(address), &rng);
                    std::mem::forget(noted);
                });
            }
            std::thread::sleep(Duration::from_millis(for_ms));
            let was_up = program.is_up();
            program.kill();
            assert!(was_up, "the program ended by itself");
        });
        assert!(!panicked.load(Ordering::SeqCst), "a writer found a fault");
    }

    /// After a restart: finds out whether everything is as it must be at `end`, and takes it as known from then on.
    pub fn check(&mut self, client: &mut Client, end: u64, rng: &Rng) -> Result<Vec<String>> {
        let mut faults = Vec::new();
        for writer in &mut self.writers {
            faults.extend(writer.check(client, end, rng)?);
        }
        faults.extend(self.queue.get_mut().check(client, end)?);
        faults.extend(self.fifo.get_mut().check(client, end)?);
        faults.extend(self.bank.get_mut().check(client, end, rng)?);
        faults.extend(self.regions.get_mut().check(client, end)?);
        self.ledger.get_mut().settle(end);
        Ok(faults)
    }

    /// No blob is left that no object has: some time after a restart the blobs are no larger than the objects.
    pub fn check_blobs(&self, data_dir: &Path) -> Vec<String> {
        let objects: u64 = self.writers.iter().map(Writer::bytes).sum();
        wait_for_blobs(data_dir, |count, bytes| bytes <= objects + objects / 1000 + count * BLOB_OVERHEAD)
    }

    /// The end: the ledger has everything, and deleting all leaves nothing.
    pub fn finish(mut self, client: &mut Client, data_dir: &Path) -> Result<Vec<String>> {
        let mut faults = self.ledger.get_mut().check(client, u64::MAX)?;
        for writer in &mut self.writers {
            writer.clear(client)?;
        }
        client.s3("DELETE", &format!("/{BUCKET}"), b"")?.expect(&[204], "delete the bucket");
        for queue in [&self.queue.get_mut().queue, &self.ledger.get_mut().queue, &self.fifo.get_mut().queue] {
            queue.delete(client)?;
        }
        self.bank.get_mut().drop(client)?;
        self.regions.get_mut().drop(client)?;
        faults.extend(wait_for_blobs(data_dir, |count, _| count == 0));
        let (_, left) = files(data_dir);
        println!("the data directory has {left} bytes in the end");
        if left > LEFT_BYTES_MAX {
            faults.push(format!("{left} bytes are left in the data directory of an empty cloud"));
        }
        Ok(faults)
    }
}

type Work<'a> = Box<dyn FnOnce(&mut Client, &Rng) + Send + 'a>;

/// Says that its thread panicked, unless it is forgotten.
struct OnPanic<'a>(&'a AtomicBool);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn wait_for_blobs(data_dir: &Path, good: impl Fn(u64, u64) -> bool) -> Vec<String> {
    let began = clock::monotonic();
    loop {
        let (count, bytes) = blobs(data_dir);
        if good(count, bytes) {
            return Vec::new();
        }
        if began.elapsed() > SWEEP_MAX {
            return vec![format!("{count} blobs of {bytes} bytes are there, more than the objects have")];
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Number and bytes of the blobs: they lie in folders and in packs, beside what the store of blobs keeps for itself.
fn blobs(data_dir: &Path) -> (u64, u64) {
    let mut found = (0, 0);
    for entry in std::fs::read_dir(data_dir.join("blobs")).into_iter().flatten().flatten() {
        let Ok(meta) = entry.metadata() else { continue };
        let (count, bytes) = match meta.is_dir() {
            true => files(&entry.path()),
            false if is_pack(&entry) => (bytes_of_pack(&meta).div_ceil(PACKED_MIN), bytes_of_pack(&meta)),
            false => (0, 0),
        };
        found = (found.0 + count, found.1 + bytes);
    }
    found
}

/// Smaller blobs are not in packs.
const PACKED_MIN: u64 = 32 * 1024;

fn is_pack(entry: &std::fs::DirEntry) -> bool {
    entry.path().extension().is_some_and(|extension| extension == "pack")
}

/// What was punched out of it is gone, though the file is no shorter.
fn bytes_of_pack(meta: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(meta) * 512
}

/// Number and bytes of the files below a directory.
fn files(dir: &Path) -> (u64, u64) {
    let mut found = (0, 0);
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        // A file may be gone before we look.
        let Ok(meta) = entry.metadata() else { continue };
        let (count, bytes) = match meta.is_dir() {
            true => files(&entry.path()),
            false if is_pack(&entry) => (1, bytes_of_pack(&meta)),
            false => (1, meta.len()),
        };
        found = (found.0 + count, found.1 + bytes);
    }
    found
}
