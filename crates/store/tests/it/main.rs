//! The same tests on every engine, through the public interface.

mod disk;
mod engines;
mod feed;
mod groups;
mod journal;
mod model;
mod records;
mod serial;
