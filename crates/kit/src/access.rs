use std::borrow::Cow;
use std::sync::Arc;

use haneul_base::{AccountId, Arn};
use haneul_policy::{Policy, ResourceMode};

/// One permission that a call needs: an action on a resource, with the context keys that the service knows.
///
/// The front adds the global keys (`aws:SourceIp`, `aws:PrincipalTag/…`, …) and asks the evaluator.
#[derive(Clone, Debug)]
pub struct Access {
    /// `sqs:SendMessage`, spelled as in the Service Authorization Reference.
    pub action: &'static str,
    /// The resource's ARN, or `*` for actions that have no resource type.
    pub resource: Cow<'static, str>,
    /// The account that owns the resource; `None` means the caller's own.
    pub resource_account: Option<AccountId>,
    /// The policy attached to the resource itself.
    pub resource_policy: Option<Arc<Policy>>,
    /// How the resource's policy counts: beside identity policies, or as the one that must allow (a role's trust policy).
    pub resource_mode: ResourceMode,
    /// Who an identity provider vouches for asks, not who called: the provider as trust policies name it, its ARN.
    pub federated: Option<String>,
    /// The service's own context keys and `aws:RequestTag/…`, `aws:ResourceTag/…`, `aws:TagKeys`.
    pub keys: Vec<(Cow<'static, str>, Vec<String>)>,
    /// The resource through which this one is reached, which must allow it too: S3's access points.
    pub through: Option<Box<Access>>,
}

impl Access {
    /// An action without a resource type: its resource is `*`.
    pub fn to(action: &'static str) -> Access {
        Access {
            action,
            resource: Cow::Borrowed("*"),
            resource_account: None,
            resource_policy: None,
            resource_mode: ResourceMode::Union,
            federated: None,
            keys: Vec::new(),
            through: None,
        }
    }

    /// An action on the resource `arn`, owned by the account in the ARN (the caller's, when it has none).
    pub fn on(action: &'static str, arn: &Arn) -> Access {
        let mut access = Access::to(action);
        access.resource = Cow::Owned(arn.to_string());
        access.resource_account = arn.account_id();
        access
    }

    /// Where the ARN does not tell the owner, as with S3.
    pub fn owned_by(mut self, account: AccountId) -> Access {
        self.resource_account = Some(account);
        self
    }

    pub fn with_policy(mut self, policy: Option<Arc<Policy>>) -> Access {
        self.resource_policy = policy;
        self
    }

    /// Reached through another resource, which must allow it too.
    pub fn through(mut self, other: Access) -> Access {
        self.through = Some(Box::new(other));
        self
    }

    /// This access and those through which it is reached; all must be allowed.
    pub fn into_all(mut self) -> impl Iterator<Item = Access> {
        let mut next = self.through.take();
        let rest = std::iter::from_fn(move || {
            let mut access = *next.take()?;
            next = access.through.take();
            Some(access)
        });
        std::iter::once(self).chain(rest)
    }

    /// The resource's policy must allow this, whatever identity policies say (a key's policy).
    pub fn decided_by_resource_policy(mut self) -> Access {
        self.resource_mode = ResourceMode::Required;
        self
    }

    /// The resource is a role that is to be assumed, and its policy the trust policy.
    pub fn decided_by_trust_policy(mut self) -> Access {
        self.resource_mode = ResourceMode::RoleTrust;
        self
    }

    /// An identity provider's assertion says who asks (`AssumeRoleWithSAML`, `AssumeRoleWithWebIdentity`): only the
    /// resource's policy, and what bounds the resource, decide.
    pub fn vouched_for_by(mut self, provider: impl Into<String>) -> Access {
        self.federated = Some(provider.into());
        self
    }

    pub fn key(mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Access {
        self.keys.push((key.into(), vec![value.into()]));
        self
    }

    pub fn keys(mut self, key: impl Into<Cow<'static, str>>, values: Vec<String>) -> Access {
        self.keys.push((key.into(), values));
        self
    }

    /// `aws:RequestTag/<key>` and `aws:TagKeys` from the tags of the request.
    pub fn request_tags<'a>(mut self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Access {
        let mut tag_keys = Vec::new();
        for (key, value) in tags {
            tag_keys.push(key.to_owned());
            self.keys.push((Cow::Owned(format!("aws:RequestTag/{key}")), vec![value.to_owned()]));
        }
        if !tag_keys.is_empty() {
            self.keys.push((Cow::Borrowed("aws:TagKeys"), tag_keys));
        }
        self
    }

    /// `aws:ResourceTag/<key>` from the tags that the resource has.
    pub fn resource_tags<'a>(mut self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Access {
        for (key, value) in tags {
            self.keys.push((Cow::Owned(format!("aws:ResourceTag/{key}")), vec![value.to_owned()]));
        }
        self
    }
}
