//! Trusted access of AWS's services.

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;
use haneul_shape::Empty;

use crate::organizations::{On, Who};
use crate::page::{self, Wanted};
use crate::{Organizations, error};

pub(super) const PRINCIPAL_KEY: &str = "organizations:ServicePrincipal";

/// Service principals that Organizations integrates with, without `.amazonaws.com`. Source: AWS Organizations User
/// Guide, "AWS services that you can use with AWS Organizations".
const INTEGRATED: &[&str] = &[
    "access-analyzer",
    "account",
    "aiops",
    "application-signals.cloudwatch",
    "appfabric",
    "auditmanager",
    "backup",
    "backup-search",
    "billing-cost-management",
    "bcm-data-exports",
    "ce",
    "chatbot",
    "cloudtrail",
    "cloudformation",
    "cloudwatch",
    "compute-optimizer",
    "config",
    "config-multiaccountsetup",
    "controltower",
    "cost-optimization-hub",
    "databrew",
    "declarative-policies-ec2.report-template",
    "detective",
    "devops-guru",
    "drs",
    "ds",
    "ec2",
    "ec2.ec2-instance-connect",
    "emr-notebook",
    "eks",
    "fms",
    "guardduty",
    "malware-protection.guardduty",
    "health",
    "iam",
    "ipam",
    "inspector2",
    "license-manager",
    "license-manager.member-account",
    "license-management.marketplace",
    "license-manager-linux-subscriptions",
    "licensemanager",
    "macie",
    "managed-services",
    "marketplace",
    "member.org.stacksets.cloudformation",
    "mgn",
    "networkmanager",
    "observabilityadmin",
    "opsdatasync.ssm",
    "organizations",
    "private-marketplace.marketplace",
    "procurement-insights.marketplace",
    "quicksetup.ssm",
    "ram",
    "reachabilityanalyzer.networkinsights",
    "reporting.trustedadvisor",
    "resource-explorer-2",
    "ram-resource",
    "s3.storage-lens",
    "storage-lens.s3",
    "sagemaker",
    "security-ir",
    "securityhub",
    "securitylake",
    "servicecatalog",
    "servicequotas",
    "sso",
    "ssm",
    "ssm-quicksetup",
    "ssm-incidents",
    "stacksets.cloudformation",
    "support",
    "tagpolicies.tag",
    "wellarchitected",
    "workmail",
    "user-subscriptions",
    "vpc-lattice",
    "deadline",
    "assets.deepracer",
    "cur",
    "invoicing",
    "network-security-director",
    "resourcegroups",
    "tagging",
    "artifact",
    "aws-artifact-account-sync",
    "activate",
    "datazone",
    "q",
    "kendra",
    "partnercentral",
];

/// # Errors
/// For a principal of no service that Organizations integrates with.
pub(super) fn check_principal(principal: &str) -> Result<()> {
    let name = principal.strip_suffix(".amazonaws.com");
    match name.is_some_and(|name| INTEGRATED.contains(&name)) {
        true => Ok(()),
        false => Err(error::invalid(
            "UNRECOGNIZED_SERVICE_PRINCIPAL",
            "You specified an unrecognized service principal.",
        )),
    }
}

impl Handle<op::EnableAWSServiceAccess> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::EnableAWSServiceAccessRequest) -> Result<Vec<Access>> {
        let keys = [(PRINCIPAL_KEY, input.service_principal.as_str())];
        let action = "organizations:EnableAWSServiceAccess";
        self.ask(cx, Who::Management, action, &[On::All], &keys).await
    }

    async fn call(&self, cx: &Cx, input: s::EnableAWSServiceAccessRequest) -> Result<Empty> {
        let vantage = self.enter(cx, Who::Management).await?;
        check_principal(&input.service_principal)?;
        self.state.trust_service(&vantage.id, &input.service_principal, cx.now()).await?;
        Ok(Empty)
    }
}

impl Handle<op::DisableAWSServiceAccess> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::DisableAWSServiceAccessRequest) -> Result<Vec<Access>> {
        let keys = [(PRINCIPAL_KEY, input.service_principal.as_str())];
        let action = "organizations:DisableAWSServiceAccess";
        self.ask(cx, Who::Management, action, &[On::All], &keys).await
    }

    async fn call(&self, cx: &Cx, input: s::DisableAWSServiceAccessRequest) -> Result<Empty> {
        let vantage = self.enter(cx, Who::Management).await?;
        check_principal(&input.service_principal)?;
        self.state.distrust_service(&vantage.id, &input.service_principal).await?;
        Ok(Empty)
    }
}

impl Handle<op::ListAWSServiceAccessForOrganization> for Organizations {
    async fn access(
        &self,
        cx: &Cx,
        _: &s::ListAWSServiceAccessForOrganizationRequest,
    ) -> Result<Vec<Access>> {
        let action = "organizations:ListAWSServiceAccessForOrganization";
        self.ask(cx, Who::Reader, action, &[On::All], &[]).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListAWSServiceAccessForOrganizationRequest,
    ) -> Result<s::ListAWSServiceAccessForOrganizationResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        let wanted = Wanted {
            token: input.next_token.as_deref(),
            results_max: input.max_results,
            listing: format!("services {}", vantage.id),
        };
        let all = vantage.organization.services.iter().map(|(principal, since)| s::EnabledServicePrincipal {
            service_principal: Some(principal.clone()),
            date_enabled: Some((*since).into()),
        });
        let position =
            |entry: &s::EnabledServicePrincipal| entry.service_principal.clone().unwrap_or_default();
        let (found, next_token) = page::cut(&self.platform.seal, &wanted, all.collect(), position)?;
        Ok(s::ListAWSServiceAccessForOrganizationResponse { enabled_service_principals: found, next_token })
    }
}
