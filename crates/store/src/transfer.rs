//! Export, import and reset of a whole store, the same for every engine.

use std::io::{Read, Write};

use bytes::Bytes;

use crate::engine::{KeyRange, Write as KeyWrite};
use crate::log::{StreamReader, StreamWriter};
use crate::reads::Reads;
use crate::table::{is_table_name, split};
use crate::{Store, StoreError};

/// What an export says it is. The records are the length of a key (u32, little-endian), the key, the value.
const KIND: &str = "haneul-store/1";

/// Records and bytes that are read, written or deleted at once.
const PAGE_RECORDS: usize = 1000;
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Stands while an import runs: what is in the store then is not whole.
const IMPORTING: &[u8] = b"store.importing\0";

impl Store {
    /// Writes one state of all tables to `to`, checksummed. Writes block: not for busy async threads.
    pub async fn export<W: Write>(&self, to: W) -> Result<W, StoreError> {
        let snapshot = self.snapshot().await?;
        let mut stream = StreamWriter::new(to, KIND)?;
        let mut range = everything();
        loop {
            let page = snapshot.scan_bytes(range.clone(), PAGE_RECORDS).await?;
            let Some((last, _)) = page.last() else { return stream.finish() };
            range.pass(last);
            for (key, value) in &page {
                stream.write(&[&(key.len() as u32).to_le_bytes(), key, value])?;
            }
        }
    }

    /// Fills an empty store with an export. When it fails, the store is empty again.
    pub async fn import<R: Read>(&self, from: R) -> Result<(), StoreError> {
        if !self.scan_bytes(everything(), 1).await?.is_empty() {
            return Err(StoreError::Unusable("only an empty store can import: reset it first".to_owned()));
        }
        let stream = StreamReader::new(from)?;
        if stream.kind() != KIND {
            let what = format!("this is a stream of kind {:?}, not an export of a store", stream.kind());
            return Err(StoreError::Unusable(what));
        }
        self.engine().write(vec![importing(Some(Bytes::new()))]).await?;
        let read = self.read_all(stream).await;
        match read {
            Ok(()) => self.engine().write(vec![importing(None)]).await.map(drop),
            Err(error) => {
                self.reset().await?;
                Err(error)
            }
        }
    }

    /// Deletes everything. Not one commit: who reads meanwhile may see a part.
    pub async fn reset(&self) -> Result<(), StoreError> {
        loop {
            let page = self.scan_bytes(everything(), PAGE_RECORDS).await?;
            // The mark of an import goes last.
            let (marks, others): (Vec<_>, Vec<_>) = page.into_iter().partition(|(key, _)| key == IMPORTING);
            let gone = if others.is_empty() { marks } else { others };
            if gone.is_empty() {
                return Ok(());
            }
            let writes = gone.into_iter().map(|(key, _)| KeyWrite { key, value: None }).collect();
            self.engine().write(writes).await?;
        }
    }

    /// Takes back an import that a crash cut short; nothing was in the store before it.
    pub(crate) async fn undo_partial_import(&self) -> Result<(), StoreError> {
        if self.engine().get(IMPORTING).await?.is_some() {
            tracing::warn!("an import was interrupted: the store is empty again");
            self.reset().await?;
        }
        Ok(())
    }

    async fn read_all<R: Read>(&self, mut stream: StreamReader<R>) -> Result<(), StoreError> {
        let mut writes = Vec::new();
        let mut bytes = 0;
        while let Some(record) = stream.next_record()? {
            let write = parse(record)?;
            bytes += write.key.len() + write.value.as_ref().map_or(0, Bytes::len);
            writes.push(write);
            if writes.len() >= PAGE_RECORDS || bytes >= PAGE_BYTES {
                self.engine().write(std::mem::take(&mut writes)).await?;
                bytes = 0;
            }
        }
        if !writes.is_empty() {
            self.engine().write(writes).await?;
        }
        Ok(())
    }
}

fn everything() -> KeyRange {
    // Tables have ASCII names.
    KeyRange { start: Bytes::new(), end: Bytes::from_static(&[0xFF]), reverse: false }
}

fn importing(value: Option<Bytes>) -> KeyWrite {
    KeyWrite { key: Bytes::from_static(IMPORTING), value }
}

fn parse(record: Vec<u8>) -> Result<KeyWrite, StoreError> {
    let damaged = || StoreError::Damaged("the export holds something that is not a record".to_owned());
    let mut record = Bytes::from(record);
    if record.len() < 4 {
        return Err(damaged());
    }
    let len = record.split_to(4);
    let key_len = u32::from_le_bytes([len[0], len[1], len[2], len[3]]) as usize;
    if key_len > record.len() {
        return Err(damaged());
    }
    let key = record.split_to(key_len);
    match split(&key) {
        Some((table, _)) if is_table_name(table) => Ok(KeyWrite { key, value: Some(record) }),
        _ => Err(damaged()),
    }
}
