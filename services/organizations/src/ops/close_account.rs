use haneul_kit::{Access, Cx, Handle, Result};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;
use haneul_shape::Empty;

use super::accounts::number;
use crate::organizations::{On, Who};
use crate::{Organizations, error};

impl Handle<op::CloseAccount> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::CloseAccountRequest) -> Result<Vec<Access>> {
        let on = [On::Target(&input.account_id)];
        self.ask(cx, Who::Management, "organizations:CloseAccount", &on, &[]).await
    }

    async fn call(&self, cx: &Cx, input: s::CloseAccountRequest) -> Result<Empty> {
        let vantage = self.enter(cx, Who::Management).await?;
        if !vantage.organization.all_features {
            return Err(error::constraint(
                "ORGANIZATION_NOT_IN_ALL_FEATURES_MODE",
                "This operation requires that all features are enabled in the organization.",
            ));
        }
        self.state.close_account(&vantage.id, number(&input.account_id)?, cx.now()).await?;
        self.work.wake();
        Ok(Empty)
    }
}
