//! awsQuery, as IAM, SNS and the older clients of SQS speak it.

#![no_main]

use std::sync::LazyLock;

use haneul_fuzz::{Op, operations, rpc};
use haneul_wire::Protocol;
use libfuzzer_sys::fuzz_target;

static OPERATIONS: LazyLock<Vec<Op>> = LazyLock::new(|| {
    use haneul_iam_wire::operations::*;
    use haneul_sns_wire::operations::*;
    use haneul_sqs_wire::operations::*;
    operations![
        CreateUser,
        CreateRole,
        TagRole,
        SimulatePrincipalPolicy,
        UpdateAccountPasswordPolicy,
        ListUsers,
        Publish,
        PublishBatch,
        CreateTopic,
        SendMessage,
        SendMessageBatch,
        CreateQueue,
        ReceiveMessage,
        DeleteMessageBatch,
    ]
    .into()
});

fuzz_target!(|input: &[u8]| rpc(Protocol::AwsQuery, &OPERATIONS, input));
