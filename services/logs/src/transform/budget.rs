//! How large an event may become while it is transformed: a copy of a copy doubles it, and a transformer may copy a hundred times.
//! And how much may be done with the events of a batch: two hundred replacements of a long text by one as long are much work, too.

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

/// Bytes that the processors may look at in all events of a batch, each time that they do: sixty times what a batch has.
const WORK_MAX: usize = 64 * 1024 * 1024;
/// Bytes between two times that others have their turn.
const BREATH: usize = 512 * 1024;

/// What is left of [`WORK_MAX`] for the events of a batch. When it is spent, the others stay as they came.
pub(crate) struct Work {
    left: usize,
    is_spent: bool,
    since_breath: usize,
}

impl Work {
    pub(crate) fn new() -> Work {
        Work { left: WORK_MAX, is_spent: false, since_breath: 0 }
    }

    /// Begins another batch.
    pub(crate) fn renew(&mut self) {
        *self = Work { since_breath: self.since_breath, ..Work::new() };
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.is_spent
    }

    /// Lets others have their turn if enough was done, `more` bytes beside what was taken from here.
    pub(crate) async fn breathe(&mut self, more: usize) {
        self.since_breath = self.since_breath.saturating_add(more);
        if self.since_breath >= BREATH {
            self.since_breath = 0;
            tokio::task::yield_now().await;
        }
    }

    fn take(&mut self, bytes: usize) -> bool {
        self.since_breath = self.since_breath.saturating_add(bytes);
        match self.left.checked_sub(bytes) {
            Some(left) if !self.is_spent => self.left = left,
            _ => self.is_spent = true,
        }
        !self.is_spent
    }
}

/// How many bytes one byte is that an expression looks at: its time grows with what it is compiled to. Classes of Unicode are
/// large and cost little, so they are counted as those of ASCII.
pub(super) fn weight(expression: &str) -> usize {
    const SIZES: [(usize, usize); 3] = [(16 * 1024, 4), (64 * 1024, 16), (256 * 1024, 64)];
    let fits = |size: usize| {
        let build = |unicode| {
            let mut builder = regex::bytes::RegexBuilder::new(expression);
            builder.unicode(unicode).size_limit(size).build().is_ok()
        };
        build(false) || build(true)
    };
    SIZES.iter().find(|(size, _)| fits(*size)).map_or(256, |(_, weight)| *weight)
}

/// What is left for one event, of memory and of its batch's work.
pub(super) struct Budget<'w> {
    added: usize,
    work: &'w mut Work,
}

impl Budget<'_> {
    pub(super) fn new(work: &mut Work) -> Budget<'_> {
        Budget { added: ADDED_MAX, work }
    }

    /// Takes this much memory, if it is there.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        match self.added.checked_sub(bytes) {
            Some(left) => {
                self.added = left;
                self.look(bytes)
            }
            None => false,
        }
    }

    /// Takes the work of looking at this many bytes, if it is there.
    pub(super) fn look(&mut self, bytes: usize) -> bool {
        self.work.take(bytes)
    }

    /// Takes the work of what was done already: it cannot have been more than a text.
    pub(super) fn made<T: AsRef<str>>(&mut self, text: Option<T>) -> Option<T> {
        let looked = self.look(text.as_ref().map_or(TEXT_MAX, |text| text.as_ref().len()));
        text.filter(|_| looked)
    }

    pub(super) fn is_spent(&self) -> bool {
        self.work.is_spent
    }

    /// Takes what texts need that become values.
    pub(super) fn take_texts<'t>(&mut self, texts: impl Iterator<Item = &'t str>) -> bool {
        let mut left = self.added;
        let mut fits = true;
        for text in texts {
            match left.checked_sub(NODE + text.len()) {
                Some(less) => left = less,
                None => {
                    fits = false;
                    break;
                }
            }
        }
        self.walked(left, fits)
    }

    /// Takes what a copy of this needs at that depth, if it is there and the copy is not too deep.
    pub(super) fn take_value(&mut self, value: &Value, depth: usize) -> bool {
        let mut left = self.added;
        let fits = weigh(value, depth, &mut left);
        self.walked(left, fits)
    }

    /// What was looked at is work, whether it fits or not.
    fn walked(&mut self, left: usize, fits: bool) -> bool {
        let looked = self.look(self.added - left);
        if fits {
            self.added = left;
        }
        fits && looked
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
