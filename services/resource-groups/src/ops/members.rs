use haneul_kit::{Access, Cx, Handle, Result, Tagged, paging};
use haneul_resource_groups_wire::operations as op;
use haneul_resource_groups_wire::shapes as s;

use super::groups::{after, next};
use crate::error;
use crate::groups::{Groups, either, name_of};
use crate::model::Group;
use crate::query::Query;

const PAGE: usize = 50;
/// ARNs of one call.
const ARNS_MAX: usize = 10;

fn identifier(resource: &Tagged) -> s::ResourceIdentifier {
    s::ResourceIdentifier {
        resource_arn: Some(resource.arn.clone()),
        resource_type: Some(resource.kind.cloudformation.to_owned()),
    }
}

impl Groups {
    fn page(
        &self,
        purpose: &str,
        mut all: Vec<Tagged>,
        limit: Option<i32>,
        token: Option<&String>,
    ) -> Result<paging::Page<Tagged>> {
        let after = after(self, purpose, token)?;
        all.retain(|resource| after.as_ref().is_none_or(|after| resource.arn > *after));
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE);
        Ok(paging::cut(all, limit, &self.platform.seal, purpose, |resource| resource.arn.clone()))
    }
}

impl Handle<op::ListGroupResources> for Groups {
    async fn access(&self, cx: &Cx, input: &s::ListGroupResourcesInput) -> Result<Vec<Access>> {
        let name = either(input.group_name.as_ref(), input.group.as_ref())?;
        self.on_group(cx, "resource-groups:ListGroupResources", &name).await
    }

    async fn call(&self, cx: &Cx, input: s::ListGroupResourcesInput) -> Result<s::ListGroupResourcesOutput> {
        let name = either(input.group_name.as_ref(), input.group.as_ref())?;
        let group = self.group(cx, &name).await?;
        let types: Vec<String> =
            input.filters.unwrap_or_default().into_iter().flat_map(|filter| filter.values).collect();
        if let Some(query) = self.query_of(&group)?
            && let Some(kind) = types.iter().find(|kind| !query.is_about(kind))
        {
            let message =
                format!("The resource types specified as filters in the request are not valid: {kind}");
            return Err(error::bad_request(message));
        }
        let mut all = self.members(cx, &name, &group).await?;
        all.retain(|resource| {
            types.is_empty() || types.iter().any(|kind| kind == resource.kind.cloudformation)
        });
        let purpose = format!("resource-groups.members {} {} {name} {types:?}", cx.account(), cx.region());
        let page = self.page(&purpose, all, input.max_results, input.next_token.as_ref())?;
        let item = |resource: &Tagged| s::ListGroupResourcesItem {
            identifier: Some(identifier(resource)),
            status: None,
        };
        Ok(s::ListGroupResourcesOutput {
            resources: Some(page.items.iter().map(item).collect()),
            resource_identifiers: Some(page.items.iter().map(identifier).collect()),
            next_token: next(page.next),
            query_errors: Some(Vec::new()),
        })
    }
}

impl Handle<op::SearchResources> for Groups {
    async fn access(&self, _: &Cx, _: &s::SearchResourcesInput) -> Result<Vec<Access>> {
        Ok(vec![Access::to("resource-groups:SearchResources")])
    }

    async fn call(&self, cx: &Cx, input: s::SearchResourcesInput) -> Result<s::SearchResourcesOutput> {
        let given = &input.resource_query;
        let query = Query::parse(&given.r#type, &given.query, &self.platform.tagged.kinds())?;
        let mut all = self.resources(cx).await?;
        all.retain(|resource| query.finds(resource));
        let purpose = format!("resource-groups.search {} {} {}", cx.account(), cx.region(), given.query);
        let page = self.page(&purpose, all, input.max_results, input.next_token.as_ref())?;
        Ok(s::SearchResourcesOutput {
            resource_identifiers: Some(page.items.iter().map(identifier).collect()),
            next_token: next(page.next),
            query_errors: Some(Vec::new()),
        })
    }
}

/// Why a resource cannot be a member; `None` when it can.
fn obstacle(group: &Group, resource: Option<&Tagged>) -> Option<(&'static str, String)> {
    let Some(resource) = resource else {
        return Some(("RESOURCE_NOT_FOUND", "The resource does not exist.".to_owned()));
    };
    let items = group.configuration.as_deref().unwrap_or_default();
    let allowed: Vec<&String> = items
        .iter()
        .flat_map(|item| &item.parameters)
        .filter(|(name, _)| name == "allowed-resource-types")
        .flat_map(|(_, values)| values)
        .collect();
    let kind = resource.kind.cloudformation;
    let fits = allowed.is_empty() || allowed.iter().any(|allowed| *allowed == kind);
    (!fits)
        .then(|| ("RESOURCE_TYPE_NOT_ALLOWED", format!("The group's configuration does not allow {kind}.")))
}

fn by_hand(group: &Group, arns: &[String]) -> Result<()> {
    if group.query.is_some() {
        return Err(error::bad_request("The group's members are chosen by its resource query."));
    }
    match arns.len() {
        1..=ARNS_MAX => Ok(()),
        _ => Err(error::bad_request("Between 1 and 10 resource ARNs are expected.")),
    }
}

impl Handle<op::GroupResources> for Groups {
    async fn access(&self, cx: &Cx, input: &s::GroupResourcesInput) -> Result<Vec<Access>> {
        self.on_group(cx, "resource-groups:GroupResources", &name_of(&input.group)?).await
    }

    async fn call(&self, cx: &Cx, input: s::GroupResourcesInput) -> Result<s::GroupResourcesOutput> {
        let name = name_of(&input.group)?;
        let group = self.group(cx, &name).await?;
        by_hand(&group, &input.resource_arns)?;
        let all = self.resources(cx).await?;
        let (mut succeeded, mut failed) = (Vec::new(), Vec::new());
        for arn in input.resource_arns {
            match obstacle(&group, all.iter().find(|resource| resource.arn == arn)) {
                Some((code, message)) => failed.push(s::FailedResource {
                    resource_arn: Some(arn),
                    error_message: Some(message),
                    error_code: Some(code.to_owned()),
                }),
                None => {
                    self.join(cx, &name, &arn).await?;
                    succeeded.push(arn);
                }
            }
        }
        Ok(s::GroupResourcesOutput {
            succeeded: Some(succeeded),
            failed: Some(failed),
            pending: Some(Vec::new()),
        })
    }
}

impl Handle<op::UngroupResources> for Groups {
    async fn access(&self, cx: &Cx, input: &s::UngroupResourcesInput) -> Result<Vec<Access>> {
        self.on_group(cx, "resource-groups:UngroupResources", &name_of(&input.group)?).await
    }

    async fn call(&self, cx: &Cx, input: s::UngroupResourcesInput) -> Result<s::UngroupResourcesOutput> {
        let name = name_of(&input.group)?;
        by_hand(&self.group(cx, &name).await?, &input.resource_arns)?;
        let (mut succeeded, mut failed) = (Vec::new(), Vec::new());
        for arn in input.resource_arns {
            if self.leave(cx, &name, &arn).await? {
                succeeded.push(arn);
            } else {
                failed.push(s::FailedResource {
                    resource_arn: Some(arn),
                    error_message: Some("The resource is not in the group.".to_owned()),
                    error_code: Some("RESOURCE_NOT_IN_GROUP".to_owned()),
                });
            }
        }
        Ok(s::UngroupResourcesOutput {
            succeeded: Some(succeeded),
            failed: Some(failed),
            pending: Some(Vec::new()),
        })
    }
}
