//! The key outside the data directory: with it, whoever has the directory alone can open nothing that is sealed (keys of
//! KMS, session tokens, and all that is encrypted under them).

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_env::Rng;
use haneul_kit::Seal;
use haneul_store::{Reads, Record, RecordError, Store, Table};
use serde::{Deserialize, Serialize};

use crate::Result;

/// 256 bits that the operator keeps.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct MasterKey([u8; 32]);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(withheld)")
    }
}

impl MasterKey {
    /// From a file with 32 bytes, or with their base64. A file in the data directory would protect nothing.
    pub(crate) fn read(path: &Path, data_dir: Option<&Path>) -> Result<MasterKey> {
        let shown = path.display();
        let failed = |error: std::io::Error| format!("cannot read the master key from {shown}: {error}");
        let real = path.canonicalize().map_err(failed)?;
        let inside =
            data_dir.and_then(|dir| dir.canonicalize().ok()).is_some_and(|dir| real.starts_with(dir));
        if inside {
            return Err(format!(
                "{shown} lies in the data directory, which the master key is to protect: keep it elsewhere"
            ));
        }
        let bytes = std::fs::read(&real).map_err(failed)?;
        if let Ok(key) = <[u8; 32]>::try_from(bytes.as_slice()) {
            return Ok(MasterKey(key));
        }
        let text = String::from_utf8(bytes).unwrap_or_default();
        MasterKey::parse(&text)
            .ok_or_else(|| format!("{shown} is no master key: 32 bytes, or their base64, are expected"))
    }

    /// From base64 of 32 bytes.
    pub(crate) fn parse(text: &str) -> Option<MasterKey> {
        let bytes = STANDARD.decode(text.trim()).ok()?;
        <[u8; 32]>::try_from(bytes.as_slice()).ok().map(MasterKey)
    }

    fn seal(&self, rng: &Rng) -> Seal {
        Seal::new(&self.0, rng.clone())
    }
}

/// The key under which this cloud seals; made at the first start.
#[derive(Serialize, Deserialize)]
struct SealKey {
    /// As it is, where there is no master key.
    key: Option<[u8; 32]>,
    /// Sealed under the master key.
    wrapped: Option<String>,
}

impl Record for SealKey {
    const VERSION: u32 = 2;

    fn migrate(_: u32, bytes: &[u8]) -> std::result::Result<SealKey, RecordError> {
        #[derive(Deserialize)]
        struct First {
            key: [u8; 32],
        }
        let First { key } = serde_json::from_slice(bytes).map_err(RecordError::of)?;
        Ok(SealKey { key: Some(key), wrapped: None })
    }
}

static SEAL_KEY: Table<String, SealKey> = Table::new("haneul.seal_key");
const ROW: &str = "cloud";
const PURPOSE: &str = "haneul.seal_key";

/// The cloud's key: opened with the master key, made at the first start, and put under a master key that is new.
pub(crate) async fn seal_key(store: &Store, rng: &Rng, master: Option<&MasterKey>) -> Result<[u8; 32]> {
    let kept = store.get(&SEAL_KEY, ROW).await.map_err(|error| error.to_string())?;
    let plain = match (kept, master) {
        (Some(SealKey { wrapped: Some(wrapped), .. }), Some(master)) => {
            let opened = master.seal(rng).open(PURPOSE, &wrapped);
            let opened = opened.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
            return opened
                .ok_or_else(|| "the master key is not the one that this data is sealed with".into());
        }
        (Some(SealKey { wrapped: Some(_), .. }), None) => {
            return Err("this data is sealed with a master key: give it with --master-key-file FILE or \
                        HANEUL_MASTER_KEY"
                .into());
        }
        (Some(SealKey { key: Some(key), .. }), None) => return Ok(key),
        (Some(SealKey { key: Some(key), .. }), Some(_)) => {
            tracing::warn!(
                "the cloud's key is put under the master key; older files of the store may hold it plainly until \
                 they are rewritten: `haneul state export` and `import` into a new directory leaves none"
            );
            key
        }
        (Some(_), _) => return Err("the record of the cloud's key is damaged".into()),
        (None, _) => rng.bytes(),
    };
    let record = match master {
        Some(master) => SealKey { key: None, wrapped: Some(master.seal(rng).seal(PURPOSE, &plain)) },
        None => SealKey { key: Some(plain), wrapped: None },
    };
    store.put(&SEAL_KEY, ROW, &record).await.map_err(|error| error.to_string())?;
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn data_under_a_master_key_opens_with_it_alone() {
        let (rng, store) = (Rng::seeded(1), Store::memory());
        let (ours, other) = (MasterKey([1; 32]), MasterKey([2; 32]));
        let key = seal_key(&store, &rng, None).await.unwrap();
        assert_eq!(seal_key(&store, &rng, None).await.unwrap(), key);
        // From now on it is wrapped, and what was sealed before still opens.
        assert_eq!(seal_key(&store, &rng, Some(&ours)).await.unwrap(), key);
        assert_eq!(seal_key(&store, &rng, Some(&ours)).await.unwrap(), key);
        assert!(seal_key(&store, &rng, Some(&other)).await.unwrap_err().contains("not the one"));
        assert!(seal_key(&store, &rng, None).await.unwrap_err().contains("--master-key-file"));
        let export = store.export(Vec::new()).await.unwrap();
        let listed = format!("{key:?}").replace(' ', "");
        let found = |needle: &[u8]| export.windows(needle.len()).any(|window| window == needle);
        assert!(!found(&key) && !found(listed.as_bytes()) && found(b"wrapped"));
    }

    #[tokio::test]
    async fn records_of_the_first_version_are_read() {
        let old = SealKey::migrate(1, format!(r#"{{"key":{:?}}}"#, [7u8; 32]).as_bytes()).unwrap();
        assert_eq!((old.key, old.wrapped), (Some([7; 32]), None));
    }

    #[test]
    fn files_of_both_forms() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, [3u8; 32]).unwrap();
        assert_eq!(MasterKey::read(&path, None).unwrap(), MasterKey([3; 32]));
        std::fs::write(&path, format!("{}\n", STANDARD.encode([4u8; 32]))).unwrap();
        assert_eq!(MasterKey::read(&path, None).unwrap(), MasterKey([4; 32]));
        assert!(MasterKey::read(&path, Some(dir.path())).unwrap_err().contains("keep it elsewhere"));
        std::fs::write(&path, "short").unwrap();
        assert!(MasterKey::read(&path, None).unwrap_err().contains("no master key"));
        assert!(MasterKey::read(&dir.path().join("none"), None).is_err());
    }
}
