use haneul_kit::{Access, AccountId, Cx, Handle, Result};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;
use haneul_shape::Empty;

use crate::organizations::{On, Vantage, Who};
use crate::page::{self, Wanted};
use crate::store::{member, members};
use crate::{Organizations, error, render};

/// The model has checked that it is twelve digits.
pub(super) fn number(text: &str) -> Result<AccountId> {
    text.parse().map_err(|_| error::account_not_found())
}

impl Organizations {
    pub(super) async fn render_accounts(
        &self,
        vantage: &Vantage,
        numbers: Vec<AccountId>,
    ) -> Result<Vec<s::Account>> {
        let store = &self.state.store;
        let mut rendered = Vec::new();
        for number in numbers {
            if let Some(account) = member(store, &vantage.id, number).await? {
                let account =
                    render::account(store, &vantage.id, &vantage.organization, number, &account).await?;
                rendered.push(account);
            }
        }
        Ok(rendered)
    }
}

impl Handle<op::DescribeAccount> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::DescribeAccountRequest) -> Result<Vec<Access>> {
        let on = [On::Target(&input.account_id)];
        self.ask(cx, Who::Reader, "organizations:DescribeAccount", &on, &[]).await
    }

    async fn call(&self, cx: &Cx, input: s::DescribeAccountRequest) -> Result<s::DescribeAccountResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        let found = self.render_accounts(&vantage, vec![number(&input.account_id)?]).await?;
        let account = found.into_iter().next().ok_or_else(error::account_not_found)?;
        Ok(s::DescribeAccountResponse { account: Some(account) })
    }
}

impl Handle<op::ListAccounts> for Organizations {
    async fn access(&self, cx: &Cx, _: &s::ListAccountsRequest) -> Result<Vec<Access>> {
        self.ask(cx, Who::Reader, "organizations:ListAccounts", &[On::All], &[]).await
    }

    async fn call(&self, cx: &Cx, input: s::ListAccountsRequest) -> Result<s::ListAccountsResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        let wanted = Wanted {
            token: input.next_token.as_deref(),
            results_max: input.max_results,
            listing: format!("accounts {}", vantage.id),
        };
        let all = members(&self.state.store, &vantage.id).await?;
        let all = all.into_iter().map(|(number, _)| number).collect();
        let (numbers, next_token) = page::cut(&self.platform.seal, &wanted, all, ToString::to_string)?;
        let accounts = self.render_accounts(&vantage, numbers.unwrap_or_default()).await?;
        Ok(s::ListAccountsResponse { accounts: Some(accounts), next_token })
    }
}

impl Handle<op::MoveAccount> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::MoveAccountRequest) -> Result<Vec<Access>> {
        let on = [
            On::Target(&input.account_id),
            On::Target(&input.source_parent_id),
            On::Target(&input.destination_parent_id),
        ];
        self.ask(cx, Who::Management, "organizations:MoveAccount", &on, &[]).await
    }

    async fn call(&self, cx: &Cx, input: s::MoveAccountRequest) -> Result<Empty> {
        let vantage = self.enter(cx, Who::Management).await?;
        let number = number(&input.account_id)?;
        let (from, to) = (&input.source_parent_id, &input.destination_parent_id);
        self.state.move_account(&vantage.id, number, from, to).await?;
        Ok(Empty)
    }
}

impl Handle<op::RemoveAccountFromOrganization> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::RemoveAccountFromOrganizationRequest) -> Result<Vec<Access>> {
        let on = [On::Target(&input.account_id)];
        self.ask(cx, Who::Management, "organizations:RemoveAccountFromOrganization", &on, &[]).await
    }

    async fn call(&self, cx: &Cx, input: s::RemoveAccountFromOrganizationRequest) -> Result<Empty> {
        let vantage = self.enter(cx, Who::Management).await?;
        self.state.remove_account(&vantage.id, number(&input.account_id)?).await?;
        Ok(Empty)
    }
}
