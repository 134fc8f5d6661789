//! The service behind its codecs, in one process.

mod access;
mod batches;
mod cases;
mod cloud;
mod crash;
mod dispatch;
mod encryption;
mod global;
mod histories;
mod indexes;
mod insights;
mod items;
mod legacy;
mod model;
mod queries;
mod recovery;
mod replication;
mod settings;
mod statements;
mod streams;
mod strong;
mod strong_crash;
mod strong_races;
mod tables;
mod transfers;
mod world;
