use haneul_kit::{Access, Arn, Cx, Handle, Result, paging};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;
use haneul_policy::ResourceMode;

use super::grants::{check_id, entry};
use super::position;
use crate::access::Ask;
use crate::error;
use crate::grant::{self, Holder};
use crate::kms::{Forms, Kms};
use crate::model::{GrantRecord, KeyName};

const LIMIT_DEFAULT: usize = 50;

impl Handle<op::RetireGrant> for Kms {
    async fn access(&self, cx: &Cx, input: &s::RetireGrantRequest) -> Result<Vec<Access>> {
        let (name, id) = self.named_grant(cx, input).await?;
        let arn = name.arn().to_string();
        let mut access = self.ask(cx, Ask::own("kms:RetireGrant", &arn).across()).await?;
        let key = self.live(cx, &name).await?;
        let grant = key.as_ref().and_then(|key| key.grants.iter().find(|(known, _)| *known == id));
        let Some((_, grant)) = grant else { return Ok(vec![access]) };
        let retires = grant
            .retiring
            .as_ref()
            .and_then(|retiring| grant::held_by(cx, retiring, grant.retiring_is_service));
        let holds = grant::held_by(cx, &grant.grantee, grant.grantee_is_service)
            .filter(|_| grant::allows(cx, grant, "RetireGrant", None));
        if retires.is_some() || holds == Some(Holder::Caller) {
            access.resource_mode = ResourceMode::Granted;
        }
        Ok(vec![access])
    }

    async fn call(&self, cx: &Cx, input: s::RetireGrantRequest) -> Result<haneul_shape::Empty> {
        let (name, id) = self.named_grant(cx, &input).await?;
        let key = self.live(cx, &name).await?.ok_or_else(|| error::key_not_found(&name.arn()))?;
        crate::kms::check_not_pending_deletion(key.record.state(cx.now()), &name.arn())?;
        if !key.grants.iter().any(|(known, _)| *known == id) {
            return Err(error::grant_not_found(&id));
        }
        Kms::end_of_dry_run(input.dry_run)?;
        self.state.delete_grant(&name, &id).await?;
        Ok(haneul_shape::Empty)
    }
}

impl Handle<op::ListRetirableGrants> for Kms {
    async fn access(&self, _: &Cx, input: &s::ListRetirableGrantsRequest) -> Result<Vec<Access>> {
        check_retiring(input)?;
        Ok(vec![Access::to("kms:ListRetirableGrants")])
    }

    async fn call(&self, cx: &Cx, input: s::ListRetirableGrantsRequest) -> Result<s::ListGrantsResponse> {
        let (retiring, is_service) = check_retiring(&input)?;
        // A principal may only be asked about from its own account.
        if let Ok(arn) = Arn::parse(&retiring)
            && arn.account_id() != Some(cx.account())
        {
            return Err(error::foreign(cx, "kms:ListRetirableGrants", &arn));
        }
        let purpose = format!("kms.retirable {} {} {retiring}", cx.account(), cx.region());
        let limit = input.limit.map_or(LIMIT_DEFAULT, |limit| limit as usize);
        let after: Option<(String, String)> = position(&self.state.seal, &purpose, input.marker.as_ref())?;
        let wanted = |grant: &GrantRecord| {
            grant.retiring.as_deref() == Some(&retiring) && grant.retiring_is_service == is_service
        };
        let found = self.state.grants_where((cx.account(), cx.region()), after, limit + 1, wanted).await?;
        let page =
            paging::cut(found, limit, &self.state.seal, &purpose, |(key, id, _)| (key.clone(), id.clone()));
        let show = |(key, id, grant): (String, String, GrantRecord)| {
            entry(&KeyName { account: cx.account(), region: cx.region(), id: key }, id, grant)
        };
        Ok(s::ListGrantsResponse {
            grants: Some(page.items.into_iter().map(show).collect()),
            truncated: Some(page.next.is_some()),
            next_marker: page.next,
        })
    }
}

impl Kms {
    /// The grant that a request names by its token, or by key and id.
    async fn named_grant(&self, cx: &Cx, input: &s::RetireGrantRequest) -> Result<(KeyName, String)> {
        match (&input.grant_token, &input.key_id, &input.grant_id) {
            (Some(token), None, None) => {
                grant::open_token(&self.state.seal, token).ok_or_else(error::grant_token)
            }
            (None, Some(key), Some(id)) => {
                check_id(id)?;
                let found = self.find(cx, key, Forms::Key).await?;
                let key = found.key.ok_or_else(|| error::key_not_found(&found.arn))?;
                Ok((key.name.clone(), id.clone()))
            }
            _ => Err(error::validation(
                "You must identify the grant by a grant token or a combination of the grant ID and key ID.",
            )),
        }
    }
}

fn check_retiring(input: &s::ListRetirableGrantsRequest) -> Result<(String, bool)> {
    match (&input.retiring_principal, &input.retiring_service_principal) {
        (Some(arn), None) => Ok((arn.clone(), false)),
        (None, Some(service)) => Ok((service.clone(), true)),
        _ => Err(error::validation(
            "You must specify either RetiringPrincipal or RetiringServicePrincipal, but not both.",
        )),
    }
}
