//! The service behind its codecs, in one process.

mod dispatch;
mod items;
mod tables;
mod world;
