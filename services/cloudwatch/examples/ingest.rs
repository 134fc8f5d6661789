//! How many points a second PutMetricData takes, durable before they are acknowledged: through all layers behind the listener (validation,
//! authorisation), on a store on disk. `cargo run --release -p haneul-cloudwatch --example ingest [seconds] [clients] [series] [folder]`.
//!
//! Prints points, values and requests a second, the bytes on disk for a point, and what a sample of `haneul_kit::metrics` costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use haneul_blob::Blobs;
use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_env::Env;
use haneul_front::{Cloud, Options};
use haneul_kit::metrics::{Metric, Metrics, Unit};
use haneul_kit::platform::Config;
use haneul_kit::{AccountId, Caller, Instant, Platform, Region, Seal};
use haneul_store::Store;

const BATCH: usize = 1000;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |at: usize, default: u64| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (seconds, clients, series) = (number(0, 10), number(1, 4), number(2, 10_000));
    let folder = tempfile::tempdir_in(arguments.get(3).map_or(".", String::as_str)).expect("a folder");
    let env = Env::real();
    let store = Store::open(&env, &folder.path().join("store")).expect("a store");
    let seal = Seal::new(&[7; 32], env.rng.clone());
    let config = Config { root_keys: Vec::new(), relaxed: false };
    let platform = Platform::new(env.clone(), store, Blobs::memory(&env), None, seal, config);
    let services = vec![
        haneul_iam::service(&platform).await.expect("IAM"),
        haneul_cloudwatch::service(&platform).await.expect("CloudWatch"),
    ];
    let models = [&haneul_iam_wire::SERVICE, &haneul_cloudwatch_wire::SERVICE];
    let front = Cloud::new(platform.clone(), &models, services, Options::default());
    front.start_reconcilers();

    let begun = haneul_env::clock::monotonic();
    let points = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..clients)
        .map(|client| {
            let (platform, points) = (platform.clone(), points.clone());
            env.spawn("client", async move {
                let mut next = client * series / clients;
                while haneul_env::clock::monotonic().duration_since(begun).as_secs() < seconds {
                    let now = platform.env.now();
                    let data = (0..BATCH).map(|_| {
                        next = (next + 1) % series;
                        datum(next, now)
                    });
                    let input = s::PutMetricDataInput {
                        namespace: "Bench".into(),
                        metric_data: Some(data.collect()),
                        ..Default::default()
                    };
                    let caller = Caller::root(AccountId::DEFAULT);
                    let put = platform.bus.call::<op::PutMetricData>(caller, Region::US_EAST_1, None, input);
                    put.await.expect("it is put");
                    points.fetch_add(BATCH as u64, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a client");
    }
    let took = haneul_env::clock::monotonic().duration_since(begun).as_secs_f64();
    let points = points.load(Ordering::Relaxed);
    let bytes = size(folder.path());
    println!(
        "{points} points of {series} series in {took:.1} s by {clients} clients: {:.0} points/s, {:.0} requests/s, {:.1} bytes on disk a point",
        points as f64 / took,
        points as f64 / BATCH as f64 / took,
        bytes as f64 / points as f64
    );
    sink(&env);
    env.tasks.stop(&env.clock, std::time::Duration::from_secs(10)).await;
}

fn datum(series: u64, now: Instant) -> s::MetricDatum {
    let dimension = |name: &str, value: String| s::Dimension { name: name.into(), value };
    s::MetricDatum {
        metric_name: "latency".into(),
        dimensions: Some(vec![dimension("Host", format!("host-{series}")), dimension("Zone", "a".into())]),
        timestamp: Some(now),
        value: Some((series % 97) as f64),
        unit: Some("Milliseconds".into()),
        ..Default::default()
    }
}

/// What a sample costs whoever gives it.
fn sink(env: &Env) {
    const SENT: Metric = Metric::new("AWS/SQS", "NumberOfMessagesSent", Unit::Count);
    const SAMPLES: u32 = 2_000_000;
    let metrics = Metrics::default();
    metrics.open();
    let now = env.now();
    let begun = haneul_env::clock::monotonic();
    for _ in 0..SAMPLES {
        metrics.record(SENT, AccountId::DEFAULT, Region::US_EAST_1, now, &[("QueueName", "orders")], 1.0);
    }
    let took = haneul_env::clock::monotonic().duration_since(begun);
    println!("a service's sample: {} ns", took.as_nanos() / u128::from(SAMPLES));
}

fn size(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => size(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}
