use crate::model::StructureDef;

/// The required members that a decoded request does not have, which its Rust type cannot tell: a required member is no
/// `Option`, so an absent one looks like an empty one.
#[derive(Debug, Default)]
pub struct Missing {
    /// From the root: indices of members, elements and map entries; the last is the member that is missing.
    paths: Vec<Box<[u32]>>,
}

impl Missing {
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    pub(crate) fn contains(&self, path: &[u32]) -> bool {
        self.paths.iter().any(|missing| **missing == *path)
    }
}

/// Where a decoder is, and what was missing on its way.
#[derive(Debug, Default)]
pub(crate) struct Tracker {
    path: Vec<u32>,
    missing: Vec<Box<[u32]>>,
}

/// Which members of one structure came.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen(u128);

/// A request with more missing members than this is refused without naming them all.
const MISSING_MAX: usize = 100;

impl Seen {
    /// Marks a member; whether it was there already.
    pub(crate) fn again(&mut self, member: usize) -> bool {
        let bit = 1_u128.checked_shl(member as u32).unwrap_or(0);
        let before = self.0 & bit != 0;
        self.0 |= bit;
        before
    }

    pub(crate) fn has(self, member: usize) -> bool {
        self.0 & 1_u128.checked_shl(member as u32).unwrap_or(u128::MAX) != 0
    }

    pub(crate) fn count(self) -> u32 {
        self.0.count_ones()
    }
}

impl Tracker {
    pub(crate) fn enter(&mut self, index: usize) {
        self.path.push(index as u32);
    }

    pub(crate) fn leave(&mut self) {
        self.path.pop();
    }

    /// Notes the required members of a structure that has been read whole.
    pub(crate) fn close(&mut self, structure: &StructureDef, seen: Seen) {
        for (i, member) in structure.members.iter().enumerate() {
            if member.required && !seen.has(i) && self.missing.len() < MISSING_MAX {
                let mut path = Vec::with_capacity(self.path.len() + 1);
                path.extend_from_slice(&self.path);
                path.push(i as u32);
                self.missing.push(path.into());
            }
        }
    }

    pub(crate) fn finish(self) -> Missing {
        Missing { paths: self.missing }
    }
}
