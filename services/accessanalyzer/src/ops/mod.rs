//! The operations, one file for each noun.

mod analyzers;
mod archive_rules;
mod checks;
mod findings;
mod policy_generation;
mod previews;
mod recommendations;
mod resources;
mod tags;
mod validate_policy;
