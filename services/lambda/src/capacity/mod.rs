//! Lambda Managed Instances: capacity providers, and functions whose published versions run on them.
//!
//! There are no instances: the host's own processors and memory play them. What a provider promises is kept nevertheless.
//! Environments of a version are started when it is published and kept ([`crate::tasks::capacity`]), take several
//! invocations at a time (`exec`'s fleets), and all of a provider together have no more processors than it may have.
//! [`settings`] says what may be configured, [`fleet`] what that means for the executor.

pub(crate) mod fleet;
pub(crate) mod settings;

use haneul_kit::{AccountId, Arn, Cx, Region, Result};
use haneul_roles::{AssumeRoleRequest, By, request};

use crate::lambda::PRINCIPAL;
use crate::names::FunctionName;
use crate::{Lambda, error};

/// Source: API Reference, "CapacityProviderName".
const NAME_LENGTH_MAX: usize = 140;

/// Which provider of which account and Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProviderName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl ProviderName {
    /// A name, or an ARN.
    ///
    /// # Errors
    /// InvalidParameterValueException for what is neither.
    pub(crate) fn read(cx: &Cx, given: &str) -> Result<ProviderName> {
        let wrong = || error::parameter(format!("The capacity provider's name is not well formed: {given}"));
        let plain = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        if given.len() > NAME_LENGTH_MAX {
            return Err(wrong());
        }
        if !given.starts_with("arn:") {
            let (account, region) = (cx.account(), cx.region());
            return plain(given)
                .then(|| ProviderName { account, region, name: given.to_owned() })
                .ok_or_else(wrong);
        }
        let arn = Arn::parse(given).map_err(|_| wrong())?;
        let name = arn.resource().strip_prefix("capacity-provider:").filter(|name| plain(name));
        let (account, region) =
            (arn.account_id().ok_or_else(wrong)?, arn.region().parse().map_err(|_| wrong())?);
        match name {
            Some(name) if arn.service() == "lambda" => {
                Ok(ProviderName { account, region, name: name.to_owned() })
            }
            _ => Err(wrong()),
        }
    }

    /// The one that a function of `function`'s account and Region names.
    pub(crate) fn of(function: &FunctionName, name: &str) -> ProviderName {
        ProviderName { account: function.account, region: function.region, name: name.to_owned() }
    }

    pub(crate) fn row(&self) -> (AccountId, Region, &str) {
        (self.account, self.region, &self.name)
    }

    pub(crate) fn arn(&self) -> Arn {
        Arn::new("lambda", self.region, self.account, format_args!("capacity-provider:{}", self.name))
    }

    /// One of the caller's: others cannot use it, nor see it.
    ///
    /// # Errors
    /// As [`ProviderName::read`], and ResourceNotFoundException.
    pub(crate) fn of_caller(cx: &Cx, given: &str) -> Result<ProviderName> {
        let name = ProviderName::read(cx, given)?;
        match (name.account, name.region) == (cx.account(), cx.region()) {
            true => Ok(name),
            false => Err(error::no_provider(&name)),
        }
    }
}

impl Lambda {
    /// The name of a provider that functions of the caller's can run on.
    pub(crate) async fn usable_provider(&self, cx: &Cx, arn: &str) -> Result<String> {
        let name = ProviderName::of_caller(cx, arn)?;
        self.records.provider(&name).await?;
        Ok(name.name)
    }

    /// Checks that Lambda may assume the role with which instances would be managed.
    pub(crate) async fn check_operator(&self, provider: &ProviderName, role: &str) -> Result<()> {
        let arn = Arn::parse(role).map_err(|_| error::parameter("The role's ARN is not well formed."))?;
        if arn.account_id() != Some(provider.account) {
            return Err(haneul_kit::ApiError::new(
                "AccessDeniedException",
                "Cross-account pass role is not allowed.",
            )
            .with_status(403));
        }
        let (account, region) = (provider.account, provider.region);
        let by = By { service: PRINCIPAL, account, region, source: Some(provider.arn().to_string()) };
        let request = AssumeRoleRequest { ..request(role, "capacity-provider") };
        match haneul_roles::assume(&self.platform, by, request).await {
            Ok(_) => Ok(()),
            Err(refused) if refused.fault() == haneul_kit::Fault::Client => Err(error::parameter(
                "The operator role of the capacity provider cannot be assumed by Lambda.",
            )),
            Err(failed) => Err(failed),
        }
    }
}
