//! Credentials for who was granted access: a session of the location's role that may do no more than the grant says.

use haneul_kit::{Access, Caller, Cx, Handle, Principal, Region, Result, paging, session_token};
use haneul_roles::{AssumeRoleRequest, By, assume, request};
use haneul_s3control_wire::operations as op;
use haneul_s3control_wire::shapes as s;
use serde_json::{Value, json};

use super::granting::{grantee, is_object, permission};
use super::scope::{SCHEME, Scope};
use super::{Named, PRINCIPAL, instance_of, limit, no_such_token, purpose, row};
use crate::model::grant::{Grant, GrantPermission};
use crate::store::grants::{InstanceRow, no_such_location};
use crate::{S3, error};

const SECS_DEFAULT: i32 = 3600;
const SECS: std::ops::RangeInclusive<i32> = 900..=43_200;
/// Of STS, in characters.
const POLICY_LENGTH_MAX: usize = 2048;
const SOURCE_IDENTITY_LENGTH_MAX: usize = 64;

/// What the sessions may do to objects. Source: S3 User Guide, "Accessing S3 data using credentials vended by S3 Access
/// Grants".
const READS: &[&str] = &[
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:GetObjectAcl",
    "s3:GetObjectVersionAcl",
    "s3:ListMultipartUploadParts",
];
const WRITES: &[&str] = &[
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:PutObjectVersionAcl",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:AbortMultipartUpload",
];
/// And to buckets, to read.
const LISTS: &[&str] = &["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"];

/// Whom grants can be for: the ARN of the calling user, or of the role whose session calls.
fn grantee_of(caller: &Caller) -> Option<String> {
    match caller.principal {
        Principal::User { .. } => Some(caller.arn()),
        Principal::Role { .. } => caller.role_arn().map(|arn| arn.to_string()),
        _ => None,
    }
}

/// `SELF`, or `ALL`: nothing is shared by RAM here, so that it is the same.
fn check_instance_scope(given: Option<&str>) -> Result<()> {
    match given {
        None | Some("SELF" | "ALL") => Ok(()),
        Some(_) => Err(error::invalid_request("The instance scope is invalid")),
    }
}

impl Handle<op::GetDataAccess> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetDataAccessRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_instance(instance_of(cx, &input.account_id)?, "s3:GetDataAccess").await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetDataAccessRequest) -> Result<s::GetDataAccessResult> {
        let of = instance_of(cx, &input.account_id)?;
        self.instance(of).await?;
        check_instance_scope(input.instance_scope.as_deref())?;
        let asked = permission(&input.permission)?;
        let minimal = match input.privilege.as_deref() {
            None | Some("Default") => false,
            Some("Minimal") => true,
            Some(_) => return Err(error::invalid_request("The privilege is invalid")),
        };
        let secs = input.duration_seconds.unwrap_or(SECS_DEFAULT);
        if !SECS.contains(&secs) {
            return Err(error::invalid_request("DurationSeconds must be between 900 and 43200"));
        }
        let object = is_object(input.target_type.as_deref())?;
        let target = Scope::parse(&input.target, object)
            .ok_or_else(|| error::invalid_request("The specified S3 prefix is invalid"))?;
        let denied = || {
            let (asked, target) = (asked.as_str(), &input.target);
            let message = format!("You do not have {asked} permissions to the requested S3 Prefix: {target}");
            error::access_denied(message)
        };
        let who = grantee_of(cx.caller()).ok_or_else(denied)?;
        let covers = |grant: &Grant| grant.permission.covers(asked) && target.is_within(grant);
        let grant = self.records.closest_grant(of, &who, &target.bucket, covers).await?;
        let grant = grant.ok_or_else(denied)?;
        let location = self.records.grants_location(&row(of, &grant.location)).await?;
        let role = location.ok_or_else(no_such_location)?.role;
        let (scope, shown) =
            if minimal { (target, input.target) } else { (Scope::from(&grant), grant.scope.clone()) };
        let credentials = self.vend(cx, of, &role, session_policy(of.1, &scope, asked), secs).await?;
        Ok(s::GetDataAccessResult {
            credentials: Some(credentials),
            matched_grant_target: Some(shown),
            grantee: Some(grantee(&grant.grantee)),
            matched_instance_arn: Some(Named::Instance.arn(of)),
        })
    }
}

impl S3 {
    /// A session of the location's role, which must let S3 Access Grants in on account of this instance. The credentials
    /// are made anew, to tell who gave them out (`s3:AccessGrantsInstanceArn`).
    async fn vend(
        &self,
        cx: &Cx,
        of: InstanceRow,
        role: &str,
        policy: String,
        secs: i32,
    ) -> Result<s::Credentials> {
        let too_large = || {
            let message = "Serialized token too large for session";
            error::new("StsPackedPolicyTooLargeError", 400, message)
        };
        if policy.chars().count() > POLICY_LENGTH_MAX {
            return Err(too_large());
        }
        let platform = &self.platform;
        let instance = Named::Instance.arn(of);
        let name = format!("access-grants-{}", platform.env.rng.uuid());
        let request = AssumeRoleRequest {
            policy: Some(policy),
            duration_seconds: Some(secs),
            source_identity: Some(source_identity(cx.caller())),
            ..request(role, &name)
        };
        let by = By { service: PRINCIPAL, account: of.0, region: of.1, source: Some(instance.clone()) };
        let made = assume(platform, by, request).await;
        let mut caller = made
            .map_err(|refused| match refused.code() {
                "AccessDenied" => {
                    let message = format!(
                        "User: {PRINCIPAL} is not authorized to perform: sts:AssumeRole on resource: {role}"
                    );
                    error::new("StsNotAuthorizedError", 403, message)
                }
                "PackedPolicyTooLargeException" => too_large(),
                "ValidationError" => error::new("StsValidationError", 400, refused.message()),
                _ => refused,
            })?
            .caller;
        if let Some(session) = &mut caller.session {
            session.access_grants_instance = Some(instance);
        }
        // S3 asked for the session, but not for itself.
        caller.session = caller.session.map(|session| session.made_by(cx.caller()));
        let made = session_token::issue(&platform.seal, &platform.env.rng, caller);
        Ok(s::Credentials {
            access_key_id: Some(made.access_key_id),
            secret_access_key: Some(made.secret_access_key),
            session_token: Some(made.session_token),
            expiration: Some(made.expiration),
        })
    }
}

/// Who asked, for the trail of the session: its own source identity, or the id of the user or role.
fn source_identity(caller: &Caller) -> String {
    let own = caller.session.as_ref().and_then(|session| session.source_identity.clone());
    let mut identity = own.unwrap_or_else(|| caller.user_id().replace(':', "@"));
    // All of it is ASCII.
    identity.truncate(SOURCE_IDENTITY_LENGTH_MAX);
    identity
}

/// What is left of the role's permissions: the scope's objects, listing them, and keys as far as S3 uses them.
fn session_policy(region: Region, scope: &Scope, permission: GrantPermission) -> String {
    let partition = region.partition();
    let bucket = format!("arn:{partition}:s3:::{}", scope.bucket);
    let star = if scope.is_prefix { "*" } else { "" };
    let keys = format!("{}{star}", literal(&scope.key));
    let (read, write) = (permission != GrantPermission::Write, permission != GrantPermission::Read);
    let mut objects: Vec<&str> = Vec::new();
    let mut kms: Vec<&str> = Vec::new();
    if read {
        objects.extend(READS);
        kms.push("kms:Decrypt");
    }
    if write {
        objects.extend(WRITES);
        kms.push("kms:GenerateDataKey");
    }
    let allow = |actions: &[&str], resource: &str, condition: Option<Value>| {
        let mut statement = json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
        if let Some(condition) = condition {
            statement["Condition"] = condition;
        }
        statement
    };
    let mut statements = vec![allow(&objects, &format!("{bucket}/{keys}"), None)];
    if read && scope.is_prefix {
        let condition = (!scope.key.is_empty()).then(|| json!({ "StringLike": { "s3:prefix": keys } }));
        statements.push(allow(LISTS, &bucket, condition));
    }
    let through = json!({ "StringLike": { "kms:ViaService": "s3.*.amazonaws.com" } });
    statements.push(allow(&kms, "*", Some(through)));
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// A key as it is, where policies have wildcards and variables.
fn literal(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    for c in key.chars() {
        match c {
            '*' => out.push_str("${*}"),
            '?' => out.push_str("${?}"),
            '$' => out.push_str("${$}"),
            c => out.push(c),
        }
    }
    out
}

impl Handle<op::ListCallerAccessGrants> for S3 {
    async fn access(&self, cx: &Cx, input: &s::ListCallerAccessGrantsRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_instance(instance_of(cx, &input.account_id)?, "s3:ListCallerAccessGrants").await?])
    }

    /// No grant is through an application: what applications are asked for changes nothing.
    async fn call(
        &self,
        cx: &Cx,
        input: s::ListCallerAccessGrantsRequest,
    ) -> Result<s::ListCallerAccessGrantsResult> {
        let of = instance_of(cx, &input.account_id)?;
        self.instance(of).await?;
        check_instance_scope(input.instance_scope.as_deref())?;
        let fragment = input.grant_scope.as_deref();
        if fragment.is_some_and(|path| !path.starts_with(SCHEME)) {
            return Err(error::invalid_request("The grant scope must start with s3://"));
        }
        let data = fragment.and_then(|path| Scope::parse(path, false));
        let applies = |grant: &Grant| {
            fragment.is_none_or(|path| grant.scope.starts_with(path))
                || data.as_ref().is_some_and(|data| data.is_within(grant))
        };
        let who = grantee_of(cx.caller()).unwrap_or_default();
        let purpose = purpose("caller", of, &format!("{who}\n{}", fragment.unwrap_or_default()));
        let seal = &self.platform.seal;
        let after = input
            .next_token
            .map(|token| paging::position::<String>(seal, &purpose, &token).ok_or_else(no_such_token));
        let (mut after, limit) = (after.transpose()?, limit(input.max_results));
        let mut found = Vec::new();
        while !who.is_empty() {
            let page = self.records.grants_of(of, &who, after.as_deref(), super::PAGE_MAX).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            found.extend(page.into_iter().filter(|(_, grant)| applies(grant)));
            if found.len() > limit {
                break;
            }
        }
        let page = paging::cut(found, limit, seal, &purpose, |(place, _)| place.clone());
        let shown = page.items.into_iter().map(|(_, grant)| s::ListCallerAccessGrantsEntry {
            permission: Some(grant.permission.as_str().to_owned()),
            grant_scope: Some(grant.scope),
            application_arn: Some("ALL".to_owned()),
            access_grants_instance_arn: Some(Named::Instance.arn(of)),
        });
        Ok(s::ListCallerAccessGrantsResult {
            caller_access_grants_list: Some(shown.collect()),
            next_token: page.next,
        })
    }
}
