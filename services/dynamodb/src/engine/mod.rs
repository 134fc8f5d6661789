//! Items and index entries in the ordered key space: where they lie, how they are read and changed.
//!
//! An item is one key: the number of its space, a hash of the partition key (so that a scan can be cut into even
//! segments), the partition key and the sort key in the order of their values. An index is a space of its own, whose keys
//! end in the table's key. A write reads the old item, and commits the new one with every index entry and the stream
//! record that follow from it, at once.
//!
//! Reading order: [`keys`], [`capacity`] (units), [`locks`], [`plan`] (what one write comes to), [`throttle`], [`versions`] (who wins in a global table). What opens transactions on
//! it is `store`.

pub(crate) mod capacity;
pub(crate) mod keys;
pub(crate) mod locks;
pub(crate) mod plan;
pub(crate) mod throttle;
pub(crate) mod versions;
