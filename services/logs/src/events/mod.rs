//! Events in order: how they are packed ([`chunk`]) and read back by time ([`reader`]).

pub(crate) mod chunk;
pub(crate) mod reader;

pub(crate) use reader::{Direction, Reader, Scope, Wanted};

/// One event, and its place among all: by time, then by when it came, then by where it stood in its batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) place: Place,
    pub(crate) stream: u64,
    pub(crate) ingested_ms: i64,
    pub(crate) message: String,
    /// What of the message is shown only to who may unmask it.
    pub(crate) masks: Vec<Mask>,
    /// What it came under, if its group had one.
    pub(crate) transformer: Option<u64>,
}

/// Bytes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mask {
    pub(crate) start: u32,
    pub(crate) length: u32,
}

impl Event {
    /// Puts asterisks in the place of what is masked, one for each character. The masks are in order, as they were found.
    pub(crate) fn hide(&mut self) {
        if self.masks.is_empty() {
            return;
        }
        let mut masks = self.masks.iter().peekable();
        let mut hidden = |at: usize| {
            let past = |mask: &&Mask| mask.start as usize + mask.length as usize <= at;
            while masks.next_if(past).is_some() {}
            masks.peek().is_some_and(|mask| mask.start as usize <= at)
        };
        let shown = |(at, character): (usize, char)| if hidden(at) { '*' } else { character };
        self.message = self.message.char_indices().map(shown).collect();
        self.masks.clear();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(crate) struct Place {
    pub(crate) time_ms: i64,
    /// Of the chunk; grows with ingestion.
    pub(crate) sequence: u64,
    /// In the chunk.
    pub(crate) index: u32,
}

impl Place {
    /// Before every event at or after `time_ms`.
    pub(crate) fn before(time_ms: i64) -> Place {
        Place { time_ms, sequence: 0, index: 0 }
    }

    /// By what chunks come before one another.
    pub(crate) fn chunk(self) -> (i64, u64) {
        (self.time_ms, self.sequence)
    }

    /// AWS's event ids have 56 digits and sort by time; so do these.
    pub(crate) fn id(self) -> String {
        format!("{:020}{:020}{:016}", self.time_ms.max(0), self.sequence, self.index)
    }

    pub(crate) fn parse(id: &str) -> Option<Place> {
        if id.len() != 56 || !id.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        Some(Place {
            time_ms: id[..20].parse().ok()?,
            sequence: id[20..40].parse().ok()?,
            index: id[40..].parse().ok()?,
        })
    }
}

/// Bytes that AWS counts for an event beside its message.
pub(crate) const OVERHEAD: usize = 26;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_and_come_back() {
        let place = Place { time_ms: 1_700_000_000_123, sequence: u64::MAX, index: 9_999 };
        assert_eq!(Place::parse(&place.id()), Some(place));
        assert!(Place::before(place.time_ms).id() < place.id());
        for bad in ["", "1", &"9".repeat(56), &"x".repeat(56), &"é".repeat(28)] {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }
}
