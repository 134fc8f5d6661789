//! One file for each noun.

mod insight_selectors;
mod insights;
mod keys;
mod logging;
mod lookup;
mod policies;
mod queries;
mod samples;
mod selectors;
mod stores;
mod tags;
mod trails;
