//! The types of policies, as data. Source: AWS Organizations User Guide, "Quotas and service limits", and the syntax
//! page of each type.

/// One type of policy.
pub(crate) struct Kind {
    /// As on the wire.
    pub name: &'static str,
    pub form: Form,
    /// Characters of a document.
    pub size_max: usize,
    /// Policies of the type in an organization.
    pub policies_max: usize,
    /// Policies of the type on one target.
    pub attached_max: usize,
}

/// What a document of the type looks like.
pub(crate) enum Form {
    ServiceControl,
    ResourceControl,
    /// A tree of settings with inheritance operators, under this one key.
    Settings(&'static str),
}

pub(crate) const SCP: &str = "SERVICE_CONTROL_POLICY";
pub(crate) const RCP: &str = "RESOURCE_CONTROL_POLICY";
const FULL_ACCESS: &str = "p-FullAWSAccess";
pub(crate) const RCP_FULL_ACCESS: &str = "p-RCPFullAWSAccess";

const fn settings(name: &'static str, key: &'static str) -> Kind {
    Kind { name, form: Form::Settings(key), size_max: 10_000, policies_max: 1000, attached_max: 10 }
}

pub(crate) static KINDS: &[Kind] = &[
    Kind { name: SCP, form: Form::ServiceControl, size_max: 5120, policies_max: 10_000, attached_max: 5 },
    Kind { name: RCP, form: Form::ResourceControl, size_max: 5120, policies_max: 1000, attached_max: 5 },
    settings("TAG_POLICY", "tags"),
    settings("BACKUP_POLICY", "plans"),
    Kind { size_max: 2500, attached_max: 5, ..settings("AISERVICES_OPT_OUT_POLICY", "services") },
    Kind { attached_max: 5, ..settings("CHATBOT_POLICY", "chatbot") },
    settings("DECLARATIVE_POLICY_EC2", "ec2_attributes"),
    settings("SECURITYHUB_POLICY", "securityhub"),
    settings("SECURITYHUB_CSPM_POLICY", "securityhub_cspm"),
    settings("INSPECTOR_POLICY", "inspector"),
    settings("UPGRADE_ROLLOUT_POLICY", "upgrade_rollout"),
    settings("BEDROCK_POLICY", "bedrock"),
    settings("S3_POLICY", "s3_attributes"),
    settings("NETWORK_SECURITY_DIRECTOR_POLICY", "network_security_director"),
    settings("GUARDDUTY_POLICY", "guardduty"),
];

pub(crate) fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

impl Kind {
    /// The policy of AWS that everything has while the type is enabled.
    pub(crate) fn default_policy(&self) -> Option<&'static AwsManaged> {
        AWS_MANAGED.iter().find(|policy| policy.kind == self.name)
    }
}

/// A policy of AWS's own.
pub(crate) struct AwsManaged {
    pub id: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    pub kind: &'static str,
    pub content: &'static str,
}

pub(crate) static AWS_MANAGED: &[AwsManaged] = &[
    AwsManaged {
        id: FULL_ACCESS,
        name: "FullAWSAccess",
        description: "Allows access to every operation",
        kind: SCP,
        content: "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\",\n      \"Action\": \"*\",\n      \"Resource\": \"*\"\n    }\n  ]\n}",
    },
    AwsManaged {
        id: RCP_FULL_ACCESS,
        name: "RCPFullAWSAccess",
        description: "Allows access to every operation",
        kind: RCP,
        content: "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\",\n      \"Principal\": \"*\",\n      \"Action\": \"*\",\n      \"Resource\": \"*\"\n    }\n  ]\n}",
    },
];

pub(crate) fn aws_managed(id: &str) -> Option<&'static AwsManaged> {
    AWS_MANAGED.iter().find(|policy| policy.id == id)
}

pub(crate) fn is_aws_managed(id: &str) -> bool {
    aws_managed(id).is_some()
}
