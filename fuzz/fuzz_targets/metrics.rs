//! CloudWatch's languages: metric math, searches, Metrics Insights, rules of composite alarms, statistics, dashboards, widgets; and chunks of points.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    haneul_cloudwatch::fuzzing::bytes(input);
    if let Ok(text) = std::str::from_utf8(input) {
        haneul_cloudwatch::fuzzing::text(text);
    }
});
