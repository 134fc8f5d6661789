use std::sync::Arc;

use haneul_base::{AccountId, Instant};

use crate::directory::NamedPolicy;
use crate::{BoxFuture, Platform, Result};

/// The organizations of this cloud as the layers and other services see them. The Organizations service implements it.
///
/// It is on the path of every request: answers come from memory that is dropped when its tables change, and as long as
/// there has never been an organization the question costs one load.
pub trait Organization: Send + Sync + 'static {
    /// Whether there is anything to ask about: an organization, or an account that was closed.
    fn in_use(&self) -> bool;

    /// Where `account` stands; `None` for an account of no organization that is not closed.
    fn standing(&self, account: AccountId) -> BoxFuture<'_, Result<Option<Arc<Standing>>>>;

    /// Who pays for what each account uses at that time, in their order: the management account of its organization, or the
    /// one that has taken its bills over; itself, when it is in none.
    fn payers<'a>(&'a self, uses: &'a [(AccountId, Instant)]) -> BoxFuture<'a, Result<Vec<AccountId>>> {
        Box::pin(async move { Ok(uses.iter().map(|(account, _)| *account).collect()) })
    }
}

/// Where an account stands.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// It was closed: nobody acts for it and nobody reaches what it has.
    pub suspended: bool,
    pub membership: Option<Membership>,
}

/// What an account is in its organization.
#[derive(Clone, Debug)]
pub struct Membership {
    /// `o-…`
    pub organization_id: String,
    pub management_account: AccountId,
    /// The path of `aws:PrincipalOrgPaths`, from the organization to the account's parent and with a slash at the end:
    /// `o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/`. Where the account is has no part in it.
    pub path: String,
    /// Service control policies that bind the account's principals, one list for each level from the root down to the
    /// account. Empty for the management account, and while the type is not enabled.
    pub scp_levels: Vec<Vec<NamedPolicy>>,
    /// Resource control policies that bind access to the account's resources, likewise.
    pub rcp_levels: Vec<Vec<NamedPolicy>>,
    /// Principals of the services for which the organization has trusted access enabled.
    pub trusted_services: Vec<String>,
    /// Principals of the services for which this account is a delegated administrator.
    pub delegated_services: Vec<String>,
}

impl Membership {
    pub fn is_management_account(&self, account: AccountId) -> bool {
        self.management_account == account
    }

    pub fn trusts(&self, service: &str) -> bool {
        self.trusted_services.iter().any(|trusted| trusted == service)
    }
}

impl Platform {
    /// Where `account` stands in its organization; `None` at once where there are no organizations.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn standing(&self, account: AccountId) -> Result<Option<Arc<Standing>>> {
        match self.organization() {
            Some(organization) => organization.standing(account).await,
            None => Ok(None),
        }
    }
}
