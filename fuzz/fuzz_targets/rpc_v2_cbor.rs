//! Smithy's RPC v2 with CBOR, as CloudWatch speaks it.

#![no_main]

use std::sync::LazyLock;

use haneul_fuzz::{Op, operations, rpc};
use haneul_wire::Protocol;
use libfuzzer_sys::fuzz_target;

static OPERATIONS: LazyLock<Vec<Op>> = LazyLock::new(|| {
    use haneul_cloudwatch_wire::operations::*;
    operations![
        PutMetricData,
        GetMetricData,
        GetMetricStatistics,
        PutMetricAlarm,
        ListMetrics,
        DescribeAlarms,
        PutCompositeAlarm,
        SetAlarmState,
        TagResource,
        PutDashboard,
    ]
    .into()
});

fuzz_target!(|input: &[u8]| rpc(Protocol::RpcV2Cbor, &OPERATIONS, input));
