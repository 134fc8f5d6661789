//! awsJson, as SQS and DynamoDB speak it.

#![no_main]

use std::sync::LazyLock;

use haneul_fuzz::{Op, operations, rpc};
use haneul_wire::Protocol;
use libfuzzer_sys::fuzz_target;

static OPERATIONS: LazyLock<Vec<Op>> = LazyLock::new(|| {
    use haneul_dynamodb_wire::operations::*;
    use haneul_sqs_wire::operations::*;
    operations![
        SendMessage,
        SendMessageBatch,
        ReceiveMessage,
        DeleteMessageBatch,
        CreateQueue,
        SetQueueAttributes,
        PutItem,
        GetItem,
        Query,
        UpdateItem,
        BatchWriteItem,
        TransactWriteItems,
        CreateTable,
        ExecuteStatement,
    ]
    .into()
});

fuzz_target!(|input: &[u8]| rpc(Protocol::AwsJson, &OPERATIONS, input));
