//! One file for each noun.

mod configuration;
mod groups;
mod members;
mod tags;
