use serde_json::Value;

use super::BATCH_BYTES_MAX;
use crate::model::mapping::Part;

/// A record of a stream.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub(super) number: String,
    pub(super) at_ms: i64,
    /// Records of the same key stay in order.
    pub(super) key: String,
    /// What filters look into besides the event, where it is text.
    pub(super) body: Option<String>,
    pub(super) event: Value,
    /// What it adds to an event, in bytes.
    pub(super) size: usize,
}

impl Item {
    pub(super) fn new(number: String, at_ms: i64, key: String, body: Option<String>, event: Value) -> Item {
        let mut size = Counter(0);
        // Counting does not fail.
        let _ = serde_json::to_writer(&mut size, &event);
        Item { number, at_ms, key, body, event, size: size.0 }
    }
}

/// Counts what is written to it.
struct Counter(usize);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Sequence numbers are decimal and may differ in length.
pub(super) fn is_after(number: &str, other: &str) -> bool {
    let strip = |text: &str| text.trim_start_matches('0').to_owned();
    let (number, other) = (strip(number), strip(other));
    (number.len(), number) > (other.len(), other)
}

/// Records that are gone through in order, and what a batch of them that failed was cut into.
#[derive(Clone, Debug, Default)]
pub(super) struct Lane {
    pub(super) items: Vec<Item>,
    /// The next part last.
    pub(super) parts: Vec<Part>,
}

/// What is to be done with a batch that failed.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// Once more, after a while: it failed so many times.
    Again(u32),
    /// In smaller parts, at once.
    Smaller,
    /// Given up: these are told of and passed over.
    Discard(Vec<Item>, u32),
}

impl Lane {
    /// The records to try next: as many as fit into one event, and one at least.
    pub(super) fn batch(&self, size: usize) -> &[Item] {
        let end = match self.parts.last() {
            Some(part) => self.items.partition_point(|item| !is_after(&item.number, &part.last)),
            None => self.items.len(),
        };
        // A part whose end was trimmed from the stream is as good as done.
        let end = if end == 0 { self.items.len() } else { end };
        let batch = &self.items[..end.min(size)];
        let mut bytes = 0;
        let fit = batch.iter().take_while(|item| {
            bytes += item.size;
            bytes <= BATCH_BYTES_MAX
        });
        let fit = fit.count().max(1).min(batch.len());
        &batch[..fit]
    }

    /// The first `count` records are dealt with.
    pub(super) fn done(&mut self, count: usize) {
        let Some(last) = self.items.get(count.saturating_sub(1)).map(|item| item.number.clone()) else {
            return;
        };
        if count == 0 {
            return;
        }
        self.items.drain(..count);
        while self.parts.last().is_some_and(|part| !is_after(&part.last, &last)) {
            self.parts.pop();
        }
    }

    /// The first `count` records failed.
    pub(super) fn failed(&mut self, count: usize, bisect: bool, retries_max: i64) -> Verdict {
        let Some(last) = self.items.get(count.saturating_sub(1)).map(|item| item.number.clone()) else {
            return Verdict::Again(1);
        };
        let current = self.parts.last().filter(|part| part.last == last).cloned();
        let current = match current {
            Some(part) => {
                self.parts.pop();
                part
            }
            None => Part { last: last.clone(), attempts: 0 },
        };
        if bisect && count > 1 {
            // Cutting does not count as a retry: both halves begin with what the whole had used up.
            let middle = self.items[count / 2 - 1].number.clone();
            let attempts = current.attempts;
            self.parts.push(Part { last, attempts });
            self.parts.push(Part { last: middle, attempts });
            return Verdict::Smaller;
        }
        let attempts = current.attempts + 1;
        if retries_max >= 0 && i64::from(attempts) > retries_max {
            let items = self.items[..count].to_vec();
            self.done(count);
            return Verdict::Discard(items, attempts);
        }
        self.parts.push(Part { last, attempts });
        Verdict::Again(attempts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(count: u32) -> Lane {
        let item = |n: u32| Item::new(format!("{n}"), 0, String::new(), None, Value::Null);
        Lane { items: (1..=count).map(item).collect(), parts: Vec::new() }
    }

    /// Runs a lane whose function fails on one record, and gives what was discarded and how many calls it took.
    fn run(lane: &mut Lane, poison: &str, bisect: bool, retries: i64) -> (Vec<Vec<String>>, u32) {
        let (mut discarded, mut calls) = (Vec::new(), 0);
        while !lane.items.is_empty() {
            calls += 1;
            assert!(calls < 1000);
            let batch = lane.batch(100);
            let (count, fails) = (batch.len(), batch.iter().any(|item| item.number == poison));
            if !fails {
                lane.done(count);
                continue;
            }
            if let Verdict::Discard(items, _) = lane.failed(count, bisect, retries) {
                discarded.push(items.into_iter().map(|item| item.number).collect());
            }
        }
        assert!(lane.parts.is_empty());
        (discarded, calls)
    }

    #[test]
    fn bisecting_finds_the_poison() {
        for poison in 1..=10 {
            let (discarded, _) = run(&mut lane(10), &poison.to_string(), true, 2);
            assert_eq!(discarded, [[poison.to_string()]]);
        }
        let (discarded, calls) = run(&mut lane(3), "2", false, 1);
        assert_eq!(discarded, [["1", "2", "3"]]);
        assert_eq!(calls, 2);
        assert_eq!(run(&mut lane(3), "none", true, 1), (Vec::new(), 1));
    }

    #[test]
    fn a_batch_fits_into_an_event() {
        let mut lane = lane(5);
        for item in &mut lane.items {
            item.size = BATCH_BYTES_MAX / 2;
        }
        assert_eq!(lane.batch(100).len(), 2);
        assert_eq!(lane.batch(1).len(), 1);
        lane.items[0].size = 2 * BATCH_BYTES_MAX;
        assert_eq!(lane.batch(100).len(), 1);
        lane.items.clear();
        assert!(lane.batch(100).is_empty());
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert!(is_after("10", "9"));
        assert!(is_after("100", "0099"));
        assert!(!is_after("9", "10"));
        assert!(!is_after("10", "10"));
    }
}
