use std::sync::Arc;

use haneul_kit::{Platform, Result, Service};
use haneul_organizations_wire as wire;
use wire::operations as op;

use crate::Organizations;
use crate::tasks::Settle;
use crate::view::View;

/// The dispatch table. Tells the platform of the [`Organization`](haneul_kit::Organization).
pub async fn service(platform: &Platform) -> Result<Service> {
    let organizations = Arc::new(Organizations::new(platform));
    let view = View::open(platform, organizations.state.clone()).await?;
    platform.set_organization(Arc::new(view));
    Ok(Service::of(&wire::SERVICE, organizations.clone())
        .op::<op::CreateOrganization>()
        .op::<op::DescribeOrganization>()
        .op::<op::DeleteOrganization>()
        .op::<op::LeaveOrganization>()
        .op::<op::ListRoots>()
        .op::<op::CreateOrganizationalUnit>()
        .op::<op::DescribeOrganizationalUnit>()
        .op::<op::UpdateOrganizationalUnit>()
        .op::<op::DeleteOrganizationalUnit>()
        .op::<op::ListOrganizationalUnitsForParent>()
        .op::<op::ListChildren>()
        .op::<op::ListParents>()
        .op::<op::CreateAccount>()
        .op::<op::DescribeCreateAccountStatus>()
        .op::<op::ListCreateAccountStatus>()
        .op::<op::DescribeAccount>()
        .op::<op::ListAccounts>()
        .op::<op::ListAccountsForParent>()
        .op::<op::MoveAccount>()
        .op::<op::CloseAccount>()
        .op::<op::RemoveAccountFromOrganization>()
        .op::<op::CreatePolicy>()
        .op::<op::DescribePolicy>()
        .op::<op::UpdatePolicy>()
        .op::<op::DeletePolicy>()
        .op::<op::ListPolicies>()
        .op::<op::ListPoliciesForTarget>()
        .op::<op::ListTargetsForPolicy>()
        .op::<op::AttachPolicy>()
        .op::<op::DetachPolicy>()
        .op::<op::EnablePolicyType>()
        .op::<op::DisablePolicyType>()
        .op::<op::DescribeEffectivePolicy>()
        .op::<op::ListAccountsWithInvalidEffectivePolicy>()
        .op::<op::ListEffectivePolicyValidationErrors>()
        .op::<op::InviteAccountToOrganization>()
        .op::<op::EnableAllFeatures>()
        .op::<op::AcceptHandshake>()
        .op::<op::DeclineHandshake>()
        .op::<op::CancelHandshake>()
        .op::<op::DescribeHandshake>()
        .op::<op::ListHandshakesForAccount>()
        .op::<op::ListHandshakesForOrganization>()
        .op::<op::InviteOrganizationToTransferResponsibility>()
        .op::<op::DescribeResponsibilityTransfer>()
        .op::<op::ListInboundResponsibilityTransfers>()
        .op::<op::ListOutboundResponsibilityTransfers>()
        .op::<op::UpdateResponsibilityTransfer>()
        .op::<op::TerminateResponsibilityTransfer>()
        .op::<op::EnableAWSServiceAccess>()
        .op::<op::DisableAWSServiceAccess>()
        .op::<op::ListAWSServiceAccessForOrganization>()
        .op::<op::RegisterDelegatedAdministrator>()
        .op::<op::DeregisterDelegatedAdministrator>()
        .op::<op::ListDelegatedAdministrators>()
        .op::<op::ListDelegatedServicesForAccount>()
        .op::<op::PutResourcePolicy>()
        .op::<op::DescribeResourcePolicy>()
        .op::<op::DeleteResourcePolicy>()
        .op::<op::TagResource>()
        .op::<op::UntagResource>()
        .op::<op::ListTagsForResource>()
        .reconciler(Arc::new(Settle(organizations)))
        .build())
}
