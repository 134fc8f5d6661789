use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_iam_wire::values::{entity_type, policy_usage_type as usage_type};
use haneul_kit::{Access, AccountId, Cx, Handle, Result};

use crate::iam::Iam;
use crate::model::{Entity, Group, Kind, Role, Usage, User};
use crate::page::Wanted;
use crate::store::Identity;

impl Handle<op::ListEntitiesForPolicy> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ListEntitiesForPolicyRequest) -> Result<Vec<Access>> {
        self.on_policy(cx, "iam:ListEntitiesForPolicy", &input.policy_arn).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListEntitiesForPolicyRequest,
    ) -> Result<s::ListEntitiesForPolicyResponse> {
        self.state.policy(cx.account(), &input.policy_arn).await?;
        let filter = input.entity_filter.as_deref();
        let wants = |kind| filter.is_none_or(|filter| filter == kind);
        let search = Search {
            account: cx.account(),
            arn: &input.policy_arn,
            usages: match input.policy_usage_filter.as_deref() {
                Some(usage_type::PERMISSIONS_BOUNDARY) => &[Usage::Boundary],
                Some(_) => &[Usage::Permissions],
                None => &[Usage::Permissions, Usage::Boundary],
            },
            prefix: input.path_prefix.as_deref().unwrap_or("/"),
        };
        let mut found = Vec::new();
        if wants(entity_type::GROUP) {
            self.entities_of::<Group>(&search, &mut found).await?;
        }
        if wants(entity_type::USER) {
            self.entities_of::<User>(&search, &mut found).await?;
        }
        if wants(entity_type::ROLE) {
            self.entities_of::<Role>(&search, &mut found).await?;
        }
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!(
                "ListEntitiesForPolicy {} {filter:?} {:?} {}",
                search.arn, search.usages, search.prefix
            ),
        };
        let page = self.page(cx, wanted, found, position)?;
        let (mut groups, mut users, mut roles) = (Vec::new(), Vec::new(), Vec::new());
        for (kind, Entity { name, id, .. }) in page.items {
            match kind {
                Kind::Group => groups.push(s::PolicyGroup { group_name: Some(name), group_id: Some(id) }),
                Kind::User => users.push(s::PolicyUser { user_name: Some(name), user_id: Some(id) }),
                Kind::Role => roles.push(s::PolicyRole { role_name: Some(name), role_id: Some(id) }),
            }
        }
        Ok(s::ListEntitiesForPolicyResponse {
            policy_groups: Some(groups),
            policy_users: Some(users),
            policy_roles: Some(roles),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

struct Search<'a> {
    account: AccountId,
    arn: &'a str,
    usages: &'static [Usage],
    prefix: &'a str,
}

/// Groups, users, roles; by name within each.
fn position((kind, entity): &(Kind, Entity)) -> String {
    let rank = match kind {
        Kind::Group => 0,
        Kind::User => 1,
        Kind::Role => 2,
    };
    format!("{rank}{}", entity.name.to_ascii_lowercase())
}

impl Iam {
    async fn entities_of<T: Identity>(
        &self,
        search: &Search<'_>,
        found: &mut Vec<(Kind, Entity)>,
    ) -> Result<()> {
        let mut names = Vec::new();
        for usage in search.usages {
            names.extend(self.state.users_of_policy(search.account, search.arn, *usage, T::KIND).await?);
        }
        names.sort();
        names.dedup();
        for name in names {
            let record: Option<T> = self.state.find(search.account, &name).await?;
            let entity = record.map(|record| record.entity().clone());
            found
                .extend(entity.filter(|e| e.path.starts_with(search.prefix)).map(|entity| (T::KIND, entity)));
        }
        Ok(())
    }
}
