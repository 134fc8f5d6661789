use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, AccountId, Cx, Handle, Result};

use crate::iam::Iam;
use crate::model::{DelegationRequest, DelegationState, delegation_arn};
use crate::{delegation, error};

/// AWS's console shows requests there; there is no console here, only the operations.
const CONSOLE: &str = "https://console.aws.amazon.com/iam/home#/delegation-requests/";

impl Handle<op::CreateDelegationRequest> for Iam {
    async fn access(&self, cx: &Cx, input: &s::CreateDelegationRequestRequest) -> Result<Vec<Access>> {
        Iam::gate(cx)?;
        let arn = delegation_arn(cx.account(), "*");
        let access = Access::on("iam:CreateDelegationRequest", &arn)
            .key("iam:DelegationDuration", input.session_duration.to_string())
            .key("iam:NotificationChannel", input.notification_channel.as_str());
        Ok(vec![match &input.permissions.policy_template_arn {
            Some(template) => access.key("iam:TemplateArn", template.as_str()),
            None => access,
        }])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateDelegationRequestRequest,
    ) -> Result<s::CreateDelegationRequestResponse> {
        let partner = self.catalog.partner(cx.account()).ok_or_else(error::not_a_partner)?;
        let template_arn = input.permissions.policy_template_arn.unwrap_or_default();
        let template =
            partner.template(&template_arn).ok_or_else(|| error::no_such_template(&template_arn))?;
        if !partner.channels.contains(&input.notification_channel) {
            return Err(error::channel(&input.notification_channel));
        }
        let rendered = delegation::render(template, input.permissions.parameters.unwrap_or_default())?;
        let owner_account = input.owner_account_id.as_deref().and_then(|id| id.parse::<AccountId>().ok());
        let now = cx.now().into();
        let request = DelegationRequest {
            id: self.platform.env.rng.uuid(),
            requestor: cx.account().number(),
            requestor_name: partner.name.clone(),
            workflow_id: input.requestor_workflow_id,
            owner_account: owner_account.map(AccountId::number),
            owner: None,
            approver: None,
            approved_as: None,
            description: input.description,
            message: input.request_message,
            template: template_arn,
            parameters: rendered.parameters,
            policy: rendered.policy,
            boundaries: rendered.boundaries,
            redirect_url: input.redirect_url,
            channel: input.notification_channel,
            session_secs: input.session_duration,
            only_send_by_owner: input.only_send_by_owner.unwrap_or(false),
            state: DelegationState::Unassigned,
            created: now,
            changed: now,
            notes: None,
            rejection: None,
            changes: 0,
        };
        self.state.create_delegation(&request, cx.now()).await?;
        self.expiry.signal.wake();
        Ok(s::CreateDelegationRequestResponse {
            console_deep_link: Some(format!("{CONSOLE}{}", request.id)),
            delegation_request_id: Some(request.id),
        })
    }
}
