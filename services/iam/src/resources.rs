//! Which resources there are, for the tagging API, resource groups and the meter.

use haneul_kit::tagged::rows;
use haneul_kit::{AccountId, Arn, BoxFuture, Kind, Region, Result, Tagged};
use haneul_store::Store;

use crate::model::{INSTANCE_PROFILES, OIDC_PROVIDERS, POLICIES, ROLES, SERVER_CERTIFICATES, USERS};

const USER: Kind = Kind::new("iam:user", "AWS::IAM::User");
const ROLE: Kind = Kind::new("iam:role", "AWS::IAM::Role");
const POLICY: Kind = Kind::new("iam:policy", "AWS::IAM::ManagedPolicy");
const PROFILE: Kind = Kind::new("iam:instance-profile", "AWS::IAM::InstanceProfile");
const OIDC: Kind = Kind::new("iam:oidc-provider", "AWS::IAM::OIDCProvider");
const CERTIFICATE: Kind = Kind::new("iam:server-certificate", "AWS::IAM::ServerCertificate");
pub(crate) const KINDS: &[Kind] = &[USER, ROLE, POLICY, PROFILE, OIDC, CERTIFICATE];

pub(crate) fn list(store: &Store, account: AccountId, region: Region) -> BoxFuture<'_, Result<Vec<Tagged>>> {
    Box::pin(async move {
        // IAM is in no Region.
        if region != Region::US_EAST_1 {
            return Ok(Vec::new());
        }
        let own = (account,);
        let entity = |kind: &str, path: &str, name: &str| {
            Arn::global("iam", account, format_args!("{kind}{path}{name}"))
        };
        let mut all = rows(store, &USERS, own, |_, user| {
            USER.resource(entity("user", &user.entity.path, &user.entity.name), user.tags)
        })
        .await?;
        let roles = rows(store, &ROLES, own, |_, role| {
            ROLE.resource(entity("role", &role.entity.path, &role.entity.name), role.tags)
        });
        all.extend(roles.await?);
        let policies =
            rows(store, &POLICIES, own, |_, policy| POLICY.resource(policy.arn(account), policy.tags));
        all.extend(policies.await?);
        let profiles = rows(store, &INSTANCE_PROFILES, own, |_, profile| {
            PROFILE.resource(entity("instance-profile", &profile.path, &profile.name), profile.tags)
        });
        all.extend(profiles.await?);
        let oidc = rows(store, &OIDC_PROVIDERS, own, |_, provider| {
            OIDC.resource(provider.arn(account), provider.tags)
        });
        all.extend(oidc.await?);
        let certificates = rows(store, &SERVER_CERTIFICATES, own, |_, made| {
            CERTIFICATE.resource(made.arn(account), made.tags)
        });
        all.extend(certificates.await?);
        Ok(all)
    })
}
