use crate::Protocol;
use crate::error::{SERIALIZATION, WireError};
use crate::model::Metadata;

/// Services that word their refusals alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Most services: `N validation errors detected: …`.
    Coral,
    /// As Coral, with words of its own for attribute values.
    DynamoDb,
    /// The services of the query protocol: as Coral, under the code ValidationError.
    Query,
    /// Names one parameter that is missing; the operations check values.
    Sqs,
    Ec2,
    S3,
    S3Control,
    /// As Coral, with errors that have a `Type`.
    Lambda,
}

impl Family {
    pub(crate) fn of(service: &str, metadata: &Metadata) -> Family {
        match service {
            "dynamodb" | "dynamodbstreams" => Family::DynamoDb,
            "sqs" => Family::Sqs,
            "ec2" => Family::Ec2,
            "s3" => Family::S3,
            "s3control" => Family::S3Control,
            "lambda" => Family::Lambda,
            _ if metadata.speaks(Protocol::AwsQuery) => Family::Query,
            _ => Family::Coral,
        }
    }

    /// Whether bounds, patterns and enumerations are checked here; the others' operations do it in their own words.
    pub(crate) fn checks_values(self) -> bool {
        matches!(self, Family::Coral | Family::DynamoDb | Family::Query | Family::Lambda)
    }

    /// The code of a request that violates the model.
    pub(crate) fn validation_code(self, service: &str) -> &'static str {
        match (self, service) {
            (Family::Query, _) => "ValidationError",
            (Family::Sqs | Family::Ec2, _) => "MissingParameter",
            (Family::S3Control, _) => "InvalidRequest",
            (_, "logs" | "resourcegroupstaggingapi") => "InvalidParameterException",
            (_, "organizations") => "InvalidInputException",
            (_, "resource-groups" | "s3tables") => "BadRequestException",
            _ => "ValidationException",
        }
    }

    /// What stands before the code in `__type`.
    pub(crate) fn error_namespace(self, modelled: bool, code: &str) -> &'static str {
        match (self, modelled, code) {
            (Family::DynamoDb, true, _) => "com.amazonaws.dynamodb.v20120810#",
            (Family::DynamoDb, false, "ValidationException") => "com.amazon.coral.validate#",
            (Family::DynamoDb, false, _) => "com.amazon.coral.service#",
            (Family::Sqs, false, SERIALIZATION | "UnknownOperationException") => "com.amazon.coral.service#",
            (Family::Sqs, ..) => "com.amazonaws.sqs#",
            _ => "",
        }
    }

    pub(crate) fn union_with_more_than_one(self) -> WireError {
        match self {
            Family::DynamoDb => WireError::sender(
                "ValidationException",
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported \
                 datatypes",
            ),
            _ => WireError::serialization("A union has more than one member"),
        }
    }
}
