//! restJson, as Lambda speaks it.

#![no_main]

use std::sync::LazyLock;

use haneul_fuzz::{Op, operations, rest};
use haneul_wire::Protocol;
use libfuzzer_sys::fuzz_target;

static OPERATIONS: LazyLock<Vec<Op>> = LazyLock::new(|| {
    use haneul_lambda_wire::operations::*;
    operations![
        CreateFunction,
        Invoke,
        UpdateFunctionConfiguration,
        UpdateFunctionCode,
        CreateEventSourceMapping,
        ListFunctions,
        AddPermission,
        TagResource,
        UntagResource,
        GetFunction,
        CreateFunctionUrlConfig,
        ListVersionsByFunction,
        PutFunctionConcurrency,
    ]
    .into()
});

fuzz_target!(|input: &[u8]| rest(Protocol::RestJson, &OPERATIONS, input));
