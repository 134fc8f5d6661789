//! Patterns that were learned from messages.
//!
//! A message belongs to the pattern with as many tokens and the same level of severity that shares most of its fixed tokens,
//! if it shares at least [`SHARED_MIN`] of them; where it differs, the pattern's token varies from then on. Tokens with
//! digits always vary. A message that belongs to none is the first of a new pattern.

use serde::{Deserialize, Serialize};

use super::tokens::{Level, Token, level, tokens};

/// Patterns of one detector; the one that came longest ago gives way to a new one.
pub(crate) const PATTERNS_MAX: usize = 500;
const SHARED_MIN: f64 = 0.6;
/// Values of a varying token that are told apart; a token with more is not looked at by value.
pub(crate) const VALUES_MAX: usize = 10;
/// A new value is told when those that are known came so often each, on average.
const VALUE_CALLS_MIN: u64 = 50;
/// Of a token, and of what stands between two: a model is in memory, and is written as a whole.
const CHARS_MAX: usize = 100;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Model {
    pub(crate) patterns: Vec<Learned>,
}

/// A pattern.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Learned {
    /// 32 hexadecimal digits.
    pub(crate) id: String,
    pub(crate) slots: Vec<Slot>,
    pub(crate) tail: String,
    pub(crate) level: Level,
    pub(crate) seen: u64,
    pub(crate) last_ms: i64,
    pub(crate) usual: Usual,
    /// Nothing of it is told until then; `i64::MAX` for ever.
    #[serde(default)]
    pub(crate) suppressed_until_ms: Option<i64>,
    #[serde(default)]
    pub(crate) suppressed_ms: Option<i64>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Slot {
    pub(crate) glue: String,
    /// `None` when it varies.
    pub(crate) text: Option<String>,
    /// Of one that varies, with how often they came.
    pub(crate) values: Vec<(String, u64)>,
    /// Too many to be told apart.
    pub(crate) many: bool,
}

/// How often it comes in an evaluation.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Usual {
    pub(crate) runs: u32,
    sum: f64,
    squares: f64,
    pub(crate) highest: u64,
    pub(crate) lowest: u64,
}

impl Usual {
    pub(crate) fn add(&mut self, count: u64) {
        self.lowest = if self.runs == 0 { count } else { self.lowest.min(count) };
        self.highest = self.highest.max(count);
        self.runs = self.runs.saturating_add(1);
        self.sum += count as f64;
        self.squares += (count as f64) * (count as f64);
    }

    pub(crate) fn mean(&self) -> f64 {
        self.sum / f64::from(self.runs.max(1))
    }

    /// The standard deviation, or what chance alone does.
    pub(crate) fn deviation(&self) -> f64 {
        let mean = self.mean();
        let variance = (self.squares / f64::from(self.runs.max(1)) - mean * mean).max(0.0);
        variance.sqrt().max(mean.sqrt())
    }
}

/// What a message was.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    /// The pattern's id.
    pub(crate) pattern: String,
    pub(crate) is_new: bool,
    /// A value that its token never had: the token's place, and the value.
    pub(crate) value: Option<(usize, String)>,
}

impl Model {
    pub(crate) fn pattern(&self, id: &str) -> Option<&Learned> {
        self.patterns.iter().find(|pattern| pattern.id == id)
    }

    pub(crate) fn learn(&mut self, message: &str, at_ms: i64, id: impl FnOnce() -> String) -> Seen {
        let (tokens, tail) = tokens(message);
        let level = level(&tokens);
        let mut best: Option<(usize, f64)> = None;
        for (at, pattern) in self.patterns.iter().enumerate() {
            if pattern.level != level || pattern.slots.len() != tokens.len() {
                continue;
            }
            let shared = pattern.shared(&tokens);
            if shared >= SHARED_MIN && best.is_none_or(|(_, most)| shared > most) {
                best = Some((at, shared));
            }
        }
        if let Some((at, _)) = best {
            let pattern = &mut self.patterns[at];
            let value = pattern.take(&tokens);
            pattern.seen += 1;
            pattern.last_ms = pattern.last_ms.max(at_ms);
            return Seen { pattern: pattern.id.clone(), is_new: false, value };
        }
        if self.patterns.len() >= PATTERNS_MAX {
            let oldest = self.patterns.iter().enumerate().min_by_key(|(_, pattern)| pattern.last_ms);
            if let Some((oldest, _)) = oldest {
                self.patterns.swap_remove(oldest);
            }
        }
        let slot = |token: &Token<'_>| {
            let varies = token.varies();
            Slot {
                glue: clip(token.glue).to_owned(),
                text: (!varies).then(|| clip(token.text).to_owned()),
                values: if varies { vec![(clip(token.text).to_owned(), 1)] } else { Vec::new() },
                many: false,
            }
        };
        let made = Learned {
            id: id(),
            slots: tokens.iter().map(slot).collect(),
            tail: clip(tail).to_owned(),
            level,
            seen: 1,
            last_ms: at_ms,
            usual: Usual::default(),
            suppressed_until_ms: None,
            suppressed_ms: None,
        };
        let pattern = made.id.clone();
        self.patterns.push(made);
        Seen { pattern, is_new: true, value: None }
    }
}

impl Learned {
    /// How many of its fixed tokens these have, of all.
    fn shared(&self, tokens: &[Token<'_>]) -> f64 {
        let (mut fixed, mut same) = (0u32, 0u32);
        for (slot, token) in self.slots.iter().zip(tokens) {
            if let Some(text) = &slot.text {
                fixed += 1;
                same += u32::from(text == clip(token.text));
            }
        }
        match fixed {
            // Nothing but numbers: so are all that belong to it.
            0 => f64::from(tokens.iter().all(Token::varies)),
            _ => f64::from(same) / f64::from(fixed),
        }
    }

    /// Learns from a message that belongs to it; the first value that is new to its token.
    fn take(&mut self, tokens: &[Token<'_>]) -> Option<(usize, String)> {
        let seen = self.seen;
        let mut new = None;
        for (at, (slot, token)) in self.slots.iter_mut().zip(tokens).enumerate() {
            if slot.text.as_deref() == Some(clip(token.text)) {
                continue;
            }
            if let Some(fixed) = slot.text.take() {
                slot.values = vec![(fixed, seen)];
            }
            if slot.many {
                continue;
            }
            let value = clip(token.text);
            if let Some((_, count)) = slot.values.iter_mut().find(|(known, _)| known == value) {
                *count += 1;
                continue;
            }
            let known: u64 = slot.values.iter().map(|(_, count)| count).sum();
            if known >= VALUE_CALLS_MIN * slot.values.len().max(1) as u64 {
                new.get_or_insert((at, value.to_owned()));
            }
            if slot.values.len() >= VALUES_MAX {
                slot.many = true;
                slot.values.clear();
            } else {
                slot.values.push((value.to_owned(), 1));
            }
        }
        new
    }

    /// `[INFO] Request time: <*> ms`
    pub(crate) fn text(&self) -> String {
        self.render(|text| text.to_owned(), "<*>")
    }

    pub(crate) fn regex(&self) -> String {
        self.render(regex::escape, "(.*)")
    }

    fn render(&self, fixed: impl Fn(&str) -> String, varying: &str) -> String {
        let mut out = String::new();
        for slot in &self.slots {
            out.push_str(&fixed(&slot.glue));
            match &slot.text {
                Some(text) => out.push_str(&fixed(text)),
                None => out.push_str(varying),
            }
        }
        out.push_str(&fixed(&self.tail));
        out
    }

    pub(crate) fn is_suppressed(&self, now_ms: i64) -> bool {
        self.suppressed_until_ms.is_some_and(|until_ms| until_ms > now_ms)
    }
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

    fn learn(model: &mut Model, message: &str) -> Seen {
        let id = format!("{:032x}", model.patterns.len());
        model.learn(message, 0, || id)
    }

    #[test]
    fn messages_that_are_alike_are_one_pattern() {
        let mut model = Model::default();
        for n in 0..20 {
            learn(&mut model, &format!("[INFO] Request time: {n} ms"));
            learn(&mut model, &format!("[ERROR] Request time: {n} ms"));
            learn(&mut model, &format!("User {} logged in", ["ann", "bob", "eve"][n % 3]));
        }
        let texts: Vec<String> = model.patterns.iter().map(Learned::text).collect();
        assert_eq!(
            texts,
            ["[INFO] Request time: <*> ms", "[ERROR] Request time: <*> ms", "User <*> logged in"]
        );
        let regex = regex::Regex::new(&model.patterns[0].regex()).unwrap();
        assert!(regex.is_match("[INFO] Request time: 327 ms"));
        assert_eq!(model.patterns[2].slots[1].values.len(), 3);
        assert!(model.patterns[0].slots[3].many, "twenty numbers");
    }

    #[test]
    fn a_value_is_new_when_the_others_came_often() {
        let mut model = Model::default();
        for _ in 0..60 {
            assert_eq!(learn(&mut model, "order took path fast today").value, None);
        }
        assert_eq!(learn(&mut model, "order took path slow today").value, Some((3, "slow".to_owned())));
        assert_eq!(learn(&mut model, "order took path slow today").value, None);
        assert_eq!(learn(&mut model, "order took path odd today").value, None, "two values, sixty calls");
    }

    #[test]
    fn a_model_is_bounded() {
        let mut model = Model::default();
        let word =
            |n: usize| -> String { n.to_string().bytes().map(|b| (b - b'0' + b'a') as char).collect() };
        for n in 0..PATTERNS_MAX + 50 {
            let w = word(n);
            learn(&mut model, &format!("{w} {w} {w}"));
        }
        assert_eq!(model.patterns.len(), PATTERNS_MAX);
    }
}
