use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_iam_wire::values::{permission_check_status_type as status, summary_state_type as summary_state};
use haneul_kit::{Access, Arn, Cx, Handle, Result};

use super::{DEFAULT_PERMISSION, Default, is_self, must_be_ours, on_request};
use crate::delegation::{check, summary};
use crate::iam::Iam;
use crate::model::DelegationRequest;
use crate::page::Wanted;
use crate::{document, error};

impl Handle<op::GetDelegationRequest> for Iam {
    async fn access(&self, cx: &Cx, input: &s::GetDelegationRequestRequest) -> Result<Vec<Access>> {
        let id = &input.delegation_request_id;
        self.on_delegation(cx, "iam:GetDelegationRequest", id, Default::Anybody).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetDelegationRequestRequest,
    ) -> Result<s::GetDelegationRequestResponse> {
        let request = self.state.delegation(&input.delegation_request_id, cx.now()).await?;
        must_be_ours(cx, &request)?;
        let answer = match input.delegation_permission_check {
            Some(true) => Some(self.permission_check(cx, &request).await?),
            _ => None,
        };
        Ok(s::GetDelegationRequestResponse {
            permission_check_status: answer.map(|_| status::COMPLETE.to_owned()),
            permission_check_result: answer.map(|answer| answer.as_str().to_owned()),
            delegation_request: Some(shown(cx, request)),
        })
    }
}

impl Handle<op::ListDelegationRequests> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ListDelegationRequestsRequest) -> Result<Vec<Access>> {
        Iam::gate(cx)?;
        let access = Access::to("iam:ListDelegationRequests");
        Ok(vec![match &input.owner_id {
            Some(owner) => {
                let own = is_self(cx, owner).then(|| DEFAULT_PERMISSION.clone());
                access.with_policy(own).key("iam:DelegationRequestOwner", owner.as_str())
            }
            None => access,
        }])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListDelegationRequestsRequest,
    ) -> Result<s::ListDelegationRequestsResponse> {
        let mut requests = self.state.delegations_of(cx.account(), cx.now()).await?;
        if let Some(owner) = &input.owner_id {
            requests.retain(|request| request.owner.as_ref() == Some(owner));
        }
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("ListDelegationRequests {:?}", input.owner_id),
        };
        let page = self.page(cx, wanted, requests, |request| request.id.clone())?;
        Ok(s::ListDelegationRequestsResponse {
            delegation_requests: Some(page.items.into_iter().map(|request| shown(cx, request)).collect()),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

impl Handle<op::GetHumanReadableSummary> for Iam {
    async fn access(&self, cx: &Cx, input: &s::GetHumanReadableSummaryRequest) -> Result<Vec<Access>> {
        Iam::gate(cx)?;
        let request = self.named(cx, &input.entity_arn).await?;
        Ok(vec![on_request(cx, "iam:GetHumanReadableSummary", &request, Default::Anybody)])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetHumanReadableSummaryRequest,
    ) -> Result<s::GetHumanReadableSummaryResponse> {
        let request = self.named(cx, &input.entity_arn).await?;
        let policy = document::compile(&request.policy)?;
        let content = summary::write(&request, &policy, input.locale.as_deref());
        let state = if content.is_some() { summary_state::AVAILABLE } else { summary_state::NOT_SUPPORTED };
        Ok(s::GetHumanReadableSummaryResponse {
            summary_content: content,
            locale: Some(summary::locale_or_default(input.locale)),
            summary_state: Some(state.to_owned()),
        })
    }
}

impl Iam {
    /// The request that an ARN names.
    async fn named(&self, cx: &Cx, arn: &str) -> Result<DelegationRequest> {
        let parsed = Arn::parse(arn).ok().filter(|of| of.service() == "iam" && of.account_id().is_some());
        let id = parsed.as_ref().and_then(|of| of.resource().strip_prefix("delegation-request/"));
        let id = id.ok_or_else(|| error::not_a_delegation(arn))?;
        let request = self.state.delegation(id, cx.now()).await?;
        let owner = request.owner_account();
        let right = owner.is_none() || owner == parsed.as_ref().and_then(Arn::account_id);
        if right { Ok(request) } else { Err(error::no_such_delegation(&request.id)) }
    }

    async fn permission_check(&self, cx: &Cx, request: &DelegationRequest) -> Result<check::Answer> {
        let asked = document::compile(&request.policy)?;
        let policies = self.platform.directory().policies(cx.caller()).await?;
        let standing = self.platform.standing(cx.account()).await?;
        let membership = standing.as_ref().and_then(|standing| standing.membership.as_ref());
        let scps = membership.map(|of| of.scp_levels.as_slice()).unwrap_or_default();
        Ok(check::check(&asked, cx.caller(), &policies, scps))
    }
}

fn shown(cx: &Cx, request: DelegationRequest) -> s::DelegationRequest {
    let parameters = request.parameters.iter().map(|parameter| s::PolicyParameter {
        name: Some(parameter.name.clone()),
        values: Some(parameter.values.clone()),
        r#type: Some(parameter.kind.clone()),
    });
    s::DelegationRequest {
        owner_account_id: request.owner_account().map(|account| account.to_string()),
        permissions: Some(s::DelegationPermission {
            policy_template_arn: Some(request.template.clone()),
            parameters: Some(parameters.collect()),
        }),
        state: Some(request.state(cx.now()).as_str().to_owned()),
        expiration_time: Some(request.expires()),
        requestor_id: Some(request.requestor().to_string()),
        create_date: Some(request.created.into()),
        updated_time: Some(request.changed.into()),
        delegation_request_id: Some(request.id),
        description: Some(request.description),
        request_message: request.message,
        permission_policy: Some(request.policy),
        role_permission_restriction_arns: (!request.boundaries.is_empty()).then_some(request.boundaries),
        owner_id: request.owner,
        approver_id: request.approver,
        requestor_name: Some(request.requestor_name),
        session_duration: Some(request.session_secs),
        redirect_url: request.redirect_url,
        notes: request.notes,
        rejection_reason: request.rejection,
        only_send_by_owner: Some(request.only_send_by_owner),
    }
}
