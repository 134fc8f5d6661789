//! What goes on behind the answers: filling new indexes, restored tables and backups, emptying what was dropped ([`upkeep`],
//! [`copy`]), encrypting and decrypting what was there (`reseal`), expiring items ([`ttl`], [`expire`]), trimming logs ([`trim`]), splitting streams ([`split`]), carrying writes to other replicas ([`replicate`]), bringing changes to Kinesis streams ([`deliver`]), writing which keys are used most ([`insights`]), forgetting the [`tokens`] of transactions, exporting and importing
//! (`export`, `import`, [`jobs`]).

pub(crate) mod copy;
pub(crate) mod deliver;
pub(crate) mod expire;
mod export;
mod import;
pub(crate) mod insights;
pub(crate) mod jobs;
pub(crate) mod replicate;
mod reseal;
pub(crate) mod split;
pub(crate) mod tokens;
pub(crate) mod trim;
pub(crate) mod ttl;
pub(crate) mod upkeep;
