//! The rows of a small group of neighbours as one piece of memory, in order: each is the length of what its key goes on
//! with after what the group shares, that of its value, the version from which on views see it, and both.

use std::cmp::Ordering;

use crate::engine::Version;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row<'p> {
    pub(super) version: Version,
    /// Of the key.
    pub(super) rest: &'p [u8],
    pub(super) value: &'p [u8],
}

const HEAD: usize = 12;

impl Row<'_> {
    pub(super) fn append(self, page: &mut Vec<u8>) {
        page.extend_from_slice(&(self.rest.len() as u16).to_le_bytes());
        page.extend_from_slice(&(self.value.len() as u16).to_le_bytes());
        page.extend_from_slice(&self.version.to_le_bytes());
        page.extend_from_slice(self.rest);
        page.extend_from_slice(self.value);
    }

    pub(super) fn len(self) -> usize {
        HEAD + self.rest.len() + self.value.len()
    }
}

pub(super) fn rows(mut page: &[u8]) -> impl Iterator<Item = Row<'_>> {
    std::iter::from_fn(move || {
        let (head, after) = page.split_first_chunk::<HEAD>()?;
        let [a, b, c, d, version @ ..] = *head;
        let (rest, after) = after.split_at(usize::from(u16::from_le_bytes([a, b])));
        let (value, after) = after.split_at(usize::from(u16::from_le_bytes([c, d])));
        page = after;
        Some(Row { version: u64::from_le_bytes(version), rest, value })
    })
}

pub(super) fn find<'p>(page: &'p [u8], rest: &[u8]) -> Option<Row<'p>> {
    let at = place(page, rest).ok()?;
    rows(&page[at..]).next()
}

/// Where a row begins, or else where it belongs.
fn place(page: &[u8], rest: &[u8]) -> Result<usize, usize> {
    let mut at = 0;
    for row in rows(page) {
        match row.rest.cmp(rest) {
            Ordering::Less => at += row.len(),
            Ordering::Equal => return Ok(at),
            Ordering::Greater => break,
        }
    }
    Err(at)
}

/// Writes a row over one whose value is as long. False when there is none.
pub(super) fn replace(page: &mut [u8], row: Row<'_>) -> bool {
    let Ok(at) = place(page, row.rest) else { return false };
    if rows(&page[at..]).next().is_none_or(|old| old.len() != row.len()) {
        return false;
    }
    page[at + 4..at + HEAD].copy_from_slice(&row.version.to_le_bytes());
    let value = at + HEAD + row.rest.len();
    page[value..value + row.value.len()].copy_from_slice(row.value);
    true
}

/// The page after these changes, which are in order, behind what is in `out` already. True when there are other rows in
/// it than before, not only other values.
pub(super) fn change<'a>(
    page: &[u8],
    changes: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    version: Version,
    out: &mut Vec<u8>,
) -> bool {
    // What is before the last change is in `out` already.
    let mut left = page;
    let mut others = false;
    for (rest, value) in changes {
        let place = place(left, rest);
        others |= place.is_ok() != value.is_some();
        let (Ok(at) | Err(at)) = place;
        out.extend_from_slice(&left[..at]);
        left = &left[at..];
        if place.is_ok() {
            let old = rows(left).next().map_or(0, Row::len);
            left = &left[old..];
        }
        if let Some(value) = value {
            Row { version, rest, value }.append(out);
        }
    }
    out.extend_from_slice(left);
    others
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_page_is_a_sorted_map(
            start in prop::collection::btree_map("[ab]{0,3}", "[v-z]{0,3}", 0..8),
            changes in prop::collection::btree_map("[ab]{0,3}", prop::option::of("[v-z]{0,3}"), 0..8),
            (replaced, by) in ("[ab]{0,3}", "[v-z]{0,3}"),
        ) {
            let mut page = Vec::new();
            start.iter().for_each(|(rest, value)| Row { version: 1, rest: rest.as_bytes(), value: value.as_bytes() }.append(&mut page));
            let mut wanted: BTreeMap<String, (Version, String)> =
                start.iter().map(|(rest, value)| (rest.clone(), (1, value.clone()))).collect();
            for (rest, value) in &changes {
                match value {
                    Some(value) => wanted.insert(rest.clone(), (2, value.clone())),
                    None => wanted.remove(rest),
                };
            }
            let mut after = b"before".to_vec();
            let pairs = changes.iter().map(|(rest, value)| (rest.as_bytes(), value.as_ref().map(String::as_bytes)));
            let others = change(&page, pairs, 2, &mut after);
            prop_assert_eq!(others, !wanted.keys().eq(start.keys()));
            let mut after = after.split_off(6);
            let old = wanted.get(&replaced).map(|(_, value)| value.len());
            let row = Row { version: 3, rest: replaced.as_bytes(), value: by.as_bytes() };
            prop_assert_eq!(replace(&mut after, row), old == Some(by.len()));
            if old == Some(by.len()) {
                wanted.insert(replaced.clone(), (3, by.clone()));
            }
            let rows: BTreeMap<String, (Version, String)> = rows(&after)
                .map(|row| {
                    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                    (text(row.rest), (row.version, text(row.value)))
                })
                .collect();
            prop_assert_eq!(&rows, &wanted);
            prop_assert_eq!(find(&after, replaced.as_bytes()).map(|row| row.version), wanted.get(&replaced).map(|row| row.0));
        }
    }
}
