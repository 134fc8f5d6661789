use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_iam_wire::values::deletion_task_status_type as status;
use haneul_kit::{Access, Arn, Cx, Handle, Result};

use crate::error;
use crate::iam::{Iam, id_prefix};
use crate::model::{DeletionState, Kind, Role, Trust};
use crate::service_linked::{LinkedService, principal_in};
use crate::store::entities::new_entity;

const MAX_SESSION_SECS: u32 = 3600;

impl Handle<op::CreateServiceLinkedRole> for Iam {
    async fn access(&self, cx: &Cx, input: &s::CreateServiceLinkedRoleRequest) -> Result<Vec<Access>> {
        let action = "iam:CreateServiceLinkedRole";
        let access = match LinkedService::find(&input.aws_service_name) {
            Some(service) => {
                let name = service.role_name(input.custom_suffix.as_deref());
                Iam::on_new(cx, action, "role", Some(&service.path()), &name)?
            }
            None => {
                let path = format!("/aws-service-role/{}/", input.aws_service_name);
                Iam::on_new(cx, action, "role", Some(&path), "*")?
            }
        };
        Ok(vec![access.key("iam:AWSServiceName", input.aws_service_name.as_str())])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateServiceLinkedRoleRequest,
    ) -> Result<s::CreateServiceLinkedRoleResponse> {
        let service = LinkedService::find(&input.aws_service_name)
            .ok_or_else(|| error::no_service_linked_role(&input.aws_service_name))?;
        if input.custom_suffix.is_some() && !service.takes_suffix {
            return Err(error::no_suffix(&input.aws_service_name));
        }
        let name = service.role_name(input.custom_suffix.as_deref());
        if name.len() > NAME_MAX {
            return Err(error::validation("The suffix makes the role's name longer than 64 characters."));
        }
        let id = self.unique_id(id_prefix(Kind::Role), cx.account());
        let mut entity = new_entity(Some(&service.path()), &name, id, cx.now());
        entity.attached = service.policy_arn().into_iter().collect();
        let role = Role {
            entity,
            boundary: None,
            tags: Vec::new(),
            description: input.description.filter(|text| !text.is_empty()),
            max_session_secs: MAX_SESSION_SECS,
            trust: Trust { document: service.trust_policy(), pinned: Default::default() },
            instance_profiles: Vec::new(),
            template: None,
        };
        self.state.create_service_linked_role(cx.account(), &role).await?;
        let shown = self.full_role(cx.account(), &role).await?;
        let shown = s::Role { role_last_used: None, max_session_duration: None, ..shown };
        Ok(s::CreateServiceLinkedRoleResponse { role: Some(shown) })
    }
}

impl Handle<op::DeleteServiceLinkedRole> for Iam {
    async fn access(&self, cx: &Cx, input: &s::DeleteServiceLinkedRoleRequest) -> Result<Vec<Access>> {
        let access = self.on::<Role>(cx, "iam:DeleteServiceLinkedRole", &input.role_name).await?;
        let found: Option<Role> = self.state.find(cx.account(), &input.role_name).await?;
        let principal = found.as_ref().and_then(|role| principal_in(&role.entity.path));
        Ok(vec![match principal {
            Some(principal) => access.key("iam:AWSServiceName", principal),
            None => access,
        }])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteServiceLinkedRoleRequest,
    ) -> Result<s::DeleteServiceLinkedRoleResponse> {
        let id = self.platform.env.rng.uuid();
        let id = self.state.submit_deletion(cx.account(), &input.role_name, &id, cx.now()).await?;
        self.deletions.signal.wake();
        Ok(s::DeleteServiceLinkedRoleResponse { deletion_task_id: id })
    }
}

impl Handle<op::GetServiceLinkedRoleDeletionStatus> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetServiceLinkedRoleDeletionStatusRequest,
    ) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:GetServiceLinkedRoleDeletionStatus")?;
        // The role is in the id: task/aws-service-role/<principal>/<role>/<uuid>.
        let role = input.deletion_task_id.strip_prefix("task").and_then(|rest| rest.rsplit_once('/'));
        let role = role.map_or("/*", |(role, _)| role);
        let arn = Arn::global("iam", cx.account(), format_args!("role{role}"));
        Ok(vec![Access::on("iam:GetServiceLinkedRoleDeletionStatus", &arn)])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetServiceLinkedRoleDeletionStatusRequest,
    ) -> Result<s::GetServiceLinkedRoleDeletionStatusResponse> {
        let task = self.state.deletion_task(cx.account(), &input.deletion_task_id).await?;
        let status = match task.state {
            DeletionState::InProgress => status::IN_PROGRESS,
            DeletionState::Succeeded => status::SUCCEEDED,
            DeletionState::Failed => status::FAILED,
        };
        let used_by = task.used_by.into_iter();
        let reason = task.reason.map(|reason| s::DeletionTaskFailureReasonType {
            reason: Some(reason),
            role_usage_list: Some(
                used_by
                    .map(|(region, resources)| s::RoleUsageType {
                        region: Some(region),
                        resources: Some(resources),
                    })
                    .collect(),
            ),
        });
        Ok(s::GetServiceLinkedRoleDeletionStatusResponse { status: status.to_owned(), reason })
    }
}

const NAME_MAX: usize = 64;
