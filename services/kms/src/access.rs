//! What an operation on a key asks permission for: the key policy decides, beside it grants.

use std::sync::Arc;

use haneul_kit::{Access, Cx, Policy, Principal, Result};
use haneul_policy::ResourceMode;
use serde_json::json;

use crate::crypto::blob::Context;
use crate::error;
use crate::grant::{self, Holder};
use crate::kms::{Forms, Found, Kms};
use crate::live::{KEY_POLICY, LiveKey};

/// One permission on one key.
pub(crate) struct Ask<'a> {
    action: &'static str,
    key_id: &'a str,
    forms: Forms,
    /// Whether a key of another account may be named.
    across: bool,
    /// The grant operation that gives the permission too.
    grant: Option<&'static str>,
    context: Option<&'a Context>,
    tokens: Option<&'a Vec<String>>,
}

impl<'a> Ask<'a> {
    /// A management operation, on a key of one's own.
    pub(crate) fn own(action: &'static str, key_id: &'a str) -> Ask<'a> {
        Ask { action, key_id, forms: Forms::Key, across: false, grant: None, context: None, tokens: None }
    }

    /// A cryptographic operation: on anybody's key, by alias too, and by a grant of `grant`.
    pub(crate) fn crypto(
        action: &'static str,
        key_id: &'a str,
        grant: &'static str,
        tokens: &'a Option<Vec<String>>,
    ) -> Ask<'a> {
        let ask = Ask::own(action, key_id);
        Ask { forms: Forms::Alias, across: true, grant: Some(grant), tokens: tokens.as_ref(), ..ask }
    }

    pub(crate) fn across(mut self) -> Ask<'a> {
        self.across = true;
        self
    }

    pub(crate) fn granted_by(mut self, grant: &'static str) -> Ask<'a> {
        self.grant = Some(grant);
        self
    }

    pub(crate) fn tokens(mut self, tokens: &'a Option<Vec<String>>) -> Ask<'a> {
        self.tokens = tokens.as_ref();
        self
    }

    pub(crate) fn context(mut self, context: Option<&'a Context>) -> Ask<'a> {
        self.context = context;
        self
    }
}

impl Kms {
    pub(crate) async fn ask(&self, cx: &Cx, ask: Ask<'_>) -> Result<Access> {
        for token in ask.tokens.into_iter().flatten() {
            grant::open_token(&self.state.seal, token).ok_or_else(error::grant_token)?;
        }
        let found = self.find(cx, ask.key_id, ask.forms).await?;
        if !ask.across && found.account != cx.account() {
            return Err(error::foreign(cx, ask.action, &found.arn));
        }
        let access = Access::on(ask.action, &found.arn);
        let access = self.of_caller(cx, access, &found);
        let access = with_context(access, ask.context);
        let Some(key) = &found.key else {
            return Ok(match found.managed {
                // Not there yet: its policy decides already.
                Some(managed) => {
                    let text = managed.policy(cx.account(), cx.region());
                    let policy = Policy::parse(&text, &KEY_POLICY).map_err(haneul_kit::ApiError::internal)?;
                    access.with_policy(Some(Arc::new(policy))).decided_by_resource_policy()
                }
                None => access,
            });
        };
        let access = of_key(access, key).with_policy(Some(key.policy.clone())).decided_by_resource_policy();
        match ask.grant {
            Some(operation) => by_grant(cx, access, key, operation, ask.context),
            None => Ok(access),
        }
    }

    fn of_caller(&self, cx: &Cx, access: Access, found: &Found) -> Access {
        let mut access = access.key("kms:CallerAccount", cx.account().to_string());
        if let Some(via) = via_service(cx) {
            access = access.key("kms:ViaService", via);
        }
        match &found.alias {
            Some(alias) => access.key("kms:RequestAlias", alias.as_str()),
            None => access,
        }
    }
}

/// `s3.us-east-1.amazonaws.com`, for a call that comes through a service or is a service's own.
pub(crate) fn via_service(cx: &Cx) -> Option<String> {
    let service = match (cx.called_via().last(), &cx.caller().principal) {
        (Some(via), _) => via,
        (None, Principal::Service { name }) => name,
        _ => return None,
    };
    let label = service.split('.').next().unwrap_or_default();
    Some(format!("{label}.{}.amazonaws.com", cx.region()))
}

/// The keys that describe a key.
pub(crate) fn of_key(access: Access, key: &LiveKey) -> Access {
    let record = &key.record;
    let tags = record.tags.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut access = access
        .resource_tags(tags)
        .key("kms:KeySpec", record.spec.as_str())
        .key("kms:CustomerMasterKeySpec", record.spec.as_str())
        .key("kms:KeyUsage", record.usage.as_str())
        .key("kms:CustomerMasterKeyUsage", record.usage.as_str())
        .key("kms:KeyOrigin", origin(record.imported))
        .key("kms:MultiRegion", record.multi_region.is_some().to_string());
    if let Some(multi) = &record.multi_region {
        let kind = if record.is_replica_in(key.name.region) { "REPLICA" } else { "PRIMARY" };
        access = access.key("kms:MultiRegionKeyType", kind).key("kms:PrimaryRegion", multi.primary.as_str());
    }
    if key.aliases.is_empty() { access } else { access.keys("kms:ResourceAliases", key.aliases.clone()) }
}

pub(crate) fn origin(imported: bool) -> &'static str {
    if imported { "EXTERNAL" } else { "AWS_KMS" }
}

fn with_context(mut access: Access, context: Option<&Context>) -> Access {
    let Some(context) = context.filter(|context| !context.is_empty()) else { return access };
    for (name, value) in context.iter() {
        access = access.key(format!("kms:EncryptionContext:{name}"), value.as_str());
    }
    access.keys("kms:EncryptionContextKeys", context.iter().map(|(name, _)| name.to_owned()).collect())
}

/// Lets a grant give the permission, if one does.
fn by_grant(
    cx: &Cx,
    mut access: Access,
    key: &LiveKey,
    operation: &'static str,
    context: Option<&Context>,
) -> Result<Access> {
    let holders = key.grants.iter().filter(|(_, grant)| grant::allows(cx, grant, operation, context));
    let holder = holders.map(|(_, grant)| grant::held_by(cx, &grant.grantee, grant.grantee_is_service)).max();
    match holder.flatten() {
        Some(Holder::Caller) => access.resource_mode = ResourceMode::Granted,
        // As a key policy that names the account: its own policies decide further.
        Some(Holder::Account) => {
            let mut document: serde_json::Value =
                serde_json::from_str(&key.record.policy).map_err(haneul_kit::ApiError::internal)?;
            let statement = json!({
                "Effect": "Allow",
                "Principal": { "AWS": cx.account().to_string() },
                "Action": access.action,
                "Resource": "*",
            });
            match &mut document["Statement"] {
                serde_json::Value::Array(statements) => statements.push(statement),
                one => *one = json!([one.take(), statement]),
            }
            let rules = haneul_policy::Rules { size_max: KEY_POLICY.size_max + 1024, ..KEY_POLICY };
            let policy =
                Policy::parse(&document.to_string(), &rules).map_err(haneul_kit::ApiError::internal)?;
            access.resource_policy = Some(Arc::new(policy));
        }
        None => {}
    }
    Ok(access)
}
