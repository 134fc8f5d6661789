//! What one note costs, on one thread and on several: `cargo run --release -p haneul-meter --example meter_bench`.

use haneul_base::{AccountId, Instant, Region};
use haneul_meter::{Call, Counters};

const NOTES: usize = 2_000_000;

fn main() {
    for threads in [1, 2, 4] {
        let counters = Counters::default();
        let started = haneul_env::clock::monotonic();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let resources: Vec<String> =
                        (0..64).map(|n| format!("arn:aws:sqs:us-east-1:000000000000:queue-{n}")).collect();
                    for n in 0..NOTES {
                        counters.note(&Call {
                            account: AccountId::DEFAULT,
                            region: Region::US_EAST_1,
                            service: "sqs",
                            operation: if n % 2 == 0 { "SendMessage" } else { "ReceiveMessage" },
                            resource: &resources[n % 64],
                            at: Instant::from_millis(n as i64),
                            failed: false,
                            bytes_in: 100,
                            bytes_out: 200,
                        });
                    }
                });
            }
        });
        let each = started.elapsed().as_nanos() / NOTES as u128;
        println!("{threads} threads: {each} ns for a note on each, {} places", counters.take().len());
    }
}
