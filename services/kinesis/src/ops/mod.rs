//! The API: one file per operation or noun, each validates, acts and renders.

mod consumers;
mod describe;
mod encryption;
mod get_records;
mod iterator;
mod list_shards;
mod policies;
mod put_record;
mod put_records;
mod reshard;
mod settings;
mod streams;
pub(crate) mod subscribe;
mod tags;

use haneul_kit::Access;

use crate::names::StreamKey;

/// Permission for an action that cannot be narrowed to a stream. Nobody has it for another account's.
fn on_any(action: &'static str, stream: &StreamKey) -> Access {
    Access::to(action).owned_by(stream.account)
}

/// Entries of `times` within the last day.
fn within_a_day(times: &mut Vec<i64>, now_ms: i64) -> usize {
    times.retain(|at_ms| now_ms - at_ms < 24 * crate::model::HOUR_MS);
    times.len()
}

/// How long a NextToken serves. Source: API Reference, "ListShards".
const TOKEN_MS: i64 = 300_000;
