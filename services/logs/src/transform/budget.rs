//! How large an event may become while it is transformed: a copy of a copy doubles it, and a transformer may copy a hundred times.

use std::io::{self, Write};

use serde_json::Value;

/// Bytes of a text that one processor may make, and of a whole event when it is done: what a log event may have.
pub(super) const TEXT_MAX: usize = 1024 * 1024;
/// What all processors together may add to one event, in bytes of memory, about: what an event of 1 MiB is parsed to, and more.
const ADDED_MAX: usize = 32 * 1024 * 1024;
/// Of a value, beside its text.
const NODE: usize = 32;
/// Values in values: no deeper than a reader of JSON goes.
pub(super) const DEPTH_MAX: usize = 128;

/// What is left of it for one event.
pub(super) struct Budget(usize);

impl Budget {
    pub(super) fn new() -> Budget {
        Budget(ADDED_MAX)
    }

    /// Takes this much, if it is there.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        match self.0.checked_sub(bytes) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }

    /// Takes what texts need that become values.
    pub(super) fn take_texts<'t>(&mut self, texts: impl Iterator<Item = &'t str>) -> bool {
        let mut left = self.0;
        for text in texts {
            match left.checked_sub(NODE + text.len()) {
                Some(less) => left = less,
                None => return false,
            }
        }
        self.0 = left;
        true
    }

    /// Takes what a copy of this needs at that depth, if it is there and the copy is not too deep.
    pub(super) fn take_value(&mut self, value: &Value, depth: usize) -> bool {
        let mut left = self.0;
        let fits = weigh(value, depth, &mut left);
        if fits {
            self.0 = left;
        }
        fits
    }
}

fn weigh(value: &Value, depth: usize, left: &mut usize) -> bool {
    let mut take = |bytes: usize| match left.checked_sub(bytes) {
        Some(less) => {
            *left = less;
            true
        }
        None => false,
    };
    match value {
        Value::String(text) => take(NODE + text.len()),
        Value::Array(elements) => {
            depth < DEPTH_MAX && take(NODE) && elements.iter().all(|element| weigh(element, depth + 1, left))
        }
        Value::Object(members) => {
            depth < DEPTH_MAX
                && take(NODE)
                && members.iter().all(|(name, member)| {
                    let named = left.checked_sub(NODE + name.len());
                    *left = named.unwrap_or_default();
                    named.is_some() && weigh(member, depth + 1, left)
                })
        }
        _ => take(NODE),
    }
}

/// A value as JSON; `None` when that is longer than [`TEXT_MAX`].
pub(super) fn json(value: &Value) -> Option<String> {
    let mut out = Limited(Vec::new());
    serde_json::to_writer(&mut out, value).ok()?;
    String::from_utf8(out.0).ok()
}

struct Limited(Vec<u8>);

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > TEXT_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
