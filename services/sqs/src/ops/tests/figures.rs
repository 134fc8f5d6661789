//! Figures, not tests: `cargo test --release -p haneul-sqs figures -- --ignored --nocapture`.

use haneul_env::clock::monotonic;

use super::*;

const BODY: usize = 400;

/// A million and ten million waiting messages on the host's disk: what a send, a receive and a delete cost, and how long
/// a restart takes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes and gigabytes of disk"]
async fn figures() {
    let count: usize =
        std::env::var("SQS_FIGURES_MESSAGES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let dir = std::env::temp_dir().join(format!("haneul-sqs-figures-{}", std::process::id()));
    let cloud = Cloud::open(platform(Env::real(), Some(&dir)), Limits::default()).await;
    let url = cloud.queue("q").await;
    let cleaner = Arc::new(crate::plane::clean::Cleaner::new(cloud.sqs.plane.clone()));

    let began = monotonic();
    let body = "x".repeat(BODY);
    let clients = 64;
    let mut tasks = Vec::new();
    for _ in 0..clients {
        let (cloud, url, body) = (cloud.clone(), url.clone(), body.clone());
        tasks.push(cloud.platform.env.clone().spawn("client", async move {
            for _ in 0..count / clients / 10 {
                let entries = (0..10).map(|i| SendMessageBatchRequestEntry {
                    id: i.to_string(),
                    message_body: body.clone(),
                    ..Default::default()
                });
                let input = SendMessageBatchRequest { queue_url: url.clone(), entries: entries.collect() };
                cloud.call::<op::SendMessageBatch>(input).await.unwrap();
            }
        }));
    }
    let mut sending = tasks.len();
    while sending > 0 {
        cleaner.reconcile().await.unwrap();
        cloud.platform.env.clock.sleep(Duration::from_millis(500)).await;
        sending = tasks.iter().filter(|task| !task.is_finished()).count();
    }
    report("sends in batches of ten, 64 at once", count, began);
    println!("resident: {} MB", resident_mb());
    println!("waiting: {:?}", cloud.counts(&url).await);

    for at_once in [1, 16] {
        let began = monotonic();
        let rounds = 2000;
        let mut tasks = Vec::new();
        for _ in 0..at_once {
            let (cloud, url, body) = (cloud.clone(), url.clone(), body.clone());
            tasks.push(cloud.platform.env.clone().spawn("client", async move {
                for _ in 0..rounds {
                    cloud.send(&url, &body).await;
                    let message = cloud.receive(&url, 1).await.remove(0);
                    cloud.delete(&url, handle(&message)).await.unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        report(&format!("send, receive and delete, {at_once} at once"), rounds * at_once, began);
    }

    let platform = cloud.platform.clone();
    let began = monotonic();
    drop((cloud, cleaner));
    println!("stopped in {:?}", began.elapsed());
    let began = monotonic();
    let cloud = Cloud::open(platform, Limits::default()).await;
    println!(
        "restarted with {:?} messages in {:?}, resident {} MB",
        cloud.counts(&url).await,
        began.elapsed(),
        resident_mb()
    );
    std::fs::remove_dir_all(&dir).unwrap();
}

/// The cost of the calls themselves, without a disk.
#[tokio::test]
#[ignore = "a measurement"]
async fn figures_in_memory() {
    let cloud = Cloud::open(platform(Env::real(), None), Limits::default()).await;
    let body = "x".repeat(BODY);
    for waiting in [1_000, 100_000, 1_000_000] {
        let url = cloud.queue(&format!("q{waiting}")).await;
        let began = monotonic();
        for _ in 0..waiting {
            cloud.send(&url, &body).await;
        }
        report(&format!("{waiting} sends"), waiting, began);
        let began = monotonic();
        let rounds = 20_000;
        for _ in 0..rounds {
            cloud.send(&url, &body).await;
            let message = cloud.receive(&url, 1).await.remove(0);
            cloud.delete(&url, handle(&message)).await.unwrap();
        }
        report(&format!("send, receive and delete with {waiting} waiting"), rounds, began);
    }
}

fn report(what: &str, count: usize, began: std::time::Instant) {
    let took = began.elapsed();
    println!("{what}: {took:?}, {:.2} µs each", took.as_secs_f64() * 1e6 / count as f64);
}

fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
}
