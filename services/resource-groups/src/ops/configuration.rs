use haneul_kit::{Access, Cx, Handle, Result};
use haneul_resource_groups_wire::operations as op;
use haneul_resource_groups_wire::shapes as s;

use crate::error;
use crate::groups::{Groups, either};
use crate::model::Item;

const GENERIC: &str = "AWS::ResourceGroups::Generic";

/// What the configuration says of members.
const PARAMETERS: &[&str] = &["allowed-resource-types", "deletion-protection"];

pub(super) fn parse(items: Vec<s::GroupConfigurationItem>) -> Result<Vec<Item>> {
    let mut made = Vec::new();
    for item in items {
        if item.r#type != GENERIC {
            return Err(error::unsupported(&format!("configurations of type {}", item.r#type)));
        }
        let mut parameters = Vec::new();
        for parameter in item.parameters.unwrap_or_default() {
            if parameter.name == "deletion-protection" {
                return Err(error::unsupported("deletion protection of groups"));
            }
            if !PARAMETERS.contains(&parameter.name.as_str()) {
                return Err(error::bad_request(format!("{} is no parameter of {GENERIC}.", parameter.name)));
            }
            parameters.push((parameter.name, parameter.values.unwrap_or_default()));
        }
        made.push(Item { kind: item.r#type, parameters });
    }
    Ok(made)
}

pub(super) fn shape(items: &[Item]) -> s::GroupConfiguration {
    let items = items.iter().map(|item| s::GroupConfigurationItem {
        r#type: item.kind.clone(),
        parameters: Some(
            item.parameters
                .iter()
                .map(|(name, values)| s::GroupConfigurationParameter {
                    name: name.clone(),
                    values: Some(values.clone()),
                })
                .collect(),
        ),
    });
    s::GroupConfiguration {
        configuration: Some(items.collect()),
        proposed_configuration: None,
        status: Some("UPDATE_COMPLETE".to_owned()),
        failure_reason: None,
    }
}

impl Handle<op::GetGroupConfiguration> for Groups {
    async fn access(&self, cx: &Cx, input: &s::GetGroupConfigurationInput) -> Result<Vec<Access>> {
        let name = either(None, input.group.as_ref())?;
        self.on_group(cx, "resource-groups:GetGroupConfiguration", &name).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetGroupConfigurationInput,
    ) -> Result<s::GetGroupConfigurationOutput> {
        let name = either(None, input.group.as_ref())?;
        let group = self.group(cx, &name).await?;
        let items =
            group.configuration.ok_or_else(|| error::bad_request("The group has no configuration."))?;
        Ok(s::GetGroupConfigurationOutput { group_configuration: Some(shape(&items)) })
    }
}

impl Handle<op::PutGroupConfiguration> for Groups {
    async fn access(&self, cx: &Cx, input: &s::PutGroupConfigurationInput) -> Result<Vec<Access>> {
        let name = either(None, input.group.as_ref())?;
        self.on_group(cx, "resource-groups:PutGroupConfiguration", &name).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutGroupConfigurationInput,
    ) -> Result<s::PutGroupConfigurationOutput> {
        let name = either(None, input.group.as_ref())?;
        let items = parse(input.configuration.unwrap_or_default())?;
        self.change(cx, &name, |group| {
            if group.query.is_some() {
                return Err(error::bad_request("The group has a resource query, not a configuration."));
            }
            group.configuration = Some(items.clone());
            Ok(())
        })
        .await?;
        Ok(s::PutGroupConfigurationOutput {})
    }
}
