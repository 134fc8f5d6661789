//! When something unusual begins and when it ends, minute by minute.

use serde::{Deserialize, Serialize};

use super::Minute;
use super::baseline::{Baseline, MINUTES, Unusual};

/// It is over when so many minutes in a row were usual again.
pub(crate) const USUAL_MINUTES: u64 = 5;

/// Something unusual that has begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ongoing {
    /// What its two events share.
    pub(crate) id: String,
    pub(crate) start: Minute,
    /// The last minute that was unusual.
    pub(crate) last: Minute,
    /// Unusually few calls.
    pub(crate) few: bool,
    /// Where its baseline begins; it ends with the hour before `start`.
    pub(crate) from: Minute,
}

impl Ongoing {
    pub(crate) fn window(&self) -> (Minute, Minute) {
        (self.from, self.start - self.start % 60)
    }
}

/// What a minute changes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    Start(Ongoing),
    End(Ongoing),
}

/// Looks at one minute by its baseline: that of the minute, or of what goes on.
pub(crate) fn decide(
    ongoing: &mut Option<Ongoing>,
    minute: Minute,
    calls: u32,
    baseline: &Baseline,
    id: impl FnOnce() -> String,
) -> Option<Change> {
    let judgement = baseline.judge(calls);
    match ongoing {
        None => {
            let few = judgement? == Unusual::Few;
            let begun = Ongoing { id: id(), start: minute, last: minute, few, from: baseline.from };
            *ongoing = Some(begun.clone());
            Some(Change::Start(begun))
        }
        Some(on) => {
            if judgement == Some(if on.few { Unusual::Few } else { Unusual::Many }) {
                on.last = minute;
            }
            // What goes on for as long as a baseline is what is usual now.
            let over = minute >= on.last + USUAL_MINUTES || minute >= on.start + MINUTES;
            if over { ongoing.take().map(Change::End) } else { None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_once_and_ends_after_five_usual_minutes() {
        let quiet = Baseline::of(&[], (0, MINUTES));
        let mut ongoing = None;
        let calls = [0, 9, 9, 0, 0, 9, 0, 0, 0, 0, 0, 0];
        let mut seen = Vec::new();
        for (minute, calls) in (MINUTES..).zip(calls) {
            match decide(&mut ongoing, minute, calls, &quiet, || "id".into()) {
                Some(Change::Start(on)) => seen.push(("start", minute - MINUTES, on.last - MINUTES)),
                Some(Change::End(on)) => seen.push(("end", minute - MINUTES, on.last - MINUTES)),
                None => {}
            }
        }
        assert_eq!(seen, [("start", 1, 1), ("end", 10, 5)]);
    }

    #[test]
    fn what_never_ends_becomes_usual() {
        let quiet = Baseline::of(&[], (0, MINUTES));
        let mut ongoing = None;
        let changes = (MINUTES..MINUTES * 2 + 1)
            .filter_map(|minute| decide(&mut ongoing, minute, 9, &quiet, || "id".into()))
            .count();
        assert_eq!((changes, ongoing), (2, None));
    }
}
