use haneul_kit::{Access, Cx, Handle, Result};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;
use haneul_shape::Empty;

use super::accounts::number;
use super::service_access::{PRINCIPAL_KEY, check_principal};
use crate::organizations::{On, Who};
use crate::page::{self, Wanted};
use crate::store::{member, members};
use crate::{Organizations, error, render};

impl Handle<op::RegisterDelegatedAdministrator> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::RegisterDelegatedAdministratorRequest) -> Result<Vec<Access>> {
        let keys = [(PRINCIPAL_KEY, input.service_principal.as_str())];
        let action = "organizations:RegisterDelegatedAdministrator";
        self.ask(cx, Who::Management, action, &[On::Target(&input.account_id)], &keys).await
    }

    async fn call(&self, cx: &Cx, input: s::RegisterDelegatedAdministratorRequest) -> Result<Empty> {
        let vantage = self.enter(cx, Who::Management).await?;
        check_principal(&input.service_principal)?;
        let account = number(&input.account_id)?;
        self.state.delegate(&vantage.id, account, &input.service_principal, cx.now()).await?;
        Ok(Empty)
    }
}

impl Handle<op::DeregisterDelegatedAdministrator> for Organizations {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::DeregisterDelegatedAdministratorRequest,
    ) -> Result<Vec<Access>> {
        let keys = [(PRINCIPAL_KEY, input.service_principal.as_str())];
        let action = "organizations:DeregisterDelegatedAdministrator";
        self.ask(cx, Who::Management, action, &[On::Target(&input.account_id)], &keys).await
    }

    async fn call(&self, cx: &Cx, input: s::DeregisterDelegatedAdministratorRequest) -> Result<Empty> {
        let vantage = self.enter(cx, Who::Management).await?;
        check_principal(&input.service_principal)?;
        let account = number(&input.account_id)?;
        self.state.undelegate(&vantage.id, account, &input.service_principal).await?;
        Ok(Empty)
    }
}

impl Handle<op::ListDelegatedAdministrators> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::ListDelegatedAdministratorsRequest) -> Result<Vec<Access>> {
        let keys: Vec<_> =
            input.service_principal.iter().map(|principal| (PRINCIPAL_KEY, principal.as_str())).collect();
        let action = "organizations:ListDelegatedAdministrators";
        self.ask(cx, Who::Reader, action, &[On::All], &keys).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListDelegatedAdministratorsRequest,
    ) -> Result<s::ListDelegatedAdministratorsResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        if let Some(principal) = &input.service_principal {
            check_principal(principal)?;
        }
        let wanted = Wanted {
            token: input.next_token.as_deref(),
            results_max: input.max_results,
            listing: format!("delegates {} {:?}", vantage.id, input.service_principal),
        };
        let store = &self.state.store;
        let mut all = Vec::new();
        for (number, account) in members(store, &vantage.id).await? {
            let seat = account.seat.as_ref();
            let mut since = seat.into_iter().flat_map(|seat| &seat.delegations).filter(|(service, _)| {
                input.service_principal.as_ref().is_none_or(|wanted| wanted == *service)
            });
            let Some(first) = since.by_ref().map(|(_, at)| *at).min() else { continue };
            let rendered =
                render::account(store, &vantage.id, &vantage.organization, number, &account).await?;
            all.push(s::DelegatedAdministrator {
                id: rendered.id,
                arn: rendered.arn,
                email: rendered.email,
                name: rendered.name,
                status: rendered.status,
                state: rendered.state,
                joined_method: rendered.joined_method,
                joined_timestamp: rendered.joined_timestamp,
                delegation_enabled_date: Some(first.into()),
            });
        }
        let position = |account: &s::DelegatedAdministrator| account.id.clone().unwrap_or_default();
        let (found, next_token) = page::cut(&self.platform.seal, &wanted, all, position)?;
        Ok(s::ListDelegatedAdministratorsResponse { delegated_administrators: found, next_token })
    }
}

impl Handle<op::ListDelegatedServicesForAccount> for Organizations {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::ListDelegatedServicesForAccountRequest,
    ) -> Result<Vec<Access>> {
        let action = "organizations:ListDelegatedServicesForAccount";
        self.ask(cx, Who::Reader, action, &[On::Target(&input.account_id)], &[]).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListDelegatedServicesForAccountRequest,
    ) -> Result<s::ListDelegatedServicesForAccountResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        let account = number(&input.account_id)?;
        let found = member(&self.state.store, &vantage.id, account).await?;
        let found = found.and_then(|account| account.seat).ok_or_else(error::account_not_found)?;
        if found.delegations.is_empty() {
            return Err(error::not_registered());
        }
        let wanted = Wanted {
            token: input.next_token.as_deref(),
            results_max: input.max_results,
            listing: format!("delegations {} {account}", vantage.id),
        };
        let all = found.delegations.iter().map(|(principal, since)| s::DelegatedService {
            service_principal: Some(principal.clone()),
            delegation_enabled_date: Some((*since).into()),
        });
        let position = |service: &s::DelegatedService| service.service_principal.clone().unwrap_or_default();
        let (delegated_services, next_token) =
            page::cut(&self.platform.seal, &wanted, all.collect(), position)?;
        Ok(s::ListDelegatedServicesForAccountResponse { delegated_services, next_token })
    }
}
