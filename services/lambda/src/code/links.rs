use std::path::PathBuf;

/// Deepest folder, and longest name of an entry.
const DEPTH_MAX: usize = 256;
const NAME_LENGTH_MAX: usize = 4096;
const PART_LENGTH_MAX: usize = 255;

/// Where an entry of a package belongs: the names of its folders and its own, none of them `.` or `..`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place(Vec<String>);

impl Place {
    /// `None` for a name that leads outside, or that no file system takes.
    pub(super) fn of(name: &str) -> Option<Place> {
        if name.len() > NAME_LENGTH_MAX || name.starts_with('/') || name.contains(['\0', '\\']) {
            return None;
        }
        let mut parts = Vec::new();
        for part in name.split('/') {
            match part {
                "" | "." => {}
                ".." => return None,
                part if part.len() > PART_LENGTH_MAX => return None,
                part => parts.push(part.to_owned()),
            }
        }
        (parts.len() <= DEPTH_MAX).then_some(Place(parts))
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn path(&self) -> PathBuf {
        self.0.iter().collect()
    }

    /// Every folder on the way to it, outermost first.
    pub(super) fn folders(&self) -> impl Iterator<Item = Place> + '_ {
        (1..self.0.len()).map(|depth| Place(self.0[..depth].to_vec()))
    }

    /// Where a link that stands here leads, read as text; `None` when that is outside of the package.
    ///
    /// A relative target stays inside when it never climbs above the root. Chains of links are read link by link when the
    /// function runs, in a sandbox that has no outside.
    pub(super) fn link_to(&self, target: &str) -> Option<PathBuf> {
        if target.starts_with('/') || target.contains('\0') {
            return None;
        }
        let mut depth = self.0.len().checked_sub(1)?;
        for part in target.split('/') {
            match part {
                "" | "." => {}
                ".." => depth = depth.checked_sub(1)?,
                _ => depth += 1,
            }
        }
        Some(PathBuf::from(target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_links_stay_inside() {
        for good in ["a", "a/b", "./a", "a//b", "a/b/", "..a/b"] {
            assert!(Place::of(good).is_some(), "{good}");
        }
        for bad in
            ["/a", "../a", "a/../../b", "a/..", "a\\..\\b", "a\0b", &"a".repeat(300), &"a/".repeat(300)]
        {
            assert!(Place::of(bad).is_none(), "{bad}");
        }
        let place = Place::of("lib/sub/x.so").unwrap();
        for good in ["x.so.1", "../y", "../../z", "./a/../b"] {
            assert!(place.link_to(good).is_some(), "{good}");
        }
        for bad in ["/etc/shadow", "../../../etc/shadow", "a/../../../../b"] {
            assert!(place.link_to(bad).is_none(), "{bad}");
        }
    }
}
