//! A store that is left at any moment and opened again: no acknowledged point is lost, and none is counted twice.

use std::sync::Arc;

use haneul_env::{Env, Rng};
use haneul_kit::metrics::{Summary, Unit};
use haneul_kit::{AccountId, Region, Signal};
use haneul_store::Store;

use crate::series::window::Window;
use crate::series::{Bucket, Identity, Tier};
use crate::store::Points;

fn identity(i: u64) -> Identity {
    Identity::new(AccountId::DEFAULT, Region::US_EAST_1, "Test", format!("m{i}"), Vec::new())
}

async fn open(store: &Store, rng: &Rng) -> Arc<Points> {
    Arc::new(Points::open(store, rng, Signal::default()).await.unwrap())
}

/// Count and sum of what is known of each metric.
async fn totals(points: &Points) -> Vec<(f64, f64)> {
    let window = Window { start: 0, end: 21_600, period: 21_600, now: 20_000 };
    let view = points.view().await.unwrap();
    let mut totals = Vec::new();
    for i in 0..METRICS {
        let summed = match points.find(&identity(i)).await.unwrap() {
            Some(series) => window.sum_up_all(view.read(series.id, 0, 21_600).await.unwrap()),
            None => Vec::new(),
        };
        totals.push(summed.first().map_or((0.0, 0.0), |(_, summary)| (summary.count, summary.sum)));
    }
    totals
}

const METRICS: u64 = 5;

#[tokio::test]
async fn no_point_is_lost_or_counted_twice_wherever_it_is_left() {
    for seed in 0..30 {
        let env = Env::simulated(seed);
        let rng = env.rng.clone();
        let store = Store::memory();
        let mut points = open(&store, &rng).await;
        let mut expected = vec![(0.0, 0.0); METRICS as usize];
        for round in 0..40 {
            let batch: Vec<(Identity, Bucket)> = (0..1 + rng.below(6))
                .map(|_| {
                    let (metric, value) = (rng.below(METRICS), rng.below(100) as f64);
                    let tier = if rng.below(2) == 0 { Tier::Second } else { Tier::Minute };
                    expected[metric as usize].0 += 1.0;
                    expected[metric as usize].1 += value;
                    let at = tier.align(rng.below(20_000) as i64);
                    (
                        identity(metric),
                        Bucket { at, tier, unit: Unit::None, summary: Summary::of(value, 1.0) },
                    )
                })
                .collect();
            points.add(batch, 20_000_000).await.unwrap();
            match rng.below(6) {
                0 => points.write(20_000_000).await.unwrap(),
                1 => {
                    // Left in the middle of writing: at the first, second, third … point where it waits.
                    let writing = points.write(20_000_000);
                    let mut writing = std::pin::pin!(writing);
                    for _ in 0..rng.below(8) {
                        tokio::select! {
                            biased;
                            _ = &mut writing => break,
                            () = tokio::task::yield_now() => {}
                        }
                    }
                }
                2 => {
                    points.roll(Tier::Second, 8_000 + rng.below(30_000) as i64).await.unwrap();
                    points.compact().await.unwrap();
                }
                _ => {}
            }
            if rng.below(3) == 0 {
                points = open(&store, &rng).await;
            }
            assert_eq!(totals(&points).await, expected, "seed {seed} round {round}");
        }
    }
}

#[tokio::test]
async fn readers_see_each_point_once_while_it_is_written() {
    let env = Env::simulated(1);
    let store = Store::memory();
    let points = open(&store, &env.rng).await;
    let mut put = 0.0;
    for round in 0..50i64 {
        let bucket =
            Bucket { at: round * 60, tier: Tier::Minute, unit: Unit::None, summary: Summary::of(1.0, 1.0) };
        points.add(vec![(identity(0), bucket)], 0).await.unwrap();
        put += 1.0;
        let writer = points.clone();
        let (written, seen) = tokio::join!(async move { writer.write(0).await }, totals(&points));
        written.unwrap();
        assert_eq!((seen[0].0, totals(&points).await[0].0), (put, put), "round {round}");
    }
}
