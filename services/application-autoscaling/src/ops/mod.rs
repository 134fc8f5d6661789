//! The API: targets, their policies, their scheduled actions, what was done, and tags.

mod access;
mod activities;
mod listing;
mod policies;
mod scheduled;
mod tags;
mod targets;

pub(crate) use scheduled::next;
