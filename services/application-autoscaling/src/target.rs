//! What can be scaled: the capacity of a table or of a global index for reading or for writing.

use haneul_kit::{AccountId, Arn, Region, Result};

use crate::error;
use crate::model::TargetKey;

pub(crate) const NAMESPACE: &str = "dynamodb";

/// One capacity of one table or index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) table: String,
    pub(crate) index: Option<String>,
    pub(crate) writes: bool,
}

impl Target {
    /// # Errors
    /// When there is no such thing in DynamoDB.
    pub(crate) fn parse(namespace: &str, resource: &str, dimension: &str) -> Result<Target> {
        if namespace != NAMESPACE {
            return Err(error::validation(format!(
                "Haneul does not support scaling of {namespace} yet, so that it refuses it."
            )));
        }
        let unsupported =
            || error::validation("Unsupported service namespace, resource type or scalable dimension");
        let mut parts = resource.split('/');
        let (table, index) = match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("table"), Some(table), None, None, None) => (table, None),
            (Some("table"), Some(table), Some("index"), Some(index), None) => (table, Some(index)),
            _ => return Err(unsupported()),
        };
        let writes =
            match (dimension, index) {
                ("dynamodb:table:ReadCapacityUnits", None)
                | ("dynamodb:index:ReadCapacityUnits", Some(_)) => false,
                ("dynamodb:table:WriteCapacityUnits", None)
                | ("dynamodb:index:WriteCapacityUnits", Some(_)) => true,
                _ => return Err(unsupported()),
            };
        if table.is_empty() || index.is_some_and(str::is_empty) {
            return Err(unsupported());
        }
        Ok(Target { table: table.to_owned(), index: index.map(str::to_owned), writes })
    }

    pub(crate) fn of_key(key: &TargetKey) -> Result<Target> {
        Target::parse(NAMESPACE, &key.2, &key.3)
    }

    /// As activities call it.
    pub(crate) fn units(&self) -> &'static str {
        if self.writes { "write capacity units" } else { "read capacity units" }
    }

    pub(crate) fn predefined_metric(&self) -> &'static str {
        if self.writes { "DynamoDBWriteCapacityUtilization" } else { "DynamoDBReadCapacityUtilization" }
    }

    pub(crate) fn consumed_metric(&self) -> &'static str {
        if self.writes { "ConsumedWriteCapacityUnits" } else { "ConsumedReadCapacityUnits" }
    }

    pub(crate) fn provisioned_metric(&self) -> &'static str {
        if self.writes { "ProvisionedWriteCapacityUnits" } else { "ProvisionedReadCapacityUnits" }
    }
}

/// The ARN of a scalable target.
pub(crate) fn arn(account: AccountId, region: Region, id: &str) -> Arn {
    Arn::new("application-autoscaling", region, account, format_args!("scalable-target/{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dynamodb_has() {
        let of = |resource: &str, dimension: &str| Target::parse("dynamodb", resource, dimension).ok();
        let table = |writes| Some(Target { table: "tab".into(), index: None, writes });
        let index = |writes| Some(Target { table: "tab".into(), index: Some("idx".into()), writes });
        for (resource, dimension, expected) in [
            ("table/tab", "dynamodb:table:ReadCapacityUnits", table(false)),
            ("table/tab", "dynamodb:table:WriteCapacityUnits", table(true)),
            ("table/tab/index/idx", "dynamodb:index:ReadCapacityUnits", index(false)),
            ("table/tab/index/idx", "dynamodb:index:WriteCapacityUnits", index(true)),
            ("table/tab", "dynamodb:index:ReadCapacityUnits", None),
            ("table/tab/index/idx", "dynamodb:table:ReadCapacityUnits", None),
            ("tab", "dynamodb:table:ReadCapacityUnits", None),
            ("table/", "dynamodb:table:ReadCapacityUnits", None),
            ("table/tab/index/idx/more", "dynamodb:index:ReadCapacityUnits", None),
            ("table/tab", "ecs:service:DesiredCount", None),
        ] {
            assert_eq!(of(resource, dimension), expected, "{resource} {dimension}");
        }
        assert!(Target::parse("ecs", "service/c/s", "ecs:service:DesiredCount").is_err());
    }
}
