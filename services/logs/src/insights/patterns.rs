//! `pattern`: what texts have in common, and how many of them have it; with `diff`, compared with an earlier time.
//!
//! A text belongs to the pattern with as many tokens and the same severity that shares most of its fixed tokens, and at least
//! [`SHARED_MIN`] of them. Where it differs the pattern's token is a dynamic one, and so are tokens with digits. A dynamic
//! token is shown as `<Kind-N>` with the kind of all its values: `Time`, `IPAddress`, `ID`, `Number`, else `Token`.
//!
//! Source: CloudWatch Logs User Guide, "pattern" and "Pattern analysis". AWS does not say how it compares, nor how the fields
//! of a difference are named.

mod kind;
pub(crate) mod unusual;

use std::collections::HashMap;

use kind::Kind;
use unusual::Watch;

use super::record::Record;
use super::value::Value;
use crate::anomaly::tokens::{Token, tokens};

pub(crate) const SHOWN: [&str; 4] = ["@pattern", "@sampleCount", "@ratio", "@severityLabel"];
/// What `diff` adds: how many more or less there are than before, and that in a word.
pub(crate) const DIFFERENCE: [&str; 2] = ["@differenceCount", "@differenceDescription"];

const SHARED_MIN: f64 = 0.6;
/// Patterns of one query. Texts beyond them that have no pattern are counted as of none.
const PATTERNS_MAX: usize = 2000;
/// Of one number of tokens and severity: each text is held against all of these.
const ALIKE_MAX: usize = 200;
/// Of a token's or a gap's text.
const CHARS_MAX: usize = 200;

/// Patterns as they are found.
#[derive(Default)]
pub(super) struct Patterns {
    all: Vec<Pattern>,
    /// By number of tokens and severity.
    alike: HashMap<(usize, Option<&'static str>), Vec<usize>>,
    /// What the patterns take, about.
    bytes: usize,
    /// Texts now, of whichever pattern.
    now: u64,
    /// What is unusual of them, where the query asks.
    watch: Option<Watch>,
}

struct Pattern {
    slots: Vec<Slot>,
    tail: String,
    severity: Option<&'static str>,
    now: u64,
    before: u64,
}

struct Slot {
    gap: String,
    token: Shape,
}

enum Shape {
    Fixed(String),
    Dynamic(Kind),
}

impl Patterns {
    pub(super) fn new(watch: Option<Watch>) -> Patterns {
        Patterns { watch, ..Patterns::default() }
    }

    /// Counts a text of this time: of the query's own, or of that which it is compared with.
    pub(super) fn add(&mut self, text: &str, is_before: bool, time: Option<f64>) {
        let (tokens, tail) = tokens(text);
        let severity = severity(&tokens);
        if !is_before {
            self.now += 1;
        }
        let alike = self.alike.entry((tokens.len(), severity)).or_default();
        let mut best: Option<(usize, f64)> = None;
        for &at in alike.iter() {
            let shared = self.all[at].shared(&tokens);
            if shared >= SHARED_MIN && best.is_none_or(|(_, most)| shared > most) {
                best = Some((at, shared));
                if shared >= 1.0 {
                    break;
                }
            }
        }
        let at = match best {
            Some((at, _)) => at,
            None if self.all.len() >= PATTERNS_MAX || alike.len() >= ALIKE_MAX => return,
            None => {
                alike.push(self.all.len());
                let pattern = Pattern::new(&tokens, tail, severity);
                self.bytes += pattern.weight();
                self.all.push(pattern);
                self.all.len() - 1
            }
        };
        let pattern = &mut self.all[at];
        if let Some(watch) = self.watch.as_mut().filter(|_| !is_before) {
            for (place, (slot, token)) in pattern.slots.iter().zip(&tokens).enumerate() {
                match &slot.token {
                    Shape::Fixed(text) if text != token.text => watch.turns(at, place, text),
                    _ => {}
                }
            }
        }
        pattern.take(&tokens);
        if let Some(watch) = self.watch.as_mut().filter(|_| !is_before) {
            let varies = |place: usize| {
                pattern.slots.get(place).is_some_and(|slot| matches!(slot.token, Shape::Dynamic(_)))
            };
            watch.add(at, &tokens, varies, time);
        }
        match is_before {
            true => pattern.before += 1,
            false => pattern.now += 1,
        }
    }

    /// Bytes that it takes, about.
    pub(super) fn weight(&self) -> usize {
        self.bytes + self.watch.as_ref().map_or(0, Watch::weight)
    }

    /// A record for each pattern, the most frequent first; `compares` when there was an earlier time.
    pub(super) fn finish(self, compares: bool) -> Vec<Record> {
        let weight = |pattern: &Pattern| match compares {
            true => pattern.now.abs_diff(pattern.before),
            false => pattern.now,
        };
        // The order among equals is that in which they came.
        let mut all: Vec<(usize, Pattern)> = self.all.into_iter().enumerate().collect();
        all.sort_by_key(|(_, pattern)| std::cmp::Reverse((weight(pattern), pattern.now)));
        let of = self.now.max(1) as f64;
        let row = |(at, pattern): (usize, Pattern)| {
            let mut record = Record::default();
            record.set("@pattern", Value::Text(pattern.text()));
            record.set("@sampleCount", Value::Number(pattern.now as f64));
            record.set("@ratio", Value::Number(pattern.now as f64 / of));
            if let Some(severity) = pattern.severity {
                record.set("@severityLabel", Value::Text(severity.to_owned()));
            }
            if compares {
                let more = pattern.now as f64 - pattern.before as f64;
                record.set(DIFFERENCE[0], Value::Number(more));
                record.set(DIFFERENCE[1], Value::Text(pattern.difference()));
            }
            if let Some(watch) = &self.watch {
                watch.tell(at, pattern.severity, &mut record);
            }
            record
        };
        all.into_iter().map(row).collect()
    }
}

impl Pattern {
    fn new(tokens: &[Token<'_>], tail: &str, severity: Option<&'static str>) -> Pattern {
        let slot = |token: &Token<'_>| Slot {
            gap: clip(token.glue).to_owned(),
            token: match token.varies() {
                true => Shape::Dynamic(Kind::of(token.text)),
                false => Shape::Fixed(token.text.to_owned()),
            },
        };
        let slots = tokens.iter().map(slot).collect();
        Pattern { slots, tail: clip(tail).to_owned(), severity, now: 0, before: 0 }
    }

    fn weight(&self) -> usize {
        let slot = |slot: &Slot| {
            let token = if let Shape::Fixed(text) = &slot.token { text.len() } else { 0 };
            size_of::<Slot>() + slot.gap.len() + token
        };
        size_of::<Pattern>() + self.tail.len() + self.slots.iter().map(slot).sum::<usize>()
    }

    /// How many of its fixed tokens these have, of all.
    fn shared(&self, tokens: &[Token<'_>]) -> f64 {
        let (mut fixed, mut same) = (0u32, 0u32);
        for (slot, token) in self.slots.iter().zip(tokens) {
            if let Shape::Fixed(text) = &slot.token {
                fixed += 1;
                same += u32::from(text == token.text);
            }
        }
        match fixed {
            // Nothing but numbers: so are all that belong to it.
            0 => f64::from(tokens.iter().all(Token::varies)),
            _ => f64::from(same) / f64::from(fixed),
        }
    }

    fn take(&mut self, tokens: &[Token<'_>]) {
        for (slot, token) in self.slots.iter_mut().zip(tokens) {
            match &mut slot.token {
                Shape::Fixed(text) if text == token.text => {}
                Shape::Fixed(text) => {
                    slot.token = Shape::Dynamic(Kind::of(text).with(Kind::of(token.text)));
                }
                Shape::Dynamic(Kind::Token) => {}
                Shape::Dynamic(kind) => *kind = kind.with(Kind::of(token.text)),
            }
        }
    }

    fn text(&self) -> String {
        let (mut out, mut dynamic) = (String::new(), 0);
        for slot in &self.slots {
            out.push_str(&slot.gap);
            match &slot.token {
                Shape::Fixed(text) => out.push_str(text),
                Shape::Dynamic(kind) => {
                    dynamic += 1;
                    out.push_str(&format!("<{}-{dynamic}>", kind.name()));
                }
            }
        }
        out + &self.tail
    }

    fn difference(&self) -> String {
        if self.before == 0 {
            return "New".into();
        }
        if self.now == 0 {
            return "Gone".into();
        }
        let percent = (self.now as f64 / self.before as f64 - 1.0) * 100.0;
        match self.now.cmp(&self.before) {
            std::cmp::Ordering::Equal => "Unchanged".into(),
            std::cmp::Ordering::Greater => format!("Increased by {percent:.0}%"),
            std::cmp::Ordering::Less => format!("Decreased by {:.0}%", -percent),
        }
    }
}

/// What a text says of its severity: the worst that it names.
fn severity(tokens: &[Token<'_>]) -> Option<&'static str> {
    const LABELS: [&str; 5] = ["Debug", "Info", "Warning", "Error", "Critical"];
    let of = |token: &Token<'_>| {
        if token.text.len() > 40 {
            return None;
        }
        Some(match token.text.to_ascii_uppercase().as_str() {
            "FATAL" | "CRITICAL" | "EMERGENCY" | "PANIC" => 4,
            "ERROR" | "SEVERE" | "ERR" => 3,
            "WARN" | "WARNING" => 2,
            "INFO" | "NOTICE" => 1,
            "DEBUG" | "TRACE" => 0,
            text if text.ends_with("EXCEPTION") => 3,
            _ => return None,
        })
    };
    tokens.iter().filter_map(of).max().map(|worst: usize| LABELS[worst])
}

fn clip(text: &str) -> &str {
    match text.char_indices().nth(CHARS_MAX) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: &[&str], before: &[&str]) -> Vec<String> {
        let mut patterns = Patterns::default();
        texts.iter().for_each(|text| patterns.add(text, false, None));
        before.iter().for_each(|text| patterns.add(text, true, None));
        let shown = |record: Record| {
            let names = SHOWN.iter().chain(&DIFFERENCE);
            names.filter_map(|name| record.get(name).text()).collect::<Vec<_>>().join("|")
        };
        patterns.finish(!before.is_empty()).into_iter().map(shown).collect()
    }

    #[test]
    fn texts_that_are_alike_are_one_pattern() {
        let of_the_guide = [
            "2023-01-01T19:00:01 [INFO] Calling DynamoDB to store for resource id 12342342k124-12345",
            "2023-01-01T19:00:02 [INFO] Calling DynamoDB to store for resource id 324892398123-12345",
            "2023-01-01T19:00:03 [INFO] Calling DynamoDB to store for resource id 3ff231242342-12345",
        ];
        let pattern = "<Time-1> [INFO] Calling DynamoDB to store for resource id <ID-2>|3|1|Info";
        assert_eq!(found(&of_the_guide, &[]), [pattern]);
        let mixed = ["took 12 ms from 10.0.0.1", "user ann left", "took 9 ms from 10.0.0.2", "user bob left"];
        let expected = ["took <Number-1> ms from <IPAddress-2>|2|0.5", "user <Token-1> left|2|0.5"];
        assert_eq!(found(&mixed, &[]), expected);
        assert_eq!(found(&["ERROR x", "WARN x"], &[]), ["ERROR x|1|0.5|Error", "WARN x|1|0.5|Warning"]);
        assert!(found(&[], &[]).is_empty());
    }

    #[test]
    fn a_difference_says_what_is_new_and_what_is_gone() {
        let now = ["cache is warm", "cache is warm", "cache is warm", "a disk failed"];
        let before = ["cache is warm", "cache is warm", "all went home early"];
        assert_eq!(
            found(&now, &before),
            [
                "cache is warm|3|0.75|1|Increased by 50%",
                "a disk failed|1|0.25|1|New",
                "all went home early|0|0|-1|Gone"
            ]
        );
    }

    #[test]
    fn patterns_are_bounded() {
        let mut patterns = Patterns::default();
        let word =
            |n: usize| -> String { n.to_string().bytes().map(|b| (b - b'0' + b'a') as char).collect() };
        for n in 0..3 * PATTERNS_MAX {
            patterns.add(&format!("{} ", word(n)).repeat(1 + n % 30), false, None);
        }
        assert!(patterns.all.len() <= PATTERNS_MAX);
        assert_eq!(patterns.now as usize, 3 * PATTERNS_MAX);
    }
}
