use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use haneul_env::Fs;

use crate::BlobError;

/// What the root of a pool says: of which set it is, which pools of that lack something, and which disks they are on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    pub(super) set: String,
    pub(super) index: usize,
    pub(super) of: usize,
    pub(super) behind: BTreeSet<usize>,
    /// How many new disks each pool was given; none where it is not named.
    pub(super) disks: BTreeMap<usize, u32>,
    /// It is on another disk than the one that its blobs were acknowledged with, and was not filled since.
    pub(super) replaced: bool,
}

const NAME: &str = "pool";
const REPLACED: &str = "replaced";
const BYTES_MAX: u64 = 4096;

impl Marker {
    /// `None` where there is none; an error where the directory cannot be read.
    pub(super) fn read(fs: &Fs, root: &Path) -> Result<Option<Marker>, BlobError> {
        let Some(bytes) = fs.read(&root.join(NAME), BYTES_MAX)? else { return Ok(None) };
        Marker::parse(&String::from_utf8_lossy(&bytes)).map(Some).ok_or_else(|| {
            BlobError::Unusable(format!(
                "{} is no storage pool that this version of haneul can use",
                root.display()
            ))
        })
    }

    fn parse(text: &str) -> Option<Marker> {
        let mut words = text.split_whitespace();
        if words.next()? != "haneul-pool" || words.next()? != "1" {
            return None;
        }
        let set = words.next()?.to_owned();
        let index = words.next()?.parse().ok()?;
        let of = words.next()?.parse().ok()?;
        let (mut behind, mut disks, mut replaced) = (BTreeSet::new(), BTreeMap::new(), false);
        for word in words {
            match word.split_once('@') {
                Some((pool, disk)) => drop(disks.insert(pool.parse().ok()?, disk.parse().ok()?)),
                None if word == REPLACED => replaced = true,
                None => drop(behind.insert(word.parse().ok()?)),
            }
        }
        Some(Marker { set, index, of, behind, disks, replaced })
    }

    /// Which of its pool's disks this is.
    pub(super) fn disk(&self) -> u32 {
        self.disks.get(&self.index).copied().unwrap_or(0)
    }

    /// Durable on return.
    pub(super) fn write(&self, fs: &Fs, root: &Path) -> Result<(), BlobError> {
        let behind: String = self.behind.iter().map(|index| format!(" {index}")).collect();
        let disks: String = self.disks.iter().map(|(pool, disk)| format!(" {pool}@{disk}")).collect();
        let replaced = if self.replaced { format!(" {REPLACED}") } else { String::new() };
        let text =
            format!("haneul-pool 1 {} {} {}{behind}{disks}{replaced}\n", self.set, self.index, self.of);
        Ok(fs.replace(&root.join(NAME), text.as_bytes())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let fs = Fs::simulated(haneul_env::Rng::seeded(1));
        let root = Path::new("/p");
        fs.create_dir_all_synced(root).unwrap();
        assert_eq!(Marker::read(&fs, root), Ok(None));
        for replaced in [false, true] {
            let (behind, disks) = ([0, 2].into(), [(1, 2)].into());
            let marker = Marker { set: "s".into(), index: 1, of: 3, behind, disks, replaced };
            assert_eq!(marker.disk(), 2);
            marker.write(&fs, root).unwrap();
            assert_eq!(Marker::read(&fs, root), Ok(Some(marker)));
        }
        assert_eq!(Marker::parse("haneul-pool 2 s 1 3"), None);
        assert_eq!(Marker::parse("haneul-pool 1 s 1"), None);
    }
}
