//! ec2Query.

#![no_main]

use std::sync::LazyLock;

use haneul_fuzz::{Op, operations, rpc};
use haneul_wire::Protocol;
use libfuzzer_sys::fuzz_target;

static OPERATIONS: LazyLock<Vec<Op>> = LazyLock::new(|| {
    use haneul_ec2_wire::operations::*;
    operations![
        RunInstances,
        DescribeInstances,
        AuthorizeSecurityGroupIngress,
        CreateLaunchTemplate,
        CreateFleet,
        CreateTags,
        ModifyInstanceAttribute,
        RequestSpotInstances,
    ]
    .into()
});

fuzz_target!(|input: &[u8]| rpc(Protocol::Ec2Query, &OPERATIONS, input));
