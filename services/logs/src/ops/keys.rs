use haneul_kit::{Access, Cx, Handle, Result};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_shape::Empty;

use crate::Logs;
use crate::calls::Keeper;
use crate::error;
use crate::names::GroupName;

impl Handle<op::AssociateKmsKey> for Logs {
    async fn access(&self, cx: &Cx, input: &s::AssociateKmsKeyRequest) -> Result<Vec<Access>> {
        let name = named(cx, input.log_group_name.as_deref(), input.resource_identifier.as_deref())?;
        self.on_group("logs:AssociateKmsKey", &name).await
    }

    async fn call(&self, cx: &Cx, input: s::AssociateKmsKeyRequest) -> Result<Empty> {
        let name = named(cx, input.log_group_name.as_deref(), input.resource_identifier.as_deref())?;
        let group = self.records.group(&name).await?;
        let key = self.new_data_key(&Keeper::group(&name), &input.kms_key_id).await?;
        self.records.put_data_key(&name, group.id, &key).await?;
        Ok(Empty {})
    }
}

impl Handle<op::DisassociateKmsKey> for Logs {
    async fn access(&self, cx: &Cx, input: &s::DisassociateKmsKeyRequest) -> Result<Vec<Access>> {
        let name = named(cx, input.log_group_name.as_deref(), input.resource_identifier.as_deref())?;
        self.on_group("logs:DisassociateKmsKey", &name).await
    }

    async fn call(&self, cx: &Cx, input: s::DisassociateKmsKeyRequest) -> Result<Empty> {
        let name = named(cx, input.log_group_name.as_deref(), input.resource_identifier.as_deref())?;
        self.records
            .change_group(&name, |group| {
                group.key = None;
                Ok(())
            })
            .await?;
        Ok(Empty {})
    }
}

fn named(cx: &Cx, name: Option<&str>, identifier: Option<&str>) -> Result<GroupName> {
    match (name, identifier) {
        (Some(name), None) => Ok(GroupName::own(cx, name)),
        (None, Some(identifier)) if identifier.contains(":query-result:") => {
            // Results are never stored.
            Err(error::not_offered("A key for the results of queries"))
        }
        (None, Some(identifier)) if identifier.starts_with("arn:") => GroupName::identified(cx, identifier),
        (None, Some(identifier)) => {
            Err(error::invalid(format!("The specified resource identifier {identifier} is invalid.")))
        }
        _ => {
            Err(error::invalid("Either logGroupName or resourceIdentifier must be specified, but not both."))
        }
    }
}
