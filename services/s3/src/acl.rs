//! Access control lists: how they are written, what they grant, and how a grant meets the policies.
//!
//! An ACL only allows. Whether it does is decided here; the evaluator then gets it as one more statement beside the
//! bucket's policy, so that denials, and the policies of the caller's own account, keep their say.
//!
//! Source: S3 User Guide, "Access control list (ACL) overview" and "Controlling ownership of objects".

mod form;

use std::sync::{Arc, LazyLock};

use haneul_kit::{Access, AccountId, Cx, Policy, Principal, Result};
use haneul_s3_wire::shapes::{AccessControlPolicy, Grant, Grantee};

use crate::bucket::{Bucket, POLICY_RULES};
use crate::error;
use crate::model::acl::{GrantRecord, GranteeRecord, Permission};
use crate::model::{Acl, ObjectRecord, Ownership};
use crate::owner::{account_of, canonical_id};

pub(crate) use form::check_form;

/// Grants of one ACL (S3 User Guide, "What permissions can I grant?").
const GRANTS_MAX: usize = 100;

const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED_USERS: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
const LOG_DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

/// The account of EC2 that reads bundles of instance-store images: `aws-exec-read`.
const EXEC_READER: &str = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Bucket,
    Object,
}

/// The headers that ask for an ACL.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requested {
    pub(crate) canned: Option<String>,
    pub(crate) full_control: Option<String>,
    pub(crate) read: Option<String>,
    pub(crate) read_acp: Option<String>,
    pub(crate) write: Option<String>,
    pub(crate) write_acp: Option<String>,
}

/// Whose thing it is, and whose bucket.
#[derive(Clone, Copy)]
pub(crate) struct Parties {
    pub(crate) owner: AccountId,
    pub(crate) bucket_owner: AccountId,
}

impl Requested {
    pub(crate) fn is_given(&self) -> bool {
        self.canned.is_some() || self.has_grants()
    }

    pub(crate) fn has_grants(&self) -> bool {
        [&self.full_control, &self.read, &self.read_acp, &self.write, &self.write_acp]
            .into_iter()
            .any(Option::is_some)
    }

    /// The ACL that the headers ask for.
    pub(crate) fn resolve(&self, target: Target, parties: Parties) -> Result<Acl> {
        if self.canned.is_some() && self.has_grants() {
            let message = "Specifying both Canned ACLs and Header Grants is not allowed";
            return Err(error::invalid_request(message));
        }
        if let Some(canned) = &self.canned {
            return canned_acl(canned, target, parties);
        }
        if !self.has_grants() {
            return Ok(private(parties.owner));
        }
        let mut acl = Acl::new();
        for (header, name, permission) in [
            (&self.full_control, "x-amz-grant-full-control", Permission::FullControl),
            (&self.read, "x-amz-grant-read", Permission::Read),
            (&self.read_acp, "x-amz-grant-read-acp", Permission::ReadAcp),
            (&self.write, "x-amz-grant-write", Permission::Write),
            (&self.write_acp, "x-amz-grant-write-acp", Permission::WriteAcp),
        ] {
            for grantee in header.iter().flat_map(|header| header.split(',')) {
                let grant = GrantRecord { grantee: header_grantee(grantee, name)?, permission };
                if !acl.contains(&grant) {
                    acl.push(grant);
                }
            }
        }
        check_count(acl)
    }
}

fn canned_acl(name: &str, target: Target, parties: Parties) -> Result<Acl> {
    let mut acl = private(parties.owner);
    let mut grant = |grantee, permission| {
        let grant = GrantRecord { grantee, permission };
        if !acl.contains(&grant) {
            acl.push(grant);
        }
    };
    let bucket_owner = || GranteeRecord::Canonical(canonical_id(parties.bucket_owner));
    match (name, target) {
        ("private", _) => {}
        ("public-read", _) => grant(GranteeRecord::AllUsers, Permission::Read),
        ("public-read-write", _) => {
            grant(GranteeRecord::AllUsers, Permission::Read);
            grant(GranteeRecord::AllUsers, Permission::Write);
        }
        ("authenticated-read", _) => grant(GranteeRecord::AuthenticatedUsers, Permission::Read),
        ("aws-exec-read", _) => grant(GranteeRecord::Canonical(EXEC_READER.to_owned()), Permission::Read),
        // On a bucket S3 ignores these two.
        ("bucket-owner-read" | "bucket-owner-full-control", Target::Bucket) => {}
        ("bucket-owner-read", Target::Object) if parties.owner != parties.bucket_owner => {
            grant(bucket_owner(), Permission::Read);
        }
        ("bucket-owner-full-control", Target::Object) => grant(bucket_owner(), Permission::FullControl),
        ("bucket-owner-read", Target::Object) => {}
        ("log-delivery-write", Target::Bucket) => {
            grant(GranteeRecord::LogDelivery, Permission::Write);
            grant(GranteeRecord::LogDelivery, Permission::ReadAcp);
        }
        (other, _) => return Err(error::invalid_argument("", "x-amz-acl", other)),
    }
    Ok(acl)
}

/// Only the owner, and that fully.
pub(crate) fn private(owner: AccountId) -> Acl {
    let grantee = GranteeRecord::Canonical(canonical_id(owner));
    vec![GrantRecord { grantee, permission: Permission::FullControl }]
}

/// `id="…"`, `uri="…"` or `emailAddress="…"` in a header of this name.
fn header_grantee(text: &str, header: &'static str) -> Result<GranteeRecord> {
    let invalid = || error::invalid_argument("Argument format not recognized", header, text.trim());
    let (kind, value) = text.trim().split_once('=').ok_or_else(invalid)?;
    let value = value.trim().trim_matches('"');
    match kind.trim().to_ascii_lowercase().as_str() {
        "id" => canonical(value, "id"),
        "uri" => group(value, "uri"),
        "emailaddress" => Err(no_email()),
        _ => Err(invalid()),
    }
}

/// `argument` is what it is called where it was given; so for [`group`].
fn canonical(id: &str, argument: &'static str) -> Result<GranteeRecord> {
    match account_of(id) {
        Some(_) => Ok(GranteeRecord::Canonical(id.to_owned())),
        None if id == EXEC_READER => Ok(GranteeRecord::Canonical(id.to_owned())),
        None => Err(error::invalid_argument("Invalid id", argument, id)),
    }
}

fn group(uri: &str, argument: &'static str) -> Result<GranteeRecord> {
    match uri {
        ALL_USERS => Ok(GranteeRecord::AllUsers),
        AUTHENTICATED_USERS => Ok(GranteeRecord::AuthenticatedUsers),
        LOG_DELIVERY => Ok(GranteeRecord::LogDelivery),
        _ => Err(error::invalid_argument("Invalid group uri", argument, uri)),
    }
}

/// S3 takes no grants to e-mail addresses since October 2025.
fn no_email() -> haneul_kit::ApiError {
    let message = "The specified method is not allowed against this resource.";
    error::new("MethodNotAllowed", 405, message)
}

fn check_count(acl: Acl) -> Result<Acl> {
    if acl.len() > GRANTS_MAX { Err(malformed()) } else { Ok(acl) }
}

pub(crate) fn malformed() -> haneul_kit::ApiError {
    let message = "The XML you provided was not well-formed or did not validate against our published schema";
    error::new("MalformedACLError", 400, message)
}

/// The ACL in a document, whose owner must be the one that there is: an owner cannot be changed.
pub(crate) fn of_document(policy: &AccessControlPolicy, owner: AccountId) -> Result<Acl> {
    let named = policy.owner.as_ref().and_then(|owner| owner.id.as_deref()).ok_or_else(malformed)?;
    canonical(named, "CanonicalUser/ID")?;
    if named != canonical_id(owner) {
        return Err(error::access_denied("Access Denied"));
    }
    let mut acl = Acl::new();
    for grant in policy.grants.as_ref().ok_or_else(malformed)? {
        let permission = grant.permission.as_deref().and_then(Permission::parse).ok_or_else(malformed)?;
        let grantee = grant.grantee.as_ref().ok_or_else(malformed)?;
        let grantee = match grantee.r#type.as_str() {
            "CanonicalUser" => canonical(grantee.id.as_deref().ok_or_else(malformed)?, "CanonicalUser/ID")?,
            "Group" => group(grantee.uri.as_deref().ok_or_else(malformed)?, "Group/URI")?,
            "AmazonCustomerByEmail" => return Err(no_email()),
            _ => return Err(malformed()),
        };
        let grant = GrantRecord { grantee, permission };
        if !acl.contains(&grant) {
            acl.push(grant);
        }
    }
    check_count(acl)
}

pub(crate) fn to_wire(acl: &Acl) -> Vec<Grant> {
    let grant = |grant: &GrantRecord| {
        let (kind, id, uri) = match &grant.grantee {
            GranteeRecord::Canonical(id) => ("CanonicalUser", Some(id.clone()), None),
            GranteeRecord::AllUsers => ("Group", None, Some(ALL_USERS.to_owned())),
            GranteeRecord::AuthenticatedUsers => ("Group", None, Some(AUTHENTICATED_USERS.to_owned())),
            GranteeRecord::LogDelivery => ("Group", None, Some(LOG_DELIVERY.to_owned())),
        };
        let grantee = Grantee { display_name: None, email_address: None, id, r#type: kind.to_owned(), uri };
        Grant { grantee: Some(grantee), permission: Some(grant.permission.as_str().to_owned()) }
    };
    acl.iter().map(grant).collect()
}

/// Whether it lets in everybody, or everybody with an account of whatever kind.
pub(crate) fn is_public(acl: &Acl) -> bool {
    acl.iter()
        .any(|grant| matches!(grant.grantee, GranteeRecord::AllUsers | GranteeRecord::AuthenticatedUsers))
}

/// As it is kept: nothing for what every new bucket or object has.
pub(crate) fn to_record(acl: Acl, owner: AccountId) -> Option<Acl> {
    (acl != private(owner)).then_some(acl)
}

/// The owner and the ACL of an object that is about to be written.
pub(crate) struct NewAcl {
    /// When it is not the bucket's owner.
    pub(crate) owner: Option<u64>,
    pub(crate) acl: Option<Acl>,
}

/// Whether what is asked for grants the bucket's owner all and nobody else anything.
fn is_private(requested: &Requested, parties: Parties) -> bool {
    requested.resolve(Target::Object, parties).is_ok_and(|acl| acl == private(parties.bucket_owner))
}

/// What an object gets that `cx`'s caller writes.
pub(crate) fn of_new_object(cx: &Cx, bucket: &Bucket, key: &str, requested: &Requested) -> Result<NewAcl> {
    let parties = Parties { owner: bucket.owner, bucket_owner: bucket.owner };
    let is_account = !matches!(cx.caller().principal, Principal::Anonymous | Principal::Service { .. });
    if bucket.ownership() == Ownership::BucketOwnerEnforced {
        // Any form of "the bucket's owner has full control" will do: `private` is one when the owner writes, and of another
        // account it is not.
        let owner = if is_account { cx.account() } else { bucket.owner };
        let is_of_owner = match requested.canned.as_deref() {
            None | Some("bucket-owner-full-control") if !requested.has_grants() => true,
            None => is_private(requested, parties),
            Some("private") => is_private(requested, Parties { owner, ..parties }),
            Some(_) => false,
        };
        return match is_of_owner {
            true => Ok(NewAcl { owner: None, acl: None }),
            false => Err(error::acl_not_supported()),
        };
    }
    let handed_over = requested.canned.as_deref() == Some("bucket-owner-full-control")
        && bucket.ownership() == Ownership::BucketOwnerPreferred;
    let owner = match is_account && !handed_over {
        true => cx.account(),
        false => bucket.owner,
    };
    let acl = requested.resolve(Target::Object, Parties { owner, ..parties })?;
    refuse_public(cx, bucket, &acl, ("s3:PutObject", Some(key)))?;
    Ok(NewAcl { owner: (owner != bucket.owner).then(|| owner.number()), acl: to_record(acl, owner) })
}

/// BlockPublicAcls. `action` is on a key, or on the bucket itself.
pub(crate) fn refuse_public(
    cx: &Cx,
    bucket: &Bucket,
    acl: &Acl,
    (action, key): (&str, Option<&str>),
) -> Result<()> {
    if bucket.public_access_block().block_public_acls && is_public(acl) {
        let who = cx.caller().arn();
        let resource = key.map_or_else(|| bucket.arn(), |key| format!("{}/{key}", bucket.arn()));
        return Err(error::access_denied(format!(
            "User: {who} is not authorized to perform: {action} on resource: \"{resource}\" because public ACLs are \
             prevented by the BlockPublicAcls setting in S3 Block Public Access."
        )));
    }
    Ok(())
}

/// The permission that an action needs in an ACL, and whose.
fn needed(action: &str) -> Option<(Target, Permission)> {
    Some(match action {
        "s3:ListBucket" | "s3:ListBucketVersions" | "s3:ListBucketMultipartUploads" => {
            (Target::Bucket, Permission::Read)
        }
        "s3:PutObject" | "s3:DeleteObject" => (Target::Bucket, Permission::Write),
        "s3:GetBucketAcl" => (Target::Bucket, Permission::ReadAcp),
        "s3:PutBucketAcl" => (Target::Bucket, Permission::WriteAcp),
        "s3:GetObject" | "s3:GetObjectVersion" => (Target::Object, Permission::Read),
        "s3:GetObjectAcl" | "s3:GetObjectVersionAcl" => (Target::Object, Permission::ReadAcp),
        "s3:PutObjectAcl" | "s3:PutObjectVersionAcl" => (Target::Object, Permission::WriteAcp),
        _ => return None,
    })
}

/// Actions that an object's owner decides, not the bucket's.
fn is_of_the_object(action: &str) -> bool {
    action.starts_with("s3:GetObject")
        || (action.starts_with("s3:PutObject") && (action.ends_with("Acl") || action.ends_with("Tagging")))
        || action.ends_with("ObjectTagging")
}

/// Allows whatever it is asked for: that it may be asked is decided here.
static GRANTED: LazyLock<Option<Arc<Policy>>> = LazyLock::new(|| {
    let text = r#"{"Version":"2012-10-17","Statement":[{"Sid":"AccessControlList","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]}"#;
    Policy::parse(text, &POLICY_RULES).ok().map(Arc::new)
});

fn with_grant(policy: Option<Arc<Policy>>) -> Option<Arc<Policy>> {
    match (policy, GRANTED.clone()) {
        (Some(policy), Some(granted)) => Some(Arc::new(Policy::union([&*policy, &*granted]))),
        (policy, granted) => granted.or(policy),
    }
}

/// Allows it whatever its resource's policy says, unless that denies it.
pub(crate) fn granted(access: Access) -> Access {
    let policy = with_grant(access.resource_policy.clone());
    access.with_policy(policy)
}

/// What a permission's policy denies.
fn denials_of(access: &Access) -> Option<Arc<Policy>> {
    let denials = access.resource_policy.as_ref().map(|policy| Arc::new(policy.denials()));
    denials.filter(|denials| !denials.statements().is_empty())
}

/// Leaves of the policies of a permission, and of what it is reached through, only what they deny.
fn only_denials(mut access: Access, with: &dyn Fn(Access, Option<Arc<Policy>>) -> Access) -> Access {
    let through = access.through.take().map(|through| only_denials(*through, with));
    let denials = denials_of(&access);
    let access = with(access, denials);
    match through {
        Some(through) => access.through(through),
        None => access,
    }
}

impl Bucket {
    pub(crate) fn has_acls(&self) -> bool {
        self.ownership() != Ownership::BucketOwnerEnforced
    }

    /// The account that owns an object: the bucket's, wherever ACLs are disabled.
    pub(crate) fn owner_of(&self, writer: Option<u64>) -> AccountId {
        let writer = writer.filter(|_| self.has_acls()).and_then(AccountId::new);
        writer.unwrap_or(self.owner)
    }

    /// Adds what the bucket's ACL grants the caller.
    pub(crate) fn granted_by_bucket_acl(&self, cx: &Cx, access: Access) -> Access {
        let (true, Some(acl)) = (self.has_acls(), &self.record.acl) else { return access };
        match needed(access.action) {
            Some((Target::Bucket, permission)) if self.grants(cx, acl, self.owner, permission) => {
                granted(access)
            }
            _ => access,
        }
    }

    /// The permission to give a new object the ACL that its writer names. Who writes into another account's bucket needs
    /// no more of that account than `s3:PutObject`, whose condition keys can demand an ACL or refuse it: the object
    /// will be the writer's, and its ACL a matter of the writer's own account (S3 User Guide, "Bucket policy examples
    /// using condition keys"). The bucket's policy can still deny it.
    pub(crate) fn new_acl_access(&self, cx: &Cx, key: &str) -> Access {
        let access = self.object_access(cx, "s3:PutObjectAcl", key);
        let caller = cx.caller();
        match caller.principal {
            Principal::Service { .. } => access,
            // There is no account to be asked.
            Principal::Anonymous if self.has_acls() => {
                only_denials(access, &|access, denials| access.with_policy(with_grant(denials)))
            }
            Principal::Anonymous => access,
            _ if caller.account == self.owner => access,
            _ => {
                only_denials(access, &|access, denials| access.owned_by(caller.account).with_policy(denials))
            }
        }
    }

    /// Makes a permission on an object one of its owner's, and adds what the object's ACL grants.
    pub(crate) fn granted_by_object_acl(&self, cx: &Cx, access: Access, record: &ObjectRecord) -> Access {
        if !self.has_acls() || !is_of_the_object(access.action) {
            return access;
        }
        let owner = self.owner_of(record.owner);
        let mut access = access;
        if owner != self.owner {
            // The bucket's policy can only deny what is another's.
            let denials = denials_of(&access);
            access = access.owned_by(owner).with_policy(denials);
        }
        let Some(acl) = record.body.as_ref().and_then(|body| body.acl.as_ref()) else { return access };
        match needed(access.action) {
            Some((Target::Object, permission)) if self.grants(cx, acl, owner, permission) => granted(access),
            _ => access,
        }
    }

    /// Whether the ACL of `owner`'s thing grants the caller this. In its own account, IAM alone decides.
    fn grants(&self, cx: &Cx, acl: &Acl, owner: AccountId, permission: Permission) -> bool {
        let ignores_public = self.public_access_block().ignore_public_acls;
        let caller = cx.caller();
        let is_account = !matches!(caller.principal, Principal::Anonymous | Principal::Service { .. });
        acl.iter().any(|grant| {
            let allows = grant.permission == Permission::FullControl || grant.permission == permission;
            allows
                && match &grant.grantee {
                    GranteeRecord::AllUsers => !ignores_public,
                    GranteeRecord::AuthenticatedUsers => is_account && !ignores_public,
                    GranteeRecord::Canonical(id) => {
                        is_account && caller.account != owner && *id == canonical_id(caller.account)
                    }
                    GranteeRecord::LogDelivery => {
                        matches!(&caller.principal, Principal::Service { name } if name == "logging.s3.amazonaws.com")
                    }
                }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parties() -> Parties {
        Parties { owner: AccountId::new(1).unwrap(), bucket_owner: AccountId::new(2).unwrap() }
    }

    fn shown(acl: &Acl) -> Vec<String> {
        let of = |grant: &GrantRecord| {
            let grantee = match &grant.grantee {
                GranteeRecord::Canonical(id) => {
                    account_of(id).map_or_else(|| "exec".to_owned(), |account| account.number().to_string())
                }
                other => format!("{other:?}"),
            };
            format!("{grantee} {}", grant.permission.as_str())
        };
        acl.iter().map(of).collect()
    }

    #[test]
    fn canned() {
        use Target::{Bucket, Object};
        for (name, target, expected) in [
            ("private", Bucket, vec![]),
            ("public-read", Object, vec!["AllUsers READ"]),
            ("public-read-write", Bucket, vec!["AllUsers READ", "AllUsers WRITE"]),
            ("authenticated-read", Bucket, vec!["AuthenticatedUsers READ"]),
            ("aws-exec-read", Object, vec!["exec READ"]),
            ("bucket-owner-read", Object, vec!["2 READ"]),
            ("bucket-owner-full-control", Object, vec!["2 FULL_CONTROL"]),
            ("bucket-owner-full-control", Bucket, vec![]),
            ("log-delivery-write", Bucket, vec!["LogDelivery WRITE", "LogDelivery READ_ACP"]),
        ] {
            let acl = canned_acl(name, target, parties()).unwrap();
            let mut all = vec!["1 FULL_CONTROL"];
            all.extend(expected);
            assert_eq!(shown(&acl), all, "{name} {target:?}");
        }
        for (name, target) in [("log-delivery-write", Object), ("nonsense", Bucket)] {
            assert_eq!(canned_acl(name, target, parties()).unwrap_err().code(), "InvalidArgument");
        }
    }

    #[test]
    fn headers() {
        let id = canonical_id(AccountId::new(7).unwrap());
        let resolve = |read: &str| {
            let requested = Requested { read: Some(read.to_owned()), ..Requested::default() };
            requested
                .resolve(Target::Object, parties())
                .map(|acl| shown(&acl))
                .map_err(|e| e.code().to_owned())
        };
        let given = format!("id=\"{id}\", uri=\"{ALL_USERS}\"");
        assert_eq!(resolve(&given), Ok(vec!["7 READ".to_owned(), "AllUsers READ".to_owned()]));
        for (bad, expected) in [
            ("id=x", "InvalidArgument"),
            ("uri=http://x", "InvalidArgument"),
            ("emailAddress=a@example.com", "MethodNotAllowed"),
            ("nobody", "InvalidArgument"),
        ] {
            assert_eq!(resolve(bad), Err(expected.to_owned()), "{bad}");
        }
        let fields = |read: &str| {
            let requested = Requested { read: Some(read.to_owned()), ..Requested::default() };
            requested.resolve(Target::Object, parties()).unwrap_err().fields().to_vec()
        };
        let argument = |name: &str, value: &str| {
            vec![("ArgumentName", name.to_owned()), ("ArgumentValue", value.to_owned())]
        };
        assert_eq!(fields("nobody"), argument("x-amz-grant-read", "nobody"));
        assert_eq!(fields("id=x"), argument("id", "x"));
        assert_eq!(fields("uri=http://x"), argument("uri", "http://x"));
        let both = Requested { canned: Some("private".into()), read: Some(given), ..Requested::default() };
        assert_eq!(both.resolve(Target::Object, parties()).unwrap_err().code(), "InvalidRequest");
    }
}
