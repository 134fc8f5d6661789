//! Object bytes: written once, durable before they are acknowledged, read back checked, deleted.
//!
//! A blob has an id that the store made up and is immutable. What the bytes mean, and which blobs are still wanted, is
//! the caller's to know: it keeps ids in its tables, an object may be a list of blobs, and after a crash it is asked
//! by [`Blobs::sweep`] which of the last ones to keep.
//!
//! ```
//! # use haneul_blob::{BlobError, Blobs};
//! # async fn example(blobs: Blobs) -> Result<(), BlobError> {
//! let mut writer = blobs.writer(Some(5));
//! writer.write("hello".into()).await?;
//! let blob = writer.finish().await?; // durable; now commit blob.id and blob.len to a table
//! let mut reader = blobs.reader(blob.id, 1..3);
//! while let Some(chunk) = reader.next().await {
//!     assert_eq!(chunk?, "el");
//! }
//! blobs.delete(vec![blob.id]).await
//! # }
//! ```
//!
//! Reading order: [`blobs`] is the interface and what a backend must do; [`cipher`] is who encrypts; [`memory`] forgets at the end; [`local`] is
//! files: [`local::format`] says what is in one; [`pools`] keeps a copy in each of
//! several.
//!
//! What must never happen here: bytes handed out that are not the ones written; a blob acknowledged that a crash
//! takes away; blocking IO on the async runtime's threads.

pub mod blobs;
pub mod cipher;
pub mod error;
pub mod id;
pub mod local;
pub mod memory;
pub mod pools;

pub use blobs::{Blob, BlobReader, BlobWriter, Blobs, Swept};
pub use cipher::{BlockCipher, Cipher};
pub use error::BlobError;
pub use id::BlobId;
