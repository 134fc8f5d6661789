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

/// Errors of all services that SQS has under two names: the query protocol's and Coral's. Sources: SQS API Reference, "Common
/// Errors"; http4k/http4k pull request 1336 quotes an answer.
const SQS_COMMON: [(&str, &str); 9] = [
    ("AccessDenied", "AccessDeniedException"),
    ("ExpiredToken", "ExpiredTokenException"),
    ("IncompleteSignature", "IncompleteSignatureException"),
    ("InvalidAction", "UnknownOperationException"),
    ("InvalidClientTokenId", "UnrecognizedClientException"),
    ("InvalidParameterValue", "InvalidParameterValueException"),
    ("MissingAuthenticationToken", "MissingAuthenticationTokenException"),
    ("MissingParameter", "MissingRequiredParameterException"),
    ("SignatureDoesNotMatch", "InvalidSignatureException"),
];

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

    /// The name in `__type` of an error that no model lists, where it is not the query protocol's code: SQS's JSON has Coral's
    /// name there, and the code in a header.
    pub(crate) fn coral_name(self, code: &str) -> Option<&'static str> {
        let found = SQS_COMMON.iter().find(|(query, _)| self == Family::Sqs && *query == code);
        found.map(|(_, coral)| *coral)
    }

    /// The query protocol's code of an error that goes by Coral's name.
    pub(crate) fn query_code(self, name: &str) -> Option<&'static str> {
        let found = SQS_COMMON.iter().find(|(_, coral)| self == Family::Sqs && *coral == name);
        found.map(|(query, _)| *query)
    }

    /// What stands before the code in `__type`.
    pub(crate) fn error_namespace(self, modelled: bool, code: &str) -> &'static str {
        match (self, modelled, code) {
            (Family::DynamoDb, true, _) => "com.amazonaws.dynamodb.v20120810#",
            (Family::DynamoDb, false, "ValidationException") => "com.amazon.coral.validate#",
            (Family::DynamoDb, false, _) => "com.amazon.coral.service#",
            (Family::Sqs, false, SERIALIZATION) => "com.amazon.coral.service#",
            (Family::Sqs, false, code) if self.coral_name(code).or(self.query_code(code)).is_some() => {
                "com.amazon.coral.service#"
            }
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
