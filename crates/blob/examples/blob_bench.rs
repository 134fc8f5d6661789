//! CPU and wall time of blobs on this machine: `cargo run --release -p haneul-blob --example blob_bench -- DIR`

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use haneul_blob::Blobs;
use haneul_env::clock::monotonic;
use haneul_env::{Env, Tasks};

fn main() {
    let dir = std::env::args().nth(1).expect("a directory to work in");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let blobs = Blobs::open(&Env::real(), Path::new(&dir)).unwrap();
    runtime.block_on(async {
        for (what, size, count) in [("4 KiB", 4096, 4000), ("1 MiB", 1 << 20, 400)] {
            let content = Bytes::from(vec![7; size]);
            let mut ids = Vec::new();
            for writers in [1, 16] {
                let (blobs, content) = (blobs.clone(), content.clone());
                let name = format!("write {what}, {writers} at once");
                let found = run(&name, writers, count, move |_| {
                    let (blobs, content) = (blobs.clone(), content.clone());
                    async move {
                        let mut writer = blobs.writer(Some(content.len() as u64));
                        // As a connection hands it over.
                        for from in (0..content.len()).step_by(64 * 1024) {
                            writer
                                .write(content.slice(from..content.len().min(from + 64 * 1024)))
                                .await
                                .unwrap();
                        }
                        writer.finish().await.unwrap().id
                    }
                });
                ids.extend(found.await);
            }
            if ids.is_empty() {
                continue;
            }
            for readers in [1, 16] {
                let (blobs, ids) = (blobs.clone(), ids.clone());
                run(&format!("read {what}, {readers} at once"), readers, count, move |n| {
                    let (blobs, id) = (blobs.clone(), ids[n % ids.len()]);
                    async move {
                        let mut reader = blobs.reader(id, 0..size as u64);
                        while let Some(chunk) = reader.next().await {
                            chunk.unwrap();
                        }
                        id
                    }
                })
                .await;
            }
            run(&format!("delete {what} by 100"), 1, ids.len() / 100, {
                let blobs = blobs.clone();
                move |n| {
                    let (blobs, some) = (blobs.clone(), ids[n * 100..(n + 1) * 100].to_vec());
                    async move { blobs.delete(some).await.unwrap() }
                }
            })
            .await;
        }
    });
}

async fn run<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    what: &str,
    tasks_count: usize,
    count: usize,
    operation: impl Fn(usize) -> F + Clone + Send + 'static,
) -> Vec<T> {
    // A second argument picks the measurements whose name it is part of.
    if std::env::args().nth(2).is_some_and(|wanted| !what.contains(&wanted)) {
        return Vec::new();
    }
    let (cpu, start) = (cpu_time(), monotonic());
    let each = count / tasks_count;
    let tasks = Tasks::default();
    let work = (0..tasks_count).map(|task| {
        let operation = operation.clone();
        tasks.spawn("bench", async move {
            let mut done = Vec::new();
            for n in 0..each {
                done.push(operation(task * each + n).await);
            }
            done
        })
    });
    let mut done = Vec::new();
    for task in work.collect::<Vec<_>>() {
        done.extend(task.await.unwrap());
    }
    let (cpu, wall) = (cpu_time() - cpu, start.elapsed());
    let per = |time: Duration| time.as_secs_f64() * 1e6 / done.len() as f64;
    println!("{what:30} {:8.1} µs CPU  {:9.1} µs wall", per(cpu), per(wall));
    done
}

/// User and system time of this process (proc(5), fields 14 and 15 of `stat`, in hundredths of a second).
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}
