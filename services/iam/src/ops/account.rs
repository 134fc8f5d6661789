use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_iam_wire::values::summary_key_type as name;
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;

use crate::error;
use crate::iam::Iam;
use crate::quotas;

impl Handle<op::GetAccountSummary> for Iam {
    async fn access(&self, cx: &Cx, _: &Empty) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:GetAccountSummary")
    }

    async fn call(&self, cx: &Cx, _: Empty) -> Result<s::GetAccountSummaryResponse> {
        let account = self.state.account(cx.account()).await?;
        let configured =
            self.platform.config.root_keys.iter().filter(|root| root.account == cx.account()).count();
        let has_root_keys = configured + account.root_access_keys.len() > 0;
        let versions: usize =
            self.state.own_policies(cx.account()).await?.iter().map(|policy| policy.versions.len()).sum();
        let devices = self.state.mfa_devices(cx.account()).await?;
        let in_use = devices.iter().filter(|device| device.enabled.is_some()).count();
        let root = self.state.credentials(cx.account(), None).await?;
        let providers = self.state.saml_providers(cx.account()).await?.len()
            + self.state.oidc_providers(cx.account()).await?.len();
        let certificates = self.state.server_certificates(cx.account()).await?.len();
        let attached = quotas::ATTACHED_POLICIES as u32;
        let summary = [
            (name::USERS, account.users),
            (name::USERS_QUOTA, quotas::USERS),
            (name::GROUPS, account.groups),
            (name::GROUPS_QUOTA, quotas::GROUPS),
            (name::ROLES, account.roles),
            (name::ROLES_QUOTA, quotas::ROLES),
            (name::POLICIES, account.policies),
            (name::POLICIES_QUOTA, quotas::POLICIES),
            (name::INSTANCE_PROFILES, account.instance_profiles),
            (name::INSTANCE_PROFILES_QUOTA, quotas::INSTANCE_PROFILES),
            (name::POLICY_VERSIONS_IN_USE, versions as u32),
            (name::POLICY_VERSIONS_IN_USE_QUOTA, quotas::POLICY_VERSIONS_IN_USE),
            (name::VERSIONS_PER_POLICY_QUOTA, quotas::VERSIONS_PER_POLICY as u32),
            (name::USER_POLICY_SIZE_QUOTA, quotas::USER_POLICY_SIZE as u32),
            (name::GROUP_POLICY_SIZE_QUOTA, quotas::GROUP_POLICY_SIZE as u32),
            (name::ROLE_POLICY_SIZE_QUOTA, quotas::ROLE_POLICY_SIZE as u32),
            (name::POLICY_SIZE_QUOTA, quotas::MANAGED_POLICY_SIZE as u32),
            (name::ASSUME_ROLE_POLICY_SIZE_QUOTA, quotas::TRUST_POLICY_SIZE as u32),
            (name::GROUPS_PER_USER_QUOTA, quotas::GROUPS_PER_USER as u32),
            (name::ATTACHED_POLICIES_PER_USER_QUOTA, attached),
            (name::ATTACHED_POLICIES_PER_GROUP_QUOTA, attached),
            (name::ATTACHED_POLICIES_PER_ROLE_QUOTA, attached),
            (name::ACCESS_KEYS_PER_USER_QUOTA, quotas::ACCESS_KEYS_PER_USER as u32),
            (name::SIGNING_CERTIFICATES_PER_USER_QUOTA, quotas::SIGNING_CERTIFICATES as u32),
            (name::SERVER_CERTIFICATES_QUOTA, quotas::SERVER_CERTIFICATES as u32),
            (name::SERVER_CERTIFICATES, certificates as u32),
            (name::MFA_DEVICES, devices.len() as u32),
            (name::MFA_DEVICES_IN_USE, in_use as u32),
            (name::PROVIDERS, providers as u32),
            (name::ACCOUNT_MFA_ENABLED, u32::from(!root.mfa.is_empty())),
            (name::ACCOUNT_ACCESS_KEYS_PRESENT, u32::from(has_root_keys)),
            (name::ACCOUNT_PASSWORD_PRESENT, u32::from(root.login.is_some())),
            (name::ACCOUNT_SIGNING_CERTIFICATES_PRESENT, u32::from(!root.signing_certificates.is_empty())),
            (name::GLOBAL_ENDPOINT_TOKEN_VERSION, 1 + u32::from(account.global_token_v2)),
        ];
        let summary_map = summary.into_iter().map(|(name, count)| (name, count as i32)).collect();
        Ok(s::GetAccountSummaryResponse { summary_map: Some(summary_map) })
    }
}

impl Handle<op::CreateAccountAlias> for Iam {
    async fn access(&self, cx: &Cx, _: &s::CreateAccountAliasRequest) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:CreateAccountAlias")
    }

    async fn call(&self, cx: &Cx, input: s::CreateAccountAliasRequest) -> Result<Empty> {
        // The model's pattern looks ahead, which our patterns do not.
        if input.account_alias.contains("--") {
            return Err(error::account_alias(&input.account_alias));
        }
        self.state.set_alias(cx.account(), &input.account_alias).await?;
        Ok(Empty)
    }
}

impl Handle<op::DeleteAccountAlias> for Iam {
    async fn access(&self, cx: &Cx, _: &s::DeleteAccountAliasRequest) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:DeleteAccountAlias")
    }

    async fn call(&self, cx: &Cx, input: s::DeleteAccountAliasRequest) -> Result<Empty> {
        self.state.delete_alias(cx.account(), &input.account_alias).await?;
        Ok(Empty)
    }
}

impl Handle<op::ListAccountAliases> for Iam {
    async fn access(&self, cx: &Cx, _: &s::ListAccountAliasesRequest) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:ListAccountAliases")
    }

    async fn call(&self, cx: &Cx, _: s::ListAccountAliasesRequest) -> Result<s::ListAccountAliasesResponse> {
        let account = self.state.account(cx.account()).await?;
        Ok(s::ListAccountAliasesResponse {
            account_aliases: account.alias.into_iter().collect(),
            is_truncated: Some(false),
            marker: None,
        })
    }
}
