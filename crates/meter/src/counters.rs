use std::cell::Cell;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::usage::{At, Call, Place, UsageType, Used, hour_of, request_type, resource_of};

/// Counts since they were last taken. Cheap to note into from many threads.
pub struct Counters {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
}

/// By the hash of the place, so that a place that is known costs no memory to find.
type Shard = HashMap<u64, (Place, Counts), BuildNothing>;

/// Calls, those that were answered well and the others, and what was used beside them.
#[derive(Clone, Debug, Default)]
struct Counts {
    requests: u64,
    failed: u64,
    bytes_in: u64,
    bytes_out: u64,
    /// Of few kinds each.
    amounts: Vec<(UsageType, u64)>,
}

/// What was counted, each kind at each place once.
pub type Taken = Vec<Used>;

const FAILED: UsageType = UsageType::new("Requests-Failed", "Requests");
const BYTES_IN: UsageType = UsageType::new("DataTransfer-In-Bytes", "Bytes");
const BYTES_OUT: UsageType = UsageType::new("DataTransfer-Out-Bytes", "Bytes");

const SHARDS: usize = 16;

/// Places that a shard tells apart between two takings; what is beyond them is counted without its resource.
const PLACES_MAX: usize = 8192;

thread_local! {
    static SHARD: Cell<usize> = Cell::new({
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed)
    });
}

impl Default for Counters {
    fn default() -> Counters {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Counters { shards, hasher: RandomState::new() }
    }
}

impl Counters {
    pub fn note(&self, call: &Call<'_>) {
        let at = At {
            at: call.at,
            owner: (call.account, call.region),
            service: call.service,
            operation: call.operation,
            resource: call.resource,
        };
        self.count(&at, |counts| {
            match call.failed {
                true => counts.failed += 1,
                false => counts.requests += 1,
            }
            counts.bytes_in += call.bytes_in;
            counts.bytes_out += call.bytes_out;
        });
    }

    /// Counts what was used beside the calls themselves.
    pub fn add(&self, at: &At<'_>, kind: UsageType, amount: u64) {
        if amount > 0 {
            self.count(at, |counts| counts.add(kind, amount));
        }
    }

    fn count(&self, at: &At<'_>, count: impl FnOnce(&mut Counts)) {
        let mut resource = resource_of(at.service, at.resource);
        let hour_ms = hour_of(at.at);
        let mut shard = self.shards[SHARD.get() % SHARDS].lock();
        if shard.len() >= PLACES_MAX {
            resource = "";
        }
        let (account, region) = at.owner;
        let is = |place: &Place| {
            place.hour_ms == hour_ms
                && (place.account, place.region) == at.owner
                && *place.service == *at.service
                && *place.operation == *at.operation
                && *place.resource == *resource
        };
        let key = (hour_ms, account.number(), region.as_str(), at.service, at.operation, resource);
        let hash = free(&shard, self.hasher.hash_one(key), is);
        let (_, counts) = shard.entry(hash).or_insert_with(|| {
            let place = Place {
                hour_ms,
                account,
                region,
                service: at.service.into(),
                operation: at.operation.into(),
                resource: resource.into(),
            };
            (place, Counts::default())
        });
        count(counts);
    }

    /// Takes all counts.
    pub fn take(&self) -> Taken {
        let mut all: HashMap<(Place, UsageType), u64> = HashMap::new();
        let mut add = |place: Place, kind: UsageType, amount: u64| {
            if amount > 0 {
                let counted = all.entry((place, kind)).or_default();
                *counted = counted.saturating_add(amount);
            }
        };
        for shard in &self.shards {
            let taken = std::mem::take(&mut *shard.lock());
            for (place, counts) in taken.into_values() {
                for (kind, amount) in amounts(&place, &counts).into_iter().chain(counts.amounts) {
                    add(place.clone(), kind, amount);
                }
            }
        }
        all.into_iter().map(|((place, kind), amount)| Used { place, kind, amount }).collect()
    }

    /// Gives back what could not be written.
    pub fn put_back(&self, taken: Taken) {
        let mut shard = self.shards[0].lock();
        for Used { place, kind, amount } in taken {
            let hash = free(&shard, self.hasher.hash_one(&place), |other| *other == place);
            shard.entry(hash).or_insert_with(|| (place, Counts::default())).1.add(kind, amount);
        }
    }
}

/// Where a place is, or may be. Two places of one hash are rarer than failing memory; they get neighbouring entries.
fn free(shard: &Shard, mut hash: u64, is: impl Fn(&Place) -> bool) -> u64 {
    while shard.get(&hash).is_some_and(|(place, _)| !is(place)) {
        hash = hash.wrapping_add(1);
    }
    hash
}

impl Counts {
    fn add(&mut self, kind: UsageType, amount: u64) {
        match self.amounts.iter_mut().find(|(other, _)| *other == kind) {
            Some((_, sum)) => *sum = sum.saturating_add(amount),
            None => self.amounts.push((kind, amount)),
        }
    }
}

fn amounts(place: &Place, counts: &Counts) -> [(UsageType, u64); 4] {
    let requests = request_type(&place.service, &place.operation, &place.resource);
    [
        (UsageType::new(requests, "Requests"), counts.requests),
        (FAILED, counts.failed),
        (BYTES_IN, counts.bytes_in),
        (BYTES_OUT, counts.bytes_out),
    ]
}

/// The keys are hashes already.
#[derive(Clone, Copy, Default)]
pub struct BuildNothing;

pub struct Nothing(u64);

impl BuildHasher for BuildNothing {
    type Hasher = Nothing;

    fn build_hasher(&self) -> Nothing {
        Nothing(0)
    }
}

impl std::hash::Hasher for Nothing {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use haneul_base::{AccountId, Instant, Region};

    use super::*;
    use crate::usage::HOUR_MS;

    fn call<'a>(operation: &'a str, resource: &'a str, at_ms: i64) -> Call<'a> {
        Call {
            account: AccountId::DEFAULT,
            region: Region::US_EAST_1,
            service: "sqs",
            operation,
            resource,
            at: Instant::from_millis(at_ms),
            failed: false,
            bytes_in: 3,
            bytes_out: 5,
        }
    }

    #[test]
    fn every_call_is_counted_once_from_any_thread() {
        let counters = Counters::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 0..1000 {
                        counters.note(&call(
                            ["Send", "Receive"][n % 2],
                            "arn:aws:sqs:r:1:q",
                            (n as i64 % 3) * HOUR_MS,
                        ));
                    }
                });
            }
        });
        let taken = counters.take();
        let sum = |taken: &Taken, kind: &str| -> u64 {
            taken.iter().filter(|used| used.kind.name == kind).map(|used| used.amount).sum()
        };
        assert_eq!(taken.len(), 18);
        assert_eq!(sum(&taken, "Requests"), 4000);
        assert_eq!(sum(&taken, "DataTransfer-Out-Bytes"), 20_000);
        assert!(counters.take().is_empty());
        counters.put_back(taken);
        counters.note(&Call { failed: true, ..call("Send", "arn:aws:sqs:r:1:q", 0) });
        let again = counters.take();
        assert_eq!((sum(&again, "Requests"), sum(&again, "Requests-Failed")), (4000, 1));
    }

    #[test]
    fn names_that_a_client_makes_up_do_not_fill_the_memory() {
        let counters = Counters::default();
        let kind = UsageType::new("Requests", "Requests");
        for n in 0..20_000 {
            counters.note(&call("Send", &format!("arn:aws:sqs:r:1:q{n}"), 0));
            let owner = (AccountId::DEFAULT, Region::US_EAST_1);
            let resource = format!("arn:{n}");
            let at = At {
                at: Instant::from_millis(0),
                owner,
                service: "kms",
                operation: "Use",
                resource: &resource,
            };
            counters.add(&at, kind, 2);
        }
        let taken = counters.take();
        assert!(taken.len() <= 4 * (PLACES_MAX + 2));
        let of = |service: &str| -> u64 {
            let all = taken.iter().filter(|used| used.kind == kind && *used.place.service == *service);
            all.map(|used| used.amount).sum()
        };
        assert_eq!((of("sqs"), of("kms")), (20_000, 40_000));
    }
}
