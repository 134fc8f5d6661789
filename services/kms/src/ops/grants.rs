use std::collections::BTreeMap;

use haneul_kit::{Access, Arn, Cx, Handle, Instant, Result};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;

use super::page;
use crate::access::Ask;
use crate::crypto::blob::Context;
use crate::error;
use crate::grant;
use crate::kms::{Forms, Kms, check_enabled};
use crate::live::LiveKey;
use crate::model::{GrantRecord, KeyName};

const LIMIT_DEFAULT: usize = 50;

/// Grant operations that every key has.
const ON_ANY_KEY: &[&str] = &["CreateGrant", "RetireGrant", "DescribeKey"];

/// Pairs of one constraint on the encryption context.
const CONSTRAINT_PAIRS_MAX: usize = 8;

impl Handle<op::CreateGrant> for Kms {
    async fn access(&self, cx: &Cx, input: &s::CreateGrantRequest) -> Result<Vec<Access>> {
        let ask = Ask::own("kms:CreateGrant", &input.key_id).across().granted_by("CreateGrant");
        let mut access = self.ask(cx, ask.tokens(&input.grant_tokens)).await?;
        access = access
            .keys("kms:GrantOperations", input.operations.clone())
            .key("kms:GrantIsForAWSResource", (!cx.called_via().is_empty()).to_string());
        let principals = [
            ("kms:GranteePrincipal", &input.grantee_principal),
            ("kms:RetiringPrincipal", &input.retiring_principal),
            ("kms:GranteeServicePrincipal", &input.grantee_service_principal),
            ("kms:RetiringServicePrincipal", &input.retiring_service_principal),
        ];
        for (key, principal) in principals {
            if let Some(principal) = principal {
                access = access.key(key, principal.as_str());
            }
        }
        if let Some(constraints) = &input.constraints {
            let kinds = [
                ("EncryptionContextEquals", constraints.encryption_context_equals.is_some()),
                ("EncryptionContextSubset", constraints.encryption_context_subset.is_some()),
                ("SourceArn", constraints.source_arn.is_some()),
            ];
            let kinds =
                kinds.iter().filter(|(_, there)| *there).map(|(kind, _)| (*kind).to_owned()).collect();
            access = access.keys("kms:GrantConstraintType", kinds);
        }
        Ok(vec![access])
    }

    async fn call(&self, cx: &Cx, input: s::CreateGrantRequest) -> Result<s::CreateGrantResponse> {
        let key = self.key(cx, &input.key_id, Forms::Key).await?;
        check_enabled(cx, &key)?;
        let dry_run = input.dry_run;
        let grant = record(cx, &key, input)?;
        self.check_delegation(cx, &key, &grant)?;
        Kms::end_of_dry_run(dry_run)?;
        let id = crate::crypto::blob::hex(&self.env().rng.bytes::<32>());
        let id = self.state.create_grant(&key.name, &id, &grant).await?;
        Ok(s::CreateGrantResponse {
            grant_token: Some(grant::token(&self.state.seal, &key.name, &id)),
            grant_id: Some(id),
        })
    }
}

impl Handle<op::RevokeGrant> for Kms {
    async fn access(&self, cx: &Cx, input: &s::RevokeGrantRequest) -> Result<Vec<Access>> {
        let access = self.ask(cx, Ask::own("kms:RevokeGrant", &input.key_id).across()).await?;
        Ok(vec![access.key("kms:GrantIsForAWSResource", (!cx.called_via().is_empty()).to_string())])
    }

    async fn call(&self, cx: &Cx, input: s::RevokeGrantRequest) -> Result<haneul_shape::Empty> {
        let key = self.key(cx, &input.key_id, Forms::Key).await?;
        crate::kms::check_not_pending_deletion(key.record.state(cx.now()), &key.name.arn())?;
        check_id(&input.grant_id)?;
        if !key.grants.iter().any(|(id, _)| *id == input.grant_id) {
            return Err(error::grant_not_found(&input.grant_id));
        }
        Kms::end_of_dry_run(input.dry_run)?;
        self.state.delete_grant(&key.name, &input.grant_id).await?;
        Ok(haneul_shape::Empty)
    }
}

impl Handle<op::ListGrants> for Kms {
    async fn access(&self, cx: &Cx, input: &s::ListGrantsRequest) -> Result<Vec<Access>> {
        let access = self.ask(cx, Ask::own("kms:ListGrants", &input.key_id).across()).await?;
        Ok(vec![access.key("kms:GrantIsForAWSResource", (!cx.called_via().is_empty()).to_string())])
    }

    async fn call(&self, cx: &Cx, input: s::ListGrantsRequest) -> Result<s::ListGrantsResponse> {
        let key = self.key(cx, &input.key_id, Forms::Key).await?;
        if let Some(id) = &input.grant_id {
            check_id(id)?;
        }
        let wanted = |id: &str, grant: &GrantRecord| {
            let is = |given: &Option<String>, text: &str| given.as_ref().is_none_or(|given| given == text);
            let service = input.grantee_service_principal.is_none() || grant.grantee_is_service;
            is(&input.grant_id, id)
                && is(&input.grantee_principal, &grant.grantee)
                && is(&input.grantee_service_principal, &grant.grantee)
                && service
        };
        let grants: Vec<(String, GrantRecord)> =
            key.grants.iter().filter(|(id, grant)| wanted(id, grant)).cloned().collect();
        let purpose = format!(
            "kms.grants {} {:?} {:?} {:?}",
            key.name.arn(),
            input.grant_id,
            input.grantee_principal,
            input.grantee_service_principal
        );
        let limit = (input.limit, LIMIT_DEFAULT);
        let page =
            page(&self.state.seal, &purpose, limit, input.marker.as_ref(), grants, |(id, _)| id.clone())?;
        let entries = page.items.into_iter().map(|(id, grant)| entry(&key.name, id, grant)).collect();
        Ok(s::ListGrantsResponse {
            grants: Some(entries),
            truncated: Some(page.next.is_some()),
            next_marker: page.next,
        })
    }
}

impl Kms {
    /// Who creates a grant by the right of a grant can give no more than that one gives.
    fn check_delegation(&self, cx: &Cx, key: &LiveKey, new: &GrantRecord) -> Result<()> {
        let mut own = key.grants.iter().map(|(_, grant)| grant).filter(|grant| {
            grant::allows(cx, grant, "CreateGrant", None)
                && grant::held_by(cx, &grant.grantee, grant.grantee_is_service) == Some(grant::Holder::Caller)
        });
        let Some(first) = own.next() else { return Ok(()) };
        let fits = |grant: &GrantRecord| {
            new.operations.iter().all(|operation| grant.operations.contains(operation))
                && as_strict(grant, new)
        };
        if fits(first) || own.any(fits) {
            return Ok(());
        }
        Err(haneul_kit::ApiError::new(
            "AccessDeniedException",
            format!(
                "User: {} is not authorized to perform: kms:CreateGrant on resource: {} because the grant that \
                     permits it does not permit all that the new grant would",
                cx.caller().arn(),
                key.name.arn()
            ),
        ))
    }
}

fn as_strict(old: &GrantRecord, new: &GrantRecord) -> bool {
    if let Some(equals) = &old.context_equals {
        return new.context_equals.as_ref() == Some(equals);
    }
    let Some(subset) = &old.context_subset else { return true };
    let given = new.context_equals.as_ref().or(new.context_subset.as_ref());
    given.is_some_and(|given| subset.iter().all(|(name, value)| given.get(name) == Some(value)))
}

fn record(cx: &Cx, key: &LiveKey, input: s::CreateGrantRequest) -> Result<GrantRecord> {
    let (grantee, grantee_is_service) =
        principal("Grantee", input.grantee_principal, input.grantee_service_principal)?.ok_or_else(|| {
            error::validation("You must specify GranteePrincipal or GranteeServicePrincipal.")
        })?;
    let retiring = principal("Retiring", input.retiring_principal, input.retiring_service_principal)?;
    let constraints = input.constraints.unwrap_or_default();
    if grantee_is_service && (constraints.source_arn.is_none() || retiring.is_none()) {
        return Err(error::validation(
            "A grant for a service principal needs a SourceArn constraint and a retiring principal.",
        ));
    }
    let possible = key.record.spec().grant_operations(&key.record.usage);
    for operation in &input.operations {
        if !ON_ANY_KEY.contains(&operation.as_str()) && !possible.contains(&operation.as_str()) {
            return Err(error::validation(format!(
                "The grant operation {operation} is not supported for key usage {} and key spec {}.",
                key.record.usage, key.record.spec
            )));
        }
    }
    if input.operations.is_empty() {
        return Err(error::validation("A grant must have at least one operation."));
    }
    let has_context =
        constraints.encryption_context_equals.is_some() || constraints.encryption_context_subset.is_some();
    if has_context && key.record.spec() != crate::spec::Spec::Symmetric {
        return Err(error::validation("Encryption context constraints need a symmetric encryption KMS key."));
    }
    let (retiring, retiring_is_service) = retiring.map_or((None, false), |(name, is)| (Some(name), is));
    Ok(GrantRecord {
        name: input.name,
        created_ms: cx.now().millis(),
        grantee,
        grantee_is_service,
        retiring,
        retiring_is_service,
        issuing_account: Arn::global("iam", cx.account(), "root").to_string(),
        operations: input.operations,
        context_subset: constraint(constraints.encryption_context_subset)?,
        context_equals: constraint(constraints.encryption_context_equals)?,
        source_arn: constraints.source_arn,
    })
}

/// An ARN of a principal, an account, or a service's name.
fn principal(role: &str, arn: Option<String>, service: Option<String>) -> Result<Option<(String, bool)>> {
    match (arn, service) {
        (Some(_), Some(_)) => Err(error::validation(format!(
            "You can specify either {role}Principal or {role}ServicePrincipal, but not both."
        ))),
        (None, Some(service)) => Ok(Some((service, true))),
        (None, None) => Ok(None),
        (Some(text), None) => {
            let is_account = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
            let is_arn = Arn::parse(&text).is_ok_and(|arn| matches!(arn.service(), "iam" | "sts"));
            // A service's name is taken here too, as the services that integrate with KMS give it.
            let is_service = text.ends_with(".amazonaws.com");
            match is_account || is_arn || is_service {
                true => Ok(Some((text, is_service))),
                false => Err(haneul_kit::ApiError::new(
                    "InvalidArnException",
                    format!("{text} is not a valid principal."),
                )),
            }
        }
    }
}

fn constraint(context: Option<Context>) -> Result<Option<BTreeMap<String, String>>> {
    let Some(context) = context else { return Ok(None) };
    if context.len() > CONSTRAINT_PAIRS_MAX {
        return Err(error::validation("A grant constraint can have at most 8 encryption context pairs."));
    }
    Ok(Some(context.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()))
}

pub(super) fn check_id(id: &str) -> Result<()> {
    let valid = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
    if valid { Ok(()) } else { Err(error::grant_id(id)) }
}

pub(super) fn entry(key: &KeyName, id: String, grant: GrantRecord) -> s::GrantListEntry {
    let map = |context: BTreeMap<String, String>| -> Context { context.into_iter().collect() };
    let constraints = s::GrantConstraints {
        encryption_context_subset: grant.context_subset.map(map),
        encryption_context_equals: grant.context_equals.map(map),
        source_arn: grant.source_arn,
    };
    let is_limited = constraints.encryption_context_subset.is_some()
        || constraints.encryption_context_equals.is_some()
        || constraints.source_arn.is_some();
    let split = |name: Option<String>, is_service: bool| match is_service {
        true => (None, name),
        false => (name, None),
    };
    let (grantee_principal, grantee_service_principal) = split(Some(grant.grantee), grant.grantee_is_service);
    let (retiring_principal, retiring_service_principal) = split(grant.retiring, grant.retiring_is_service);
    s::GrantListEntry {
        key_id: Some(key.arn().to_string()),
        grant_id: Some(id),
        name: Some(grant.name.unwrap_or_default()),
        creation_date: Some(Instant::from_millis(grant.created_ms)),
        grantee_principal,
        retiring_principal,
        issuing_account: Some(grant.issuing_account),
        operations: Some(grant.operations),
        constraints: is_limited.then_some(constraints),
        grantee_service_principal,
        retiring_service_principal,
    }
}
