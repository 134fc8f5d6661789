//! Centralised access to the root users of an organization's member accounts.

use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_iam_wire::values::feature_type as feature;
use haneul_kit::{Access, AccountId, Cx, Handle, Result};

use crate::error;
use crate::iam::Iam;
use crate::model::Account;

/// The service for which the organization must have trusted access, and an account be delegated.
const PRINCIPAL: &str = "iam.amazonaws.com";

/// What the four changes have in common: which field, and what it becomes.
macro_rules! features {
    ($($op:ident($input:ident, $action:literal) -> $output:ident: $field:ident = $value:literal;)*) => {$(
        impl Handle<op::$op> for Iam {
            async fn access(&self, cx: &Cx, _: &s::$input) -> Result<Vec<Access>> {
                Iam::to(cx, $action)
            }

            async fn call(&self, cx: &Cx, _: s::$input) -> Result<s::$output> {
                let (organization, management) = self.root_features_of(cx).await?;
                if $value && management != cx.account() {
                    return Err(error::not_management_account());
                }
                let account = self
                    .state
                    .change_account(management, |account| {
                        account.$field = $value;
                        Ok(account.clone())
                    })
                    .await?;
                Ok(s::$output { organization_id: Some(organization), enabled_features: Some(features(&account)) })
            }
        }
    )*};
}

features! {
    EnableOrganizationsRootCredentialsManagement(
        EnableOrganizationsRootCredentialsManagementRequest, "iam:EnableOrganizationsRootCredentialsManagement"
    ) -> EnableOrganizationsRootCredentialsManagementResponse: root_credentials_management = true;
    DisableOrganizationsRootCredentialsManagement(
        DisableOrganizationsRootCredentialsManagementRequest, "iam:DisableOrganizationsRootCredentialsManagement"
    ) -> DisableOrganizationsRootCredentialsManagementResponse: root_credentials_management = false;
    EnableOrganizationsRootSessions(
        EnableOrganizationsRootSessionsRequest, "iam:EnableOrganizationsRootSessions"
    ) -> EnableOrganizationsRootSessionsResponse: root_sessions = true;
    DisableOrganizationsRootSessions(
        DisableOrganizationsRootSessionsRequest, "iam:DisableOrganizationsRootSessions"
    ) -> DisableOrganizationsRootSessionsResponse: root_sessions = false;
}

impl Handle<op::ListOrganizationsFeatures> for Iam {
    async fn access(&self, cx: &Cx, _: &s::ListOrganizationsFeaturesRequest) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:ListOrganizationsFeatures")
    }

    async fn call(
        &self,
        cx: &Cx,
        _: s::ListOrganizationsFeaturesRequest,
    ) -> Result<s::ListOrganizationsFeaturesResponse> {
        let (organization, management) = self.root_features_of(cx).await?;
        let account = self.state.account(management).await?;
        Ok(s::ListOrganizationsFeaturesResponse {
            organization_id: Some(organization),
            enabled_features: Some(features(&account)),
        })
    }
}

fn features(account: &Account) -> Vec<String> {
    let all = [
        (account.root_credentials_management, feature::ROOT_CREDENTIALS_MANAGEMENT),
        (account.root_sessions, feature::ROOT_SESSIONS),
    ];
    all.into_iter().filter(|(enabled, _)| *enabled).map(|(_, name)| name.to_owned()).collect()
}

impl Iam {
    /// The caller's organization and its management account, when the caller may manage root access in it.
    async fn root_features_of(&self, cx: &Cx) -> Result<(String, AccountId)> {
        let membership = self.membership(cx.account()).await?.ok_or_else(error::no_organization)?;
        let delegated = membership.delegated_services.iter().any(|service| service == PRINCIPAL);
        if !membership.is_management_account(cx.account()) && !delegated {
            return Err(error::not_management_or_delegated());
        }
        if !membership.trusts(PRINCIPAL) {
            return Err(error::no_trusted_access());
        }
        Ok((membership.organization_id, membership.management_account))
    }
}
