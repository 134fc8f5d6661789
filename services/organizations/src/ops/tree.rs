//! Who is below whom.

use haneul_kit::{Access, AccountId, Cx, Handle, Result};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;

use crate::ids::Target;
use crate::organizations::{On, Vantage, Who};
use crate::page::{self, Wanted};
use crate::store::{members, tree};
use crate::{Organizations, error, render};

impl Organizations {
    async fn check_parent(&self, vantage: &Vantage, parent: &str) -> Result<()> {
        match tree::exists(&self.state.store, &vantage.id, &vantage.organization, parent).await? {
            true => Ok(()),
            false => Err(error::parent_not_found()),
        }
    }

    async fn accounts_below(&self, vantage: &Vantage, parent: &str) -> Result<Vec<AccountId>> {
        let all = members(&self.state.store, &vantage.id).await?;
        let below =
            all.into_iter().filter(|(_, account)| account.seat.as_ref().is_some_and(|s| s.parent == parent));
        Ok(below.map(|(number, _)| number).collect())
    }
}

impl Handle<op::ListOrganizationalUnitsForParent> for Organizations {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::ListOrganizationalUnitsForParentRequest,
    ) -> Result<Vec<Access>> {
        let on = [On::Target(&input.parent_id)];
        self.ask(cx, Who::Reader, "organizations:ListOrganizationalUnitsForParent", &on, &[]).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListOrganizationalUnitsForParentRequest,
    ) -> Result<s::ListOrganizationalUnitsForParentResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        self.check_parent(&vantage, &input.parent_id).await?;
        let wanted = Wanted {
            token: input.next_token.as_deref(),
            results_max: input.max_results,
            listing: format!("units {} {}", vantage.id, input.parent_id),
        };
        let mut all = Vec::new();
        for (unit_id, unit) in tree::units(&self.state.store, &vantage.id).await? {
            if unit.parent == input.parent_id {
                let store = &self.state.store;
                all.push(render::unit(store, &vantage.id, &vantage.organization, &unit_id, &unit).await?);
            }
        }
        let position = |unit: &s::OrganizationalUnit| unit.id.clone().unwrap_or_default();
        let (organizational_units, next_token) = page::cut(&self.platform.seal, &wanted, all, position)?;
        Ok(s::ListOrganizationalUnitsForParentResponse { organizational_units, next_token })
    }
}

impl Handle<op::ListChildren> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::ListChildrenRequest) -> Result<Vec<Access>> {
        let on = [On::Target(&input.parent_id)];
        self.ask(cx, Who::Reader, "organizations:ListChildren", &on, &[]).await
    }

    async fn call(&self, cx: &Cx, input: s::ListChildrenRequest) -> Result<s::ListChildrenResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        self.check_parent(&vantage, &input.parent_id).await?;
        let children: Vec<String> = match input.child_type.as_str() {
            "ACCOUNT" => {
                let below = self.accounts_below(&vantage, &input.parent_id).await?;
                below.into_iter().map(|number| number.to_string()).collect()
            }
            "ORGANIZATIONAL_UNIT" => {
                let units = tree::units(&self.state.store, &vantage.id).await?;
                let below = units.into_iter().filter(|(_, unit)| unit.parent == input.parent_id);
                below.map(|(unit_id, _)| unit_id).collect()
            }
            _ => return Err(error::invalid("INVALID_ENUM", "You specified an invalid value.")),
        };
        let wanted = Wanted {
            token: input.next_token.as_deref(),
            results_max: input.max_results,
            listing: format!("children {} {} {}", vantage.id, input.parent_id, input.child_type),
        };
        let (children, next_token) = page::cut(&self.platform.seal, &wanted, children, String::clone)?;
        let child = |id| s::Child { id: Some(id), r#type: Some(input.child_type.clone()) };
        let children = children.map(|children| children.into_iter().map(child).collect());
        Ok(s::ListChildrenResponse { children, next_token })
    }
}

impl Handle<op::ListParents> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::ListParentsRequest) -> Result<Vec<Access>> {
        let on = [On::Target(&input.child_id)];
        self.ask(cx, Who::Reader, "organizations:ListParents", &on, &[]).await
    }

    async fn call(&self, cx: &Cx, input: s::ListParentsRequest) -> Result<s::ListParentsResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        let store = &self.state.store;
        let parent = match Target::parse(&input.child_id) {
            Some(Target::Unit(unit_id)) => {
                let units = tree::units(store, &vantage.id).await?;
                units.into_iter().find(|(id, _)| *id == unit_id).map(|(_, unit)| unit.parent)
            }
            Some(Target::Account(number)) => {
                let account = crate::store::member(store, &vantage.id, number).await?;
                account.and_then(|account| account.seat).map(|seat| seat.parent)
            }
            _ => None,
        };
        let parent = parent.ok_or_else(error::child_not_found)?;
        let kind = if parent == vantage.organization.root { "ROOT" } else { "ORGANIZATIONAL_UNIT" };
        let wanted = Wanted {
            token: input.next_token.as_deref(),
            results_max: input.max_results,
            listing: format!("parents {} {}", vantage.id, input.child_id),
        };
        let (parents, next_token) = page::cut(&self.platform.seal, &wanted, vec![parent], String::clone)?;
        let parents = parents.map(|parents| {
            parents.into_iter().map(|id| s::Parent { id: Some(id), r#type: Some(kind.into()) }).collect()
        });
        Ok(s::ListParentsResponse { parents, next_token })
    }
}

impl Handle<op::ListAccountsForParent> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::ListAccountsForParentRequest) -> Result<Vec<Access>> {
        let on = [On::Target(&input.parent_id)];
        self.ask(cx, Who::Reader, "organizations:ListAccountsForParent", &on, &[]).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListAccountsForParentRequest,
    ) -> Result<s::ListAccountsForParentResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        self.check_parent(&vantage, &input.parent_id).await?;
        let wanted = Wanted {
            token: input.next_token.as_deref(),
            results_max: input.max_results,
            listing: format!("accounts of {} {}", vantage.id, input.parent_id),
        };
        let below = self.accounts_below(&vantage, &input.parent_id).await?;
        let (below, next_token) = page::cut(&self.platform.seal, &wanted, below, ToString::to_string)?;
        let accounts = self.render_accounts(&vantage, below.unwrap_or_default()).await?;
        Ok(s::ListAccountsForParentResponse { accounts: Some(accounts), next_token })
    }
}
