use haneul_kit::{Access, Cx, Handle, Result, paging};
use haneul_resource_groups_wire::operations as op;
use haneul_resource_groups_wire::shapes as s;

use super::configuration::{self, shape as configuration_shape};
use super::tags;
use crate::error;
use crate::groups::{Groups, either};
use crate::model::Group;
use crate::query::Query;
use crate::resources::arn;

const PAGE: usize = 50;

impl Groups {
    fn check_query(&self, query: &s::ResourceQuery) -> Result<(String, String)> {
        Query::parse(&query.r#type, &query.query, &self.platform.tagged.kinds())?;
        Ok((query.r#type.clone(), query.query.clone()))
    }
}

fn no_application(
    criticality: Option<i32>,
    owner: Option<&String>,
    display_name: Option<&String>,
) -> Result<()> {
    match (criticality, owner, display_name) {
        (None, None, None) => Ok(()),
        _ => Err(error::unsupported("Criticality, Owner and DisplayName")),
    }
}

pub(super) fn shape(cx: &Cx, name: &str, group: &Group) -> s::Group {
    s::Group {
        group_arn: arn(cx.account(), cx.region(), name).to_string(),
        name: name.to_owned(),
        description: group.description.clone(),
        criticality: None,
        owner: None,
        display_name: None,
        application_tag: None,
    }
}

fn query_shape(group: &Group) -> Option<s::ResourceQuery> {
    group.query.clone().map(|(kind, query)| s::ResourceQuery { r#type: kind, query })
}

impl Handle<op::CreateGroup> for Groups {
    async fn access(&self, _: &Cx, input: &s::CreateGroupInput) -> Result<Vec<Access>> {
        let tags = input.tags.iter().flat_map(|tags| tags.iter());
        let tags = tags.map(|(key, value)| (key, value.as_str()));
        Ok(vec![Access::to("resource-groups:CreateGroup").request_tags(tags)])
    }

    async fn call(&self, cx: &Cx, input: s::CreateGroupInput) -> Result<s::CreateGroupOutput> {
        no_application(input.criticality, input.owner.as_ref(), input.display_name.as_ref())?;
        if input.name.to_ascii_lowercase().starts_with("aws") {
            return Err(error::bad_request("Group name must not start with aws"));
        }
        let query = input.resource_query.as_ref().map(|query| self.check_query(query)).transpose()?;
        let configuration = input.configuration.map(configuration::parse).transpose()?;
        if query.is_some() && configuration.is_some() {
            return Err(error::bad_request(
                "A group has either a resource query or a configuration, not both.",
            ));
        }
        let query_given = query.is_some();
        let group = Group {
            description: input.description,
            query,
            configuration: if query_given { None } else { Some(configuration.unwrap_or_default()) },
            tags: tags::parse(input.tags)?,
        };
        self.create(cx, &input.name, &group).await?;
        Ok(s::CreateGroupOutput {
            group: Some(shape(cx, &input.name, &group)),
            resource_query: query_shape(&group),
            tags: Some(tags::shape(&group.tags)),
            group_configuration: group.configuration.as_ref().map(|items| configuration_shape(items)),
        })
    }
}

impl Handle<op::GetGroup> for Groups {
    async fn access(&self, cx: &Cx, input: &s::GetGroupInput) -> Result<Vec<Access>> {
        let name = either(input.group_name.as_ref(), input.group.as_ref())?;
        self.on_group(cx, "resource-groups:GetGroup", &name).await
    }

    async fn call(&self, cx: &Cx, input: s::GetGroupInput) -> Result<s::GetGroupOutput> {
        let name = either(input.group_name.as_ref(), input.group.as_ref())?;
        Ok(s::GetGroupOutput { group: Some(shape(cx, &name, &self.group(cx, &name).await?)) })
    }
}

impl Handle<op::UpdateGroup> for Groups {
    async fn access(&self, cx: &Cx, input: &s::UpdateGroupInput) -> Result<Vec<Access>> {
        let name = either(input.group_name.as_ref(), input.group.as_ref())?;
        self.on_group(cx, "resource-groups:UpdateGroup", &name).await
    }

    async fn call(&self, cx: &Cx, input: s::UpdateGroupInput) -> Result<s::UpdateGroupOutput> {
        let name = either(input.group_name.as_ref(), input.group.as_ref())?;
        no_application(input.criticality, input.owner.as_ref(), input.display_name.as_ref())?;
        let group = self
            .change(cx, &name, |group| {
                group.description.clone_from(&input.description);
                Ok(())
            })
            .await?;
        Ok(s::UpdateGroupOutput { group: Some(shape(cx, &name, &group)) })
    }
}

impl Handle<op::DeleteGroup> for Groups {
    async fn access(&self, cx: &Cx, input: &s::DeleteGroupInput) -> Result<Vec<Access>> {
        let name = either(input.group_name.as_ref(), input.group.as_ref())?;
        self.on_group(cx, "resource-groups:DeleteGroup", &name).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteGroupInput) -> Result<s::DeleteGroupOutput> {
        let name = either(input.group_name.as_ref(), input.group.as_ref())?;
        let group = self.delete(cx, &name).await?;
        Ok(s::DeleteGroupOutput { group: Some(shape(cx, &name, &group)) })
    }
}

impl Handle<op::ListGroups> for Groups {
    async fn access(&self, _: &Cx, _: &s::ListGroupsInput) -> Result<Vec<Access>> {
        Ok(vec![Access::to("resource-groups:ListGroups")])
    }

    async fn call(&self, cx: &Cx, input: s::ListGroupsInput) -> Result<s::ListGroupsOutput> {
        let filters = input.filters.unwrap_or_default();
        let purpose = format!("resource-groups.groups {} {}", cx.account(), cx.region());
        let after = after(self, &purpose, input.next_token.as_ref())?;
        let limit = input.max_results.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE);
        let mut all = Vec::new();
        for (name, group) in self.all(cx).await? {
            if after.as_ref().is_none_or(|after| name > *after) && self.is_wanted(&group, &filters)? {
                all.push((name, group));
            }
        }
        let page = paging::cut(all, limit, &self.platform.seal, &purpose, |(name, _)| name.clone());
        let identifiers = page.items.iter().map(|(name, group)| s::GroupIdentifier {
            group_name: Some(name.clone()),
            group_arn: Some(arn(cx.account(), cx.region(), name).to_string()),
            description: group.description.clone(),
            ..Default::default()
        });
        Ok(s::ListGroupsOutput {
            group_identifiers: Some(identifiers.collect()),
            groups: Some(page.items.iter().map(|(name, group)| shape(cx, name, group)).collect()),
            next_token: next(page.next),
        })
    }
}

impl Groups {
    fn is_wanted(&self, group: &Group, filters: &[s::GroupFilter]) -> Result<bool> {
        for filter in filters {
            let fits = match &*filter.name {
                "resource-type" => match self.query_of(group)? {
                    Some(query) => {
                        filter.values.iter().any(|kind| query.resource_type_filters.contains(kind))
                    }
                    None => false,
                },
                "configuration-type" => {
                    let items = group.configuration.as_deref().unwrap_or_default();
                    items.iter().any(|item| filter.values.contains(&item.kind))
                }
                _ => false,
            };
            if !fits {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Where a listing goes on.
pub(super) fn after(groups: &Groups, purpose: &str, token: Option<&String>) -> Result<Option<String>> {
    let bad = || error::bad_request("NextToken is not valid.");
    let read = |token: &String| {
        let token = token.replace('+', "-").replace('/', "_");
        paging::position(&groups.platform.seal, purpose, &token).ok_or_else(bad)
    };
    token.map(read).transpose()
}

/// Tokens here are of plain base64's alphabet.
pub(super) fn next(token: Option<String>) -> Option<String> {
    token.map(|token| token.replace('-', "+").replace('_', "/"))
}

impl Handle<op::GetGroupQuery> for Groups {
    async fn access(&self, cx: &Cx, input: &s::GetGroupQueryInput) -> Result<Vec<Access>> {
        let name = either(input.group_name.as_ref(), input.group.as_ref())?;
        self.on_group(cx, "resource-groups:GetGroupQuery", &name).await
    }

    async fn call(&self, cx: &Cx, input: s::GetGroupQueryInput) -> Result<s::GetGroupQueryOutput> {
        let name = either(input.group_name.as_ref(), input.group.as_ref())?;
        let group = self.group(cx, &name).await?;
        let query =
            query_shape(&group).ok_or_else(|| error::bad_request("The group has no resource query."))?;
        Ok(s::GetGroupQueryOutput {
            group_query: Some(s::GroupQuery { group_name: name, resource_query: query }),
        })
    }
}

impl Handle<op::UpdateGroupQuery> for Groups {
    async fn access(&self, cx: &Cx, input: &s::UpdateGroupQueryInput) -> Result<Vec<Access>> {
        let name = either(input.group_name.as_ref(), input.group.as_ref())?;
        self.on_group(cx, "resource-groups:UpdateGroupQuery", &name).await
    }

    async fn call(&self, cx: &Cx, input: s::UpdateGroupQueryInput) -> Result<s::UpdateGroupQueryOutput> {
        let name = either(input.group_name.as_ref(), input.group.as_ref())?;
        let query = self.check_query(&input.resource_query)?;
        self.change(cx, &name, |group| {
            if group.query.is_none() {
                return Err(error::bad_request("The group has a configuration, not a resource query."));
            }
            group.query = Some(query.clone());
            Ok(())
        })
        .await?;
        let group_query = s::GroupQuery { group_name: name, resource_query: input.resource_query };
        Ok(s::UpdateGroupQueryOutput { group_query: Some(group_query) })
    }
}
