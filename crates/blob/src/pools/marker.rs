use std::collections::BTreeSet;
use std::path::Path;

use haneul_env::Fs;

use crate::BlobError;

/// What the root of a pool says: of which set it is, and which pools of that lack something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    pub(super) set: String,
    pub(super) index: usize,
    pub(super) of: usize,
    pub(super) behind: BTreeSet<usize>,
}

const NAME: &str = "pool";
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
        let behind = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
        Some(Marker { set, index, of, behind })
    }

    /// Durable on return.
    pub(super) fn write(&self, fs: &Fs, root: &Path) -> Result<(), BlobError> {
        let behind: String = self.behind.iter().map(|index| format!(" {index}")).collect();
        let text = format!("haneul-pool 1 {} {} {}{behind}\n", self.set, self.index, self.of);
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
        let marker = Marker { set: "s".into(), index: 1, of: 3, behind: [0, 2].into() };
        marker.write(&fs, root).unwrap();
        assert_eq!(Marker::read(&fs, root), Ok(Some(marker)));
        assert_eq!(Marker::parse("haneul-pool 2 s 1 3"), None);
        assert_eq!(Marker::parse("haneul-pool 1 s 1"), None);
    }
}
