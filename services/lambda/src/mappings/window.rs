use haneul_kit::Instant;
use serde_json::{Value, json};

use super::lane::Item;
use crate::model::mapping::Window;

/// Longest state that a window carries on. Source: Developer Guide, "Tumbling windows": 1 MB for each shard.
pub(super) const STATE_MAX: usize = 1024 * 1024;

/// When the window of a time begins.
pub(super) fn start_of(at_ms: i64, span_s: u32) -> i64 {
    let span = i64::from(span_s) * 1000;
    at_ms.div_euclid(span) * span
}

pub(super) fn end_of(window: &Window, span_s: u32) -> i64 {
    window.start_ms + i64::from(span_s) * 1000
}

/// Of the records, how many are of the window that begins at `start_ms`.
pub(super) fn within(items: &[Item], start_ms: i64, span_s: u32) -> usize {
    let end = start_ms + i64::from(span_s) * 1000;
    items.iter().take_while(|item| item.at_ms < end).count()
}

/// What a windowed function is given besides the records.
pub(super) fn event(
    records: Vec<Value>,
    window: &Window,
    span_s: u32,
    shard: &str,
    source: &str,
    last: bool,
) -> Value {
    json!({
        "Records": records,
        "window": {
            "start": Instant::from_millis(window.start_ms).iso8601(),
            "end": Instant::from_millis(end_of(window, span_s)).iso8601(),
        },
        "state": window.state,
        "shardId": shard,
        "eventSourceARN": source,
        "isFinalInvokeForWindow": last,
        "isWindowTerminatedEarly": window.ended_early,
    })
}
