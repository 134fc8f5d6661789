//! `anomaly`: which patterns of a query are unusual. The time of the query is divided into [`SPANS`] spans, and each is held against
//! the others by the measures of the anomaly detectors ([`crate::anomaly`]).
//!
//! Source: CloudWatch Logs User Guide, "anomaly", which names five kinds. What each is made of is ours, and so are the names of
//! the fields that are added.

use crate::anomaly::judge::priority;
use crate::anomaly::learned::Usual;
use crate::anomaly::tokens::{Level, Token};
use crate::insights::record::Record;
use crate::insights::value::Value;

pub(crate) const SHOWN: [&str; 4] = ["@anomaly", "@anomalyType", "@anomalyDescription", "@anomalyPriority"];

const SPANS: usize = 24;
/// What begins here or later is new, if there was something before.
const LATE: usize = SPANS / 4 * 3;
const DEVIATIONS: f64 = 4.0;
/// A pattern, or an error of HTTP, that comes more rarely is not more frequent than usual.
const COUNT_MIN: u64 = 10;
/// Events, values and numbers that show what is usual.
const KNOWN_MIN: u64 = 50;
/// Tokens that are looked at, in all patterns, and values of one that are told apart.
const SLOTS_MAX: usize = 5000;
const VALUES_MAX: usize = 10;
const CHARS_MAX: usize = 100;
/// How much larger the share of errors must be.
const ERRORS_RISE: f64 = 0.2;

/// When the query begins, and how long it is.
#[derive(Clone, Copy, Debug)]
pub(in crate::insights) struct Times {
    pub(in crate::insights) start_ms: i64,
    pub(in crate::insights) end_ms: i64,
}

impl Times {
    fn span(self, time: Option<f64>) -> usize {
        let length = (self.end_ms.saturating_sub(self.start_ms) as f64 + 1.0).max(1.0);
        let at = (time.unwrap_or(self.start_ms as f64) - self.start_ms as f64) / length;
        ((at * SPANS as f64).max(0.0) as usize).min(SPANS - 1)
    }
}

/// What came of all patterns.
pub(in crate::insights) struct Watch {
    times: Times,
    patterns: Vec<Seen>,
    slots: usize,
    all: [u64; SPANS],
}

/// What came of one.
#[derive(Default)]
struct Seen {
    spans: [u64; SPANS],
    slots: Vec<(usize, Slot)>,
    /// It tells codes of HTTP.
    is_http: bool,
}

#[derive(Default)]
struct Slot {
    values: Vec<(String, [u64; SPANS])>,
    many: bool,
    /// Of numbers: how many, their sum, and that of their squares.
    numbers: [(u64, f64, f64); SPANS],
    others: u64,
    /// Of codes of HTTP: all, and errors.
    codes: [(u64, u64); SPANS],
}

struct Finding {
    kind: &'static str,
    description: String,
    deviations: f64,
}

impl Watch {
    pub(in crate::insights) fn new(times: Times) -> Watch {
        Watch { times, patterns: Vec::new(), slots: 0, all: [0; SPANS] }
    }

    /// Bytes that it takes, at most.
    pub(super) fn weight(&self) -> usize {
        let slot = size_of::<Slot>() + VALUES_MAX * (CHARS_MAX + size_of::<(String, [u64; SPANS])>());
        self.patterns.len() * size_of::<Seen>() + self.slots * slot
    }

    /// Counts a text of the pattern `at`; `varies` says which of its tokens do.
    pub(super) fn add(
        &mut self,
        at: usize,
        tokens: &[Token<'_>],
        varies: impl Fn(usize) -> bool,
        time: Option<f64>,
    ) {
        let span = self.times.span(time);
        self.all[span] += 1;
        if self.patterns.len() <= at {
            self.patterns.resize_with(at + 1, Seen::default);
        }
        let seen = &mut self.patterns[at];
        if seen.spans.iter().all(|count| *count == 0) {
            let says = |token: &Token<'_>| {
                let text = token.text.to_ascii_lowercase();
                ["http", "status", "code"].iter().any(|word| text.contains(word))
            };
            seen.is_http = tokens.iter().any(says);
        }
        for (place, token) in tokens.iter().enumerate().filter(|(place, _)| varies(*place)) {
            let known = seen.slots.iter().position(|(known, _)| *known == place);
            let slot = match known {
                Some(known) => &mut seen.slots[known].1,
                None if self.slots >= SLOTS_MAX => continue,
                None => {
                    self.slots += 1;
                    seen.slots.push((place, Slot::default()));
                    let last = seen.slots.len() - 1;
                    &mut seen.slots[last].1
                }
            };
            slot.add(token.text, span);
        }
        seen.spans[span] += 1;
    }

    /// A token of the pattern `at` varies from now on; so far it was this text.
    pub(super) fn turns(&mut self, at: usize, place: usize, text: &str) {
        if self.slots >= SLOTS_MAX {
            return;
        }
        if let Some(seen) = self.patterns.get_mut(at).filter(|seen| seen.spans.iter().any(|count| *count > 0))
        {
            let end = text.char_indices().nth(CHARS_MAX).map_or(text.len(), |(at, _)| at);
            let values = vec![(text[..end].to_owned(), seen.spans)];
            self.slots += 1;
            seen.slots.push((place, Slot { values, others: 1, ..Slot::default() }));
        }
    }

    /// Adds to a pattern's record whether it is unusual, and how.
    pub(super) fn tell(&self, at: usize, severity: Option<&str>, record: &mut Record) {
        let level = match severity {
            Some("Critical") => Level::Fatal,
            Some("Error") => Level::Error,
            Some("Warning") => Level::Warning,
            _ => Level::None,
        };
        let findings = self.patterns.get(at).map(|seen| seen.judge(&self.all)).unwrap_or_default();
        record.set(SHOWN[0], Value::Bool(!findings.is_empty()));
        if findings.is_empty() {
            return;
        }
        let join = |of: fn(&Finding) -> &str| findings.iter().map(of).collect::<Vec<_>>().join("; ");
        record.set(SHOWN[1], Value::Text(join(|finding| finding.kind)));
        record.set(SHOWN[2], Value::Text(join(|finding| &finding.description)));
        let most = findings.iter().map(|finding| finding.deviations).fold(0.0, f64::max);
        record.set(SHOWN[3], Value::Text(priority(level, most).to_owned()));
    }
}

impl Slot {
    fn add(&mut self, text: &str, span: usize) {
        let code = text.parse::<u16>().ok().filter(|code| text.len() == 3 && (100..600).contains(code));
        match text.trim_end_matches('%').parse::<f64>().ok().filter(|number| number.is_finite()) {
            Some(number) => {
                let (count, sum, squares) = &mut self.numbers[span];
                (*count, *sum, *squares) = (*count + 1, *sum + number, *squares + number * number);
            }
            None => self.others += 1,
        }
        let (codes, errors) = &mut self.codes[span];
        *codes += u64::from(code.is_some());
        *errors += u64::from(code.is_some_and(|code| code >= 400));
        if self.many {
            return;
        }
        let end = text.char_indices().nth(CHARS_MAX).map_or(text.len(), |(at, _)| at);
        if let Some((_, spans)) = self.values.iter_mut().find(|(value, _)| *value == text[..end]) {
            spans[span] += 1;
        } else if self.values.len() >= VALUES_MAX {
            self.many = true;
            self.values = Vec::new();
        } else {
            let mut spans = [0; SPANS];
            spans[span] = 1;
            self.values.push((text[..end].to_owned(), spans));
        }
    }
}

fn first(spans: &[u64; SPANS]) -> usize {
    spans.iter().position(|count| *count > 0).unwrap_or(0)
}

impl Seen {
    fn judge(&self, all: &[u64; SPANS]) -> Vec<Finding> {
        let begins = first(&self.spans);
        if begins >= LATE && all[..begins].iter().sum::<u64>() >= KNOWN_MIN {
            let count = self.spans.iter().sum::<u64>();
            let description = format!("{count} log events match a pattern that did not come before");
            return vec![Finding { kind: "New pattern", description, deviations: 0.0 }];
        }
        let mut found: Vec<Finding> = self.frequency().into_iter().collect();
        let codes_at = self.slots.iter().position(|(_, slot)| self.is_http && slot.is_of_codes());
        for (at, (_, slot)) in self.slots.iter().enumerate() {
            if codes_at == Some(at) {
                found.extend(slot.errors());
            } else {
                found.extend(slot.number().or_else(|| slot.value()));
            }
        }
        found
    }

    fn frequency(&self) -> Option<Finding> {
        (0..SPANS).find_map(|span| {
            let count = self.spans[span];
            let mut usual = Usual::default();
            self.spans
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != span)
                .for_each(|(_, count)| usual.add(*count));
            let deviations = (count as f64 - usual.mean()) / usual.deviation().max(f64::MIN_POSITIVE);
            let is_unusual = count >= COUNT_MIN && count > usual.highest && deviations > DEVIATIONS;
            is_unusual.then(|| Finding {
                kind: "Pattern frequency",
                description: format!(
                    "{count} log events match in a time in which {:.1} are usual",
                    usual.mean()
                ),
                deviations,
            })
        })
    }
}

impl Slot {
    fn is_of_codes(&self) -> bool {
        let codes: u64 = self.codes.iter().map(|(codes, _)| codes).sum();
        let numbers: u64 = self.numbers.iter().map(|(count, ..)| count).sum();
        codes > 0 && codes == numbers && self.others == 0
    }

    /// More errors of HTTP than usual.
    fn errors(&self) -> Option<Finding> {
        let sum = |of: fn(&(u64, u64)) -> u64| self.codes.iter().map(of).sum::<u64>();
        let (codes, errors) = (sum(|span| span.0), sum(|span| span.1));
        self.codes.iter().find_map(|(here, errors_here)| {
            let (others, errors_of_others) = (codes - here, errors - errors_here);
            if *errors_here < COUNT_MIN || others < KNOWN_MIN {
                return None;
            }
            let (share, usual) =
                (*errors_here as f64 / *here as f64, errors_of_others as f64 / others as f64);
            (share > usual + ERRORS_RISE).then(|| Finding {
                kind: "HTTP error code",
                description: format!(
                    "{:.0}% of the codes are errors in a time in which {:.0}% are usual",
                    share * 100.0,
                    usual * 100.0
                ),
                deviations: 0.0,
            })
        })
    }

    /// Numbers of another size than usual.
    fn number(&self) -> Option<Finding> {
        if self.others > 0 {
            return None;
        }
        let all = self.numbers.iter().fold((0, 0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2));
        self.numbers.iter().find_map(|(count, sum, squares)| {
            let (others, rest) = (all.0 - count, (all.1 - sum, all.2 - squares));
            if *count < 3 || others < KNOWN_MIN {
                return None;
            }
            let usual = rest.0 / others as f64;
            let deviation = (rest.1 / others as f64 - usual * usual).max(0.0).sqrt();
            let mean = sum / *count as f64;
            // What never differs may differ by a little.
            let deviations = (mean - usual).abs() / deviation.max(usual.abs() * 1e-3).max(f64::MIN_POSITIVE);
            (deviations > DEVIATIONS).then(|| Finding {
                kind: "Numerical token",
                description: format!(
                    "a number is {mean:.1} on average in a time in which {usual:.1} is usual"
                ),
                deviations,
            })
        })
    }

    /// A value that others were in the place of.
    fn value(&self) -> Option<Finding> {
        if self.many || self.values.len() < 2 {
            return None;
        }
        self.values.iter().find_map(|(value, spans)| {
            let begins = first(spans);
            let others = self.values.iter().filter(|(other, _)| other != value);
            let known: u64 = others.map(|(_, spans)| spans[..begins].iter().sum::<u64>()).sum();
            let is_new = begins >= LATE && known >= KNOWN_MIN * (self.values.len() - 1) as u64;
            is_new.then(|| Finding {
                kind: "Token variation",
                description: format!("a token has the value \"{value}\", which did not come before"),
                deviations: 0.0,
            })
        })
    }
}
