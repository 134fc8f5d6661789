//! S3: buckets and objects, with the bytes really kept, checked and given back.
//!
//! Metadata is in the store's tables, laid out for listing; small objects' bytes too, so that a PUT of them is one
//! group-committed transaction; larger ones are blobs, made durable before the record that names them is committed.
//! Completing a multipart upload copies no bytes: an object may be a list of parts.
//!
//! Reading order: [`model`] (what is persisted), [`store`] (every transaction), [`content`] (bytes in and out),
//! [`bucket`] (a bucket with its policy compiled), [`error`] (the only mapping to the wire), then the small parts:
//! [`arrival`] (what is wrong with a request before its input is read), [`names`], [`policy_text`], [`policy_check`], [`range`], [`conditions`], [`checksum`], [`copy_source`], [`tagging`], [`headers`], [`user_metadata`] (in [`encoded_words`] where it is not ASCII), [`lifecycle`], [`cors`],
//! [`notification`], [`replication`], [`inventory`], [`metadata_tables`] (S3 Metadata), [`batch`], [`roles`], [`owner`], [`encryption`], [`archive`], [`acl`],
//! [`object_lock`], [`annotation`], [`tiering`] (of objects by their reads), [`analysis`] (storage class analysis), [`storage_lens`], [`mfa`], [`redirect`], [`acceleration`], [`selection`] (what S3 Select is asked), [`facts`] (what a permission asks of an object), [`calls`] (what
//! is asked of other services), [`form`] (browsers' uploads), and [`ops`] (one file per operation or noun), [`tasks`] (what
//! goes on after the answer), [`extension`] (preflights, CORS headers, browser uploads), [`website`] (a bucket as a website),
//! [`access_log`] (a line for each request), [`subresource`] (what a query says that a request is about), [`request_metrics`] (numbers for CloudWatch), [`object_lambda`] (functions that answer), [`multi_region`], [`control`] (S3 Control), [`tables`] (S3 Tables).
//!
//! What must never happen here: an acknowledgement before bytes and record are durable; a record that names a blob
//! which is not there; a body held whole in memory; an option accepted whose effect does not exist.

mod acceleration;
mod access_log;
mod acl;
mod analysis;
mod annotation;
mod archive;
mod arrival;
mod batch;
mod bucket;
mod calls;
mod checksum;
mod conditions;
mod content;
mod control;
mod copy_source;
mod cors;
mod encoded_words;
mod encryption;
mod error;
mod extension;
mod facts;
mod form;
mod headers;
mod inventory;
mod lifecycle;
mod metadata_tables;
mod metering;
mod mfa;
mod model;
mod multi_region;
mod names;
mod notification;
mod object_lambda;
mod object_lock;
mod ops;
mod owner;
mod policy_check;
mod policy_text;
mod range;
mod redirect;
mod replication;
mod request_metrics;
mod resources;
mod roles;
mod selection;
mod service;
mod storage_lens;
mod store;
mod subresource;
mod tables;
mod tagging;
mod tasks;
mod tiering;
mod user_metadata;
mod website;

pub use service::{S3, service, services};

#[cfg(test)]
mod tests;
