use std::collections::VecDeque;

/// What waits for one subscriber, as the text that it will have.
#[derive(Default)]
pub(crate) struct Buffer {
    events: VecDeque<String>,
    bytes: usize,
    dropped: Dropped,
}

/// What there was no room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dropped {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
}

impl Buffer {
    /// Keeps an event, unless the subscriber is two batches behind.
    pub(crate) fn push(&mut self, event: String, items_max: usize, bytes_max: usize) {
        if self.events.len() >= 2 * items_max || self.bytes + event.len() > 2 * bytes_max {
            self.dropped.records += 1;
            self.dropped.bytes += event.len() as u64;
            return;
        }
        self.bytes += event.len();
        self.events.push_back(event);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.dropped == Dropped::default()
    }

    pub(crate) fn is_full(&self, items_max: usize, bytes_max: usize) -> bool {
        self.events.len() >= items_max || self.bytes >= bytes_max
    }

    /// One batch, and what was dropped since the last one.
    pub(crate) fn take(&mut self, items_max: usize, bytes_max: usize) -> (Vec<String>, Dropped) {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < items_max && bytes < bytes_max {
            let Some(event) = self.events.pop_front() else { break };
            bytes += event.len();
            batch.push(event);
        }
        self.bytes -= bytes;
        (batch, std::mem::take(&mut self.dropped))
    }

    #[cfg(test)]
    pub(crate) fn texts(&self) -> Vec<String> {
        self.events.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_have_limits_and_what_is_dropped_is_counted() {
        let mut buffer = Buffer::default();
        for number in 0..7 {
            buffer.push(number.to_string(), 3, 1000);
        }
        assert!(buffer.is_full(3, 1000));
        assert_eq!(
            buffer.take(3, 1000),
            (vec!["0".into(), "1".into(), "2".into()], Dropped { records: 1, bytes: 1 })
        );
        assert_eq!(buffer.take(3, 1000).0, ["3", "4", "5"]);
        assert!(buffer.is_empty());
        // By bytes: the one that reaches the limit is still in.
        for _ in 0..5 {
            buffer.push("x".repeat(60), 1000, 100);
        }
        let (batch, dropped) = buffer.take(1000, 100);
        assert_eq!((batch.len(), dropped), (2, Dropped { records: 2, bytes: 120 }));
        assert!(!buffer.is_full(1000, 100) && !buffer.is_empty());
    }
}
