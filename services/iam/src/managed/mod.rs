//! The policies that AWS manages: real documents, read from a file that is built in.

mod catalog;

pub(crate) use catalog::{AwsPolicy, all, by_arn, document, is_aws_arn};
