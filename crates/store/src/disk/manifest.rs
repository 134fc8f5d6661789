//! What a data directory is: the first thing read at a start, and the last thing written when it is made.
//!
//! Two lines: JSON, and the CRC32C of the first line in hex. Later formats keep this shape, so that an older program
//! can say that it is too old.

use std::path::Path;

use haneul_env::Fs;
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// The format that this program writes.
pub const FORMAT: u32 = 1;

/// Turns a directory of one format into the next; item 0 makes 1 into 2.
pub(crate) type Migration = fn(&Fs, &Path) -> Result<(), StoreError>;

pub(crate) const MIGRATIONS: [Migration; FORMAT as usize - 1] = [];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// The version of haneul that made the directory.
    pub created_by: String,
    /// A UUID made with the directory: what tells two clouds apart.
    pub cloud_id: String,
    /// False while the directory is being made: nothing in it was ever acknowledged.
    pub complete: bool,
}

const FILE: &str = "manifest";
const BYTES_MAX: u64 = 64 * 1024;

impl Manifest {
    /// `None` when there is none.
    pub(crate) fn read(fs: &Fs, dir: &Path) -> Result<Option<Manifest>, StoreError> {
        let path = dir.join(FILE);
        let damaged = || StoreError::Damaged(format!("{} is not what was written", path.display()));
        let bytes = fs.read(&path, BYTES_MAX).map_err(|error| match error.kind() {
            std::io::ErrorKind::FileTooLarge => damaged(),
            _ => error.into(),
        })?;
        let Some(bytes) = bytes else { return Ok(None) };
        let text = String::from_utf8(bytes).map_err(|_| damaged())?;
        let (json, checksum) = text.split_once('\n').ok_or_else(damaged)?;
        if checksum != format!("{:08x}\n", crc32c::crc32c(json.as_bytes())) {
            return Err(damaged());
        }
        let any: serde_json::Value = serde_json::from_str(json).map_err(|_| damaged())?;
        let format = any["format"].as_u64().ok_or_else(damaged)?;
        if format > u64::from(FORMAT) {
            let by = any["created_by"].as_str().unwrap_or("unknown");
            return Err(StoreError::Unusable(format!(
                "{} has data format {format}, made by haneul {by}; this program knows formats up to {FORMAT}: \
                 use a newer version of haneul",
                dir.display()
            )));
        }
        serde_json::from_value(any).map(Some).map_err(|_| damaged())
    }

    pub(crate) fn write(&self, fs: &Fs, dir: &Path) -> Result<(), StoreError> {
        let json = serde_json::to_string(self).map_err(|error| StoreError::Io(error.to_string()))?;
        let text = format!("{json}\n{:08x}\n", crc32c::crc32c(json.as_bytes()));
        Ok(fs.replace(&dir.join(FILE), text.as_bytes())?)
    }

    /// Brings an older directory to the format that `migrations` end in, one step at a time, each noted when done.
    pub(crate) fn migrate(
        &mut self,
        fs: &Fs,
        dir: &Path,
        migrations: &[Migration],
    ) -> Result<(), StoreError> {
        if self.format == 0 {
            return Err(StoreError::Unusable(format!("{} has the unknown data format 0", dir.display())));
        }
        for migration in migrations.iter().skip(self.format as usize - 1) {
            migration(fs, dir)?;
            self.format += 1;
            self.write(fs, dir)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use haneul_env::Rng;

    use super::*;

    fn a_directory() -> (Fs, Manifest) {
        let fs = Fs::simulated(Rng::seeded(1));
        fs.create_dir_all_synced(Path::new("/d")).unwrap();
        let manifest =
            Manifest { format: 1, created_by: "0.1.0".into(), cloud_id: "some-uuid".into(), complete: true };
        manifest.write(&fs, Path::new("/d")).unwrap();
        (fs, manifest)
    }

    #[test]
    fn a_flipped_bit_is_noticed() {
        let (fs, manifest) = a_directory();
        assert_eq!(Manifest::read(&fs, Path::new("/d")), Ok(Some(manifest)));
        let len = fs.sim().unwrap().files()[0].1;
        for offset in 0..len {
            fs.sim().unwrap().flip_bit(Path::new("/d/manifest"), offset, offset as u8);
            let read = Manifest::read(&fs, Path::new("/d"));
            assert!(matches!(read, Err(StoreError::Damaged(_))), "{offset}: {read:?}");
            fs.sim().unwrap().flip_bit(Path::new("/d/manifest"), offset, offset as u8);
        }
    }

    #[test]
    fn migrations_run_in_order_and_go_on_where_they_failed() {
        let (fs, mut manifest) = a_directory();
        fn note(fs: &Fs, dir: &Path, step: &str) -> Result<(), StoreError> {
            let path = dir.join("steps");
            let mut steps = fs.read(&path, 100)?.unwrap_or_default();
            steps.extend_from_slice(step.as_bytes());
            Ok(fs.replace(&path, &steps)?)
        }
        let failing: [Migration; 2] =
            [|fs, dir| note(fs, dir, "1to2 "), |_, _| Err(StoreError::Io("no luck".to_owned()))];
        let working: [Migration; 2] = [|fs, dir| note(fs, dir, "1to2 "), |fs, dir| note(fs, dir, "2to3 ")];
        assert!(manifest.migrate(&fs, Path::new("/d"), &failing).is_err());
        assert_eq!(manifest.format, 2);
        manifest.migrate(&fs, Path::new("/d"), &working).unwrap();
        assert_eq!(manifest.format, 3);
        assert_eq!(fs.read(Path::new("/d/steps"), 100).unwrap().unwrap(), b"1to2 2to3 ");
        let refused = Manifest::read(&fs, Path::new("/d")).unwrap_err().to_string();
        assert!(refused.contains("format 3") && refused.contains("newer version"), "{refused}");
    }
}
