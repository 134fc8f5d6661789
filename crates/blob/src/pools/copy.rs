//! A blob's file, read without its key: every block has a checksum of what is on the disk.

use crate::local::dirs::Tree;
use crate::local::format::{BLOCK, HEADER, Header, block_checksum};
use crate::{BlobError, BlobId};

/// Reads a whole file and hands its pieces on, each checked: the blocks first, then the header.
fn read(
    tree: &Tree,
    id: BlobId,
    mut piece: impl FnMut(&[u8], u64) -> Result<(), BlobError>,
) -> Result<u64, BlobError> {
    let file = tree.open_blob(id)?;
    let mut head = [0; HEADER];
    let got = file.read_at(&mut head, 0)?;
    let header = Header::decode(&head[..got], id)?;
    header.check_room(id, file.len()?)?;
    let (layout, trailer) = (header.layout, header.layout.trailer());
    let mut buffer = vec![0; layout.stored_block()];
    for index in 0..header.blocks() {
        let content = (header.len - index * BLOCK as u64).min(BLOCK as u64) as usize;
        let stored = &mut buffer[..content + trailer];
        let at = layout.offset_of(index);
        if file.read_at(stored, at)? < stored.len() {
            return Err(BlobError::Damaged { id, what: "its file is cut short" });
        }
        // The checksum is of the content and, in a sealed blob, of the tag that follows it.
        let (summed, sum) = stored.split_at(content + trailer - 4);
        if sum != block_checksum(id, index, summed) {
            return Err(BlobError::Damaged { id, what: "a block's checksum is wrong" });
        }
        piece(stored, at)?;
    }
    piece(&head, 0)?;
    Ok(header.file_len())
}

/// Whether a copy is as it was written; gives its length. Blocks.
pub(super) fn verify(tree: &Tree, id: BlobId) -> Result<u64, BlobError> {
    read(tree, id, |_, _| Ok(()))
}

/// Makes a copy anew in place of whatever is there. Durable on return. Blocks.
pub(super) fn copy(from: &Tree, to: &Tree, id: BlobId) -> Result<(), BlobError> {
    // It is checked before anything is taken away: what cannot be read cannot mend.
    verify(from, id)?;
    to.discard(id);
    let file = to.create_as(id)?;
    let copied = read(from, id, |bytes, at| Ok(file.write_at(bytes, at)?));
    match copied {
        Ok(_) => {
            file.sync_data()?;
            to.sync_name(id)
        }
        Err(error) => {
            to.discard(id);
            Err(error)
        }
    }
}
