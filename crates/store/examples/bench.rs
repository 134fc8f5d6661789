//! CPU and wall time of commits, reads and journal appends on this machine:
//! `cargo run --release -p haneul-store --example bench -- DIR`

use std::path::Path;
use std::time::Duration;

use haneul_env::clock::monotonic;
use haneul_env::{Env, Rng, Tasks};
use haneul_store::log::{Journal, LogOptions, Position};
use haneul_store::{Range, Reads, Store, StoreError, Table};

static ITEMS: Table<(String, u64), Vec<u8>> = Table::new("bench.items");

fn main() {
    let dir = std::env::args().nth(1).expect("a directory to work in");
    let dir = Path::new(&dir);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(store("memory", &Store::memory(), 200_000));
    let disk = Store::open(&Env::real(), &dir.join("store")).unwrap();
    runtime.block_on(store("disk", &disk, 40_000));
    println!("resident: {} MiB", resident_mib());
    runtime.block_on(reads("disk", &disk));
    for count in [10_000, 2_000_000] {
        let disk = Store::open(&Env::real(), &dir.join(format!("groups-{count}"))).unwrap();
        runtime.block_on(groups(&disk, count));
        println!("resident: {} MiB", resident_mib());
    }
    let journal = Journal::open(
        &Env::real().fs,
        &dir.join("journal"),
        1,
        LogOptions::default(),
        Position::START,
        |_, _| Ok(()),
    );
    runtime.block_on(appends(journal.unwrap()));
    println!("resident: {} MiB", resident_mib());
}

async fn store(name: &str, store: &Store, count: u64) {
    for writers in [1, 16, 64] {
        let count = if writers == 1 { count / 10 } else { count };
        let what = format!("{name}: put, {writers} writers");
        let each = store.clone();
        run(&what, writers, count, move |writer, n| {
            let store = each.clone();
            async move {
                store.put(&ITEMS, &(format!("writer{writer}"), n), &vec![7; 300]).await.unwrap();
            }
        })
        .await;
        let what = format!("{name}: transact get+put, {writers} writers");
        let each = store.clone();
        run(&what, writers, count, move |writer, n| {
            let store = each.clone();
            async move {
                let store = &store;
                let key = &(format!("writer{writer}"), n % 1000);
                store
                    .transact(|tx| async move {
                        let mut value = tx.get(&ITEMS, key).await?.unwrap_or_default();
                        value.resize(300, 1);
                        tx.put(&ITEMS, key, &value)?;
                        Ok::<_, StoreError>(())
                    })
                    .await
                    .unwrap();
            }
        })
        .await;
    }
}

/// Scans of groups of 20 rows, as they are after they were filled in.
async fn groups(store: &Store, count: u64) {
    static GROUPS: Table<(u64, u64), Vec<u8>> = Table::new("bench.groups");
    store.group(&GROUPS, 8);
    let fill = store.clone();
    run(&format!("groups, {count} rows: fill in by 25"), 16, count / 25, move |writer, n| {
        let (store, mut batch) = (fill.clone(), haneul_store::Batch::default());
        async move {
            let first = (n * 16 + writer) * 25;
            for row in first..first + 25 {
                batch
                    .put(&GROUPS, &((row / 20).wrapping_mul(0x9e37_79b9_7f4a_7c15), row % 20), &vec![7; 110])
                    .unwrap();
            }
            store.write(batch).await.unwrap();
        }
    })
    .await;
    let rng = Rng::seeded(1);
    for what in ["scan 20", "scan 20 again"] {
        let (store, rng) = (store.clone(), Rng::seeded(rng.u64()));
        run(&format!("groups, {count} rows: {what}"), 1, 200_000, move |_, _| {
            let (store, group) = (store.clone(), rng.below(count / 20).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            async move {
                let found = store.scan(&GROUPS, Range::prefix((group,)), 64).await.unwrap();
                assert_eq!(found.len(), 20);
            }
        })
        .await;
    }
}

async fn reads(name: &str, store: &Store) {
    let mut batch = haneul_store::Batch::default();
    for n in 0..500_000u64 {
        batch.put(&ITEMS, &("big".to_owned(), n), &vec![7; 300]).unwrap();
        if n % 1000 == 999 {
            store.write(std::mem::take(&mut batch)).await.unwrap();
        }
    }
    let rng = Rng::seeded(1);
    for (what, keys) in [("hot 1,000", 1000), ("of 500,000", 500_000)] {
        let (store, rng) = (store.clone(), Rng::seeded(1));
        run(&format!("{name}: get {what}"), 1, 200_000, move |_, _| {
            let (key, store) = (rng.below(keys), store.clone());
            async move { assert!(store.get(&ITEMS, &("big", key)).await.unwrap().is_some()) }
        })
        .await;
    }
    let store = store.clone();
    run(&format!("{name}: scan of 100"), 1, 5000, move |_, _| {
        let (from, store) = (rng.below(400_000), store.clone());
        async move {
            let range = Range::prefix(("big",)).from(&("big", from));
            assert_eq!(store.scan(&ITEMS, range, 100).await.unwrap().len(), 100);
        }
    })
    .await;
}

async fn appends(journal: Journal) {
    for writers in [1, 16, 64] {
        let count = if writers == 1 { 5000 } else { 80_000 };
        let each = journal.clone();
        run(&format!("journal: append of 400 B, {writers} writers"), writers, count, move |_, _| {
            let journal = each.clone();
            async move {
                journal.append(&[&[1; 50], &[2; 350]]).await.unwrap();
            }
        })
        .await;
    }
}

/// `count` operations in all, spread over `writers` tasks that each wait for one at a time.
async fn run<F: Future<Output = ()> + Send + 'static>(
    what: &str,
    writers: u64,
    count: u64,
    operation: impl Fn(u64, u64) -> F + Clone + Send + 'static,
) {
    // A second argument picks the measurements whose name it is part of.
    if std::env::args().nth(2).is_some_and(|wanted| !what.contains(&wanted)) {
        return;
    }
    let (cpu, start, frames) = (cpu_time(), monotonic(), write_calls());
    let each = count / writers;
    let tasks = Tasks::default();
    let work = (0..writers).map(|writer| {
        let operation = operation.clone();
        tasks.spawn("bench", async move {
            for n in 0..each {
                operation(writer, n).await;
            }
        })
    });
    for task in work.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let (cpu, wall) = (cpu_time() - cpu, start.elapsed());
    let per = |time: Duration| time.as_secs_f64() * 1e6 / (each * writers) as f64;
    let rate = (each * writers) as f64 / wall.as_secs_f64();
    let (cpu, wall) = (per(cpu), per(wall));
    let frames = (write_calls() - frames) as f64 / (each * writers) as f64;
    println!("{what:45} {cpu:7.2} µs CPU  {wall:8.2} µs wall  {rate:9.0}/s  {frames:5.2} writes");
}

/// User and system time of this process (proc(5), fields 14 and 15 of `stat`, in hundredths of a second).
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// Write calls of this process (proc(5), `io`).
fn write_calls() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap();
    io.lines().find_map(|line| line.strip_prefix("syscw: ")).unwrap().parse().unwrap()
}

fn resident_mib() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096 / (1 << 20)
}
