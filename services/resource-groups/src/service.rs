use std::sync::Arc;

use haneul_kit::{Platform, Result, Service};
use haneul_resource_groups_wire as wire;
use wire::operations as op;

use crate::Groups;

/// The dispatch table.
///
/// # Errors
/// None.
pub async fn service(platform: &Platform) -> Result<Service> {
    platform.tagged.add("resource-groups", crate::resources::KINDS, crate::resources::list);
    let groups = Arc::new(Groups { platform: platform.clone() });
    Ok(Service::of(&wire::SERVICE, groups)
        .op::<op::CreateGroup>()
        .op::<op::DeleteGroup>()
        .op::<op::GetGroup>()
        .op::<op::GetGroupConfiguration>()
        .op::<op::GetGroupQuery>()
        .op::<op::GetTags>()
        .op::<op::GroupResources>()
        .op::<op::ListGroupResources>()
        .op::<op::ListGroups>()
        .op::<op::PutGroupConfiguration>()
        .op::<op::SearchResources>()
        .op::<op::Tag>()
        .op::<op::UngroupResources>()
        .op::<op::Untag>()
        .op::<op::UpdateGroup>()
        .op::<op::UpdateGroupQuery>()
        .build())
}
