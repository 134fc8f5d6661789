//! The API as clients see it, behind the layers.

mod access;
mod cloud;
mod consumers;
mod encryption;
mod growth;
mod limits;
mod metrics;
mod model;
mod records;
mod restart;
mod shards;
mod slow;
mod streams;
