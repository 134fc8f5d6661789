use haneul_kit::{Access, ApiError, Cx, Handle, Result};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;

use super::{borrowed, tags_of};
use crate::model::Creation;
use crate::organizations::{On, Who};
use crate::page::{self, Wanted};
use crate::{Organizations, error, ids, render};

const ROLE_DEFAULT: &str = "OrganizationAccountAccessRole";
/// Numbers that are tried before giving up; that one is taken is nearly impossible.
const NUMBERS_MAX: usize = 10;

impl Handle<op::CreateAccount> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::CreateAccountRequest) -> Result<Vec<Access>> {
        let tags = borrowed(input.tags.as_ref());
        let mut all = Vec::new();
        let tagging = (!tags.is_empty()).then_some("organizations:TagResource");
        for action in ["organizations:CreateAccount"].into_iter().chain(tagging) {
            for access in self.ask(cx, Who::Management, action, &[On::All], &[]).await? {
                all.push(access.request_tags(tags.iter().copied()));
            }
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::CreateAccountRequest) -> Result<s::CreateAccountResponse> {
        let vantage = self.enter(cx, Who::Management).await?;
        let role = input.role_name.filter(|role| !role.is_empty()).unwrap_or_else(|| ROLE_DEFAULT.to_owned());
        let tags = tags_of(input.tags)?;
        let rng = &self.platform.env.rng;
        let request = ids::creation(rng);
        let mut creation = Creation {
            account: 0,
            name: input.account_name,
            email: input.email,
            role,
            tags,
            requested: cx.now().into(),
            completed: None,
            failure: None,
        };
        for _ in 0..NUMBERS_MAX {
            creation.account = ids::account(rng);
            if self.state.begin_creation(&vantage.id, &request, &creation).await? {
                self.work.wake();
                // What is answered is what was asked for; how it went is in the status.
                return Ok(s::CreateAccountResponse {
                    create_account_status: render::creation(&request, &creation),
                });
            }
        }
        Err(ApiError::internal("no free account number was found"))
    }
}

impl Handle<op::DescribeCreateAccountStatus> for Organizations {
    async fn access(&self, cx: &Cx, _: &s::DescribeCreateAccountStatusRequest) -> Result<Vec<Access>> {
        self.ask(cx, Who::Reader, "organizations:DescribeCreateAccountStatus", &[On::All], &[]).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeCreateAccountStatusRequest,
    ) -> Result<s::DescribeCreateAccountStatusResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        let request = &input.create_account_request_id;
        let found = self.state.creation(&vantage.id, request).await?.ok_or_else(error::creation_not_found)?;
        Ok(s::DescribeCreateAccountStatusResponse {
            create_account_status: render::creation(request, &found),
        })
    }
}

impl Handle<op::ListCreateAccountStatus> for Organizations {
    async fn access(&self, cx: &Cx, _: &s::ListCreateAccountStatusRequest) -> Result<Vec<Access>> {
        self.ask(cx, Who::Reader, "organizations:ListCreateAccountStatus", &[On::All], &[]).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListCreateAccountStatusRequest,
    ) -> Result<s::ListCreateAccountStatusResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        let states = input.states.unwrap_or_default();
        let wanted = Wanted {
            token: input.next_token.as_deref(),
            results_max: input.max_results,
            listing: format!("creations {} {states:?}", vantage.id),
        };
        let all = self.state.creations(&vantage.id).await?;
        let all = all.iter().filter_map(|(request, creation)| render::creation(request, creation));
        let all = all
            .filter(|status| states.is_empty() || status.state.as_ref().is_some_and(|s| states.contains(s)));
        let position = |status: &s::CreateAccountStatus| status.id.clone().unwrap_or_default();
        let (create_account_statuses, next_token) =
            page::cut(&self.platform.seal, &wanted, all.collect(), position)?;
        Ok(s::ListCreateAccountStatusResponse { create_account_statuses, next_token })
    }
}
