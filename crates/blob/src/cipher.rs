use std::sync::Arc;

/// Bytes of the tag by which a sealed block is known to be whole.
pub const TAG_BYTES: usize = 16;

/// What is done to the content of a blob on its way to the disk, block by block, and undone on the way back. An
/// authenticated cipher, with a key that seals one blob only: block numbers serve as its nonces.
pub trait BlockCipher: Send + Sync + 'static {
    /// Encrypts in place.
    fn seal(&self, block: u64, content: &mut [u8]) -> [u8; TAG_BYTES];

    /// Decrypts in place what is followed by its tag. False when these are not bytes that this key sealed as this block;
    /// they are of no meaning then.
    #[must_use]
    fn open(&self, block: u64, sealed: &mut [u8]) -> bool;
}

pub type Cipher = Arc<dyn BlockCipher>;
