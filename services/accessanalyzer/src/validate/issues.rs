//! Every issue, as data.

/// As `findingType` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    Error,
    SecurityWarning,
    Suggestion,
    Warning,
}

use Severity::{Error, SecurityWarning, Suggestion, Warning};

impl Severity {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Error => "ERROR",
            SecurityWarning => "SECURITY_WARNING",
            Suggestion => "SUGGESTION",
            Warning => "WARNING",
        }
    }

    /// As the page of the guide names it.
    fn anchor(self) -> &'static str {
        match self {
            Error => "error",
            SecurityWarning => "security-warning",
            Suggestion => "suggestion",
            Warning => "general-warning",
        }
    }
}

/// Code, type, and the sentence; `{}` is filled in.
#[derive(Debug)]
pub(crate) struct Issue {
    pub code: &'static str,
    pub severity: Severity,
    pub sentence: &'static str,
}

impl Issue {
    pub(crate) fn link(&self) -> String {
        format!(
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html#access-analyzer-reference-policy-checks-{}-{}",
            self.severity.anchor(),
            self.code.to_lowercase().replace('_', "-")
        )
    }
}

/// # Panics
/// For a code that is not in the table, which the first test finds.
pub(crate) fn issue(code: &str) -> &'static Issue {
    ISSUES.iter().find(|issue| issue.code == code).expect("every code is in the table")
}

const fn new(code: &'static str, severity: Severity, sentence: &'static str) -> Issue {
    Issue { code, severity, sentence }
}

#[rustfmt::skip]
pub(crate) static ISSUES: &[Issue] = &[
    new("ARN_ACCOUNT_NOT_ALLOWED", Error, "The service {} does not support specifying an account ID in the resource ARN."),
    new("ARN_REGION_NOT_ALLOWED", Error, "The service {} does not support specifying a Region in the resource ARN."),
    new("DATA_TYPE_MISMATCH", Error, "The text does not match the expected JSON data type {}."),
    new("DUPLICATE_KEYS_WITH_DIFFERENT_CASE", Error, "The condition key {} appears more than once with different capitalization in the same condition block. Remove the duplicate condition keys."),
    new("EMPTY_VARIABLE", Error, "Empty policy variable. Remove the ${ } variable structure or provide a variable within the structure."),
    new("INVALID_ACTION", Error, "The action {} does not exist."),
    new("INVALID_ARN_ACCOUNT", Error, "The resource ARN account ID {} is not valid. Provide a 12-digit account ID."),
    new("INVALID_ARN_PREFIX", Error, "Add the required prefix (arn) to the resource ARN."),
    new("INVALID_ARN_REGION", Error, "The Region {} is not valid for this resource. Update the resource ARN to include a supported Region."),
    new("INVALID_ARN_RESOURCE", Error, "Resource ARN does not match the expected ARN format. Update the resource portion of the ARN."),
    new("INVALID_ARN_SERVICE_CASE", Error, "Update the service name {} in the resource ARN to use all lowercase letters."),
    new("INVALID_CONDITION_DATA_TYPE", Error, "The condition value data types do not match. Use condition values of the same JSON data type."),
    new("INVALID_CONDITION_KEY_FORMAT", Error, "The condition key format is not valid. Use the format service:keyname."),
    new("INVALID_CONDITION_MULTIPLE_BOOLEAN", Error, "The condition key does not support multiple Boolean values. Use a single Boolean value."),
    new("INVALID_CONDITION_OPERATOR", Error, "The condition operator {} is not valid. Use a valid condition operator."),
    new("INVALID_EFFECT", Error, "The effect {} is not valid. Use Allow or Deny."),
    new("INVALID_GLOBAL_CONDITION_KEY", Error, "The condition key {} does not exist. Use a valid condition key."),
    new("INVALID_PARTITION", Error, "The resource ARN does not support the partition {}. Use the supported values: aws, aws-cn, aws-us-gov."),
    new("INVALID_POLICY_ELEMENT", Error, "The policy element {} is not valid."),
    new("INVALID_PRINCIPAL_FORMAT", Error, "The Principal element contents are not valid. Specify a key-value pair in the Principal element."),
    new("INVALID_PRINCIPAL_KEY", Error, "The principal key {} is not valid."),
    new("INVALID_REGION", Error, "The Region {} is not valid. Update the condition value to a supported Region."),
    new("INVALID_SERVICE", Error, "The service {} does not exist. Use a valid service name."),
    new("INVALID_SERVICE_CONDITION_KEY", Error, "The condition key {} does not exist in the service. Use a valid condition key."),
    new("INVALID_SERVICE_IN_ACTION", Error, "The service {} specified in the action does not exist."),
    new("INVALID_SERVICE_PRINCIPAL_FORMAT", Error, "The service principal {} does not match the expected format. Use the format service-name.amazonaws.com."),
    new("INVALID_VARIABLE_FOR_OPERATOR", Error, "Policy variables can only be used with String and ARN operators."),
    new("INVALID_VERSION", Error, "The version {} is not valid. Use one of the following versions: 2012-10-17, 2008-10-17."),
    new("JSON_SYNTAX_ERROR", Error, "Fix the JSON syntax error at index {}."),
    new("MISSING_ACTION", Error, "Add an Action or NotAction element to the policy statement."),
    new("MISSING_ARN_FIELD", Error, "Resource ARNs must include at least 6 fields in the following structure: arn:partition:service:region:account:resource"),
    new("MISSING_ARN_REGION", Error, "Add a Region to the {} resource ARN."),
    new("MISSING_BRACE_IN_VARIABLE", Error, "The policy variable is missing a closing curly brace. Add } after the variable text."),
    new("MISSING_EFFECT", Error, "Add an Effect element to the policy statement with a value of Allow or Deny."),
    new("MISSING_PRINCIPAL", Error, "Add a Principal element to the policy statement."),
    new("MISSING_QUALIFIER", Error, "The request context key {} has multiple values. Use the ForAllValues or ForAnyValue condition key qualifiers in your policy."),
    new("MISSING_QUOTE_IN_VARIABLE", Error, "The policy variable default value must begin and end with a single quote. Add the missing quote."),
    new("MISSING_RESOURCE", Error, "Add a Resource or NotResource element to the policy statement."),
    new("MISSING_STATEMENT", Error, "Add a statement to the policy"),
    new("MISSING_TAG_KEY_IN_CONDITION", Error, "The condition key {} must include a tag key to control access based on tags. Use the format {}tag-key and specify a key name for tag-key."),
    new("NULL_WITH_IF_EXISTS", Error, "The Null condition operator cannot be used with the IfExists suffix. Update the operator or the suffix."),
    new("POLICY_SIZE_EXCEEDS_RCP_QUOTA", Error, "The characters in the resource control policy (RCP) exceed the character maximum for RCPs. We recommend that you use multiple granular policies."),
    new("POLICY_SIZE_EXCEEDS_SCP_QUOTA", Error, "The characters in the service control policy (SCP) exceed the character maximum for SCPs. We recommend that you use multiple granular policies."),
    new("PRIVATE_IP_ADDRESS", Error, "aws:SourceIp works only for public IP address ranges. The values for condition key aws:SourceIp include only private IP addresses and will not have the desired effect. Update the value to include only public IP addresses."),
    new("PRIVATE_NOT_IP_ADDRESS", Error, "The values for condition key aws:SourceIp include only private IP addresses and has no effect. aws:SourceIp works only for public IP address ranges. Update the value to include only public IP addresses."),
    new("RCP_SYNTAX_ERROR_ALLOW", Error, "RCPs only support specifying all principals, all resources, and all actions in the Allow effect, which is the RCPFullAWSAccess policy. Update the effect to Deny."),
    new("RCP_SYNTAX_ERROR_NOTACTION", Error, "RCPs do not support the NotAction element. Update the policy to use Action instead."),
    new("RCP_SYNTAX_ERROR_PRINCIPAL", Error, "RCPs only support specifying all principals (\"*\") in the Principal element and do not support NotPrincipal. Update the Principal element."),
    new("SCP_SYNTAX_ERROR_PRINCIPAL", Error, "SCPs do not support specifying principals. Remove the Principal or NotPrincipal element."),
    new("UNIQUE_SIDS_REQUIRED", Error, "Duplicate statement IDs are not supported for this policy type. Update the Sid value."),
    new("UNSUPPORTED_ELEMENT_COMBINATION", Error, "The policy elements {} can not be used in the same statement. Remove one of these elements."),
    new("UNSUPPORTED_GLOBAL_CONDITION_KEY", Error, "The condition key aws:ARN is not supported. Use aws:PrincipalArn or aws:SourceArn instead."),
    new("UNSUPPORTED_PRINCIPAL", Error, "The policy type {} does not support the Principal element. Remove the Principal element."),
    new("UNSUPPORTED_RESOURCE_ELEMENT", Error, "The policy type does not support the Resource element. Remove the Resource element."),
    new("UNSUPPORTED_SID", Error, "Update the characters in the Sid element to use one of the following character types: [a-z, A-Z, 0-9]"),
    new("UNSUPPORTED_SPACE_IN_VARIABLE", Error, "A space is not supported within the policy variable text. Remove the space."),
    new("UNSUPPORTED_SYMBOL_IN_VARIABLE", Error, "The symbol {} is not supported within the policy variable text. Remove the symbol."),
    new("UNSUPPORTED_WILDCARD_IN_PRINCIPAL", Error, "Wildcards (*, ?) are not supported with the principal key {}. Replace the wildcard with a valid principal value."),
    new("VARIABLE_UNSUPPORTED_IN_ELEMENT", Error, "Policy variables are supported in the Resource and Condition elements. Remove the policy variable {} from this element."),
    new("VARIABLE_UNSUPPORTED_IN_VERSION", Error, "To include variables in your policy, use the policy version 2012-10-17 or later."),
    new("CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE", Warning, "Using NotAction with NotResource can allow creation of unintended service-linked roles because it allows iam:CreateServiceLinkedRole permissions on multiple resources. We recommend that you specify resource ARNs instead."),
    new("CREATE_SLR_WITH_NOT_RESOURCE", Warning, "Using the iam:CreateServiceLinkedRole action with NotResource can allow creation of unintended service-linked roles for multiple resources. We recommend that you specify resource ARNs instead."),
    new("CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE", Warning, "Using an action with a wildcard(*) and NotResource can allow creation of unintended service-linked roles because it can allow iam:CreateServiceLinkedRole permissions on multiple resources. We recommend that you specify resource ARNs instead."),
    new("CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE", Warning, "Using wildcards (*) in the action and the resource can allow creation of unintended service-linked roles because it allows iam:CreateServiceLinkedRole permissions on all resources. We recommend that you specify resource ARNs instead."),
    new("CREATE_SLR_WITH_STAR_IN_RESOURCE", Warning, "Using the iam:CreateServiceLinkedRole action with wildcards (*) in the resource can allow creation of unintended service-linked roles. We recommend that you specify resource ARNs instead."),
    new("CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION", Warning, "Using a resource with wildcards (*) and NotAction can allow creation of unintended service-linked roles because it allows iam:CreateServiceLinkedRole permissions on all resources. We recommend that you specify resource ARNs instead."),
    new("DEPRECATED_GLOBAL_CONDITION_KEY", Warning, "We recommend that you update aws:ARN to use the newer condition keys aws:PrincipalArn or aws:SourceArn."),
    new("INVALID_DATE_VALUE", Warning, "The date {} might not resolve as expected. We recommend that you use the YYYY-MM-DD format."),
    new("INVALID_ROLE_REFERENCE", Warning, "The Principal element includes the IAM role ID {}. We recommend that you use a role ARN instead."),
    new("INVALID_USER_REFERENCE", Warning, "The Principal element includes the IAM user ID {}. We recommend that you use a user ARN instead."),
    new("MISSING_VERSION", Warning, "We recommend that you specify the Version element to help you with debugging permission issues."),
    new("POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA", Warning, "The {} characters in the identity policy, excluding whitespace, exceed the character maximum for inline and managed policies. We recommend that you use multiple granular policies."),
    new("TYPE_MISMATCH", Warning, "Use the operator type {} instead of the operator for the condition key."),
    new("TYPE_MISMATCH_BOOLEAN", Warning, "Add a valid Boolean value (true or false) for the condition operator {}."),
    new("TYPE_MISMATCH_DATE", Warning, "The date condition operator is used with an invalid value. Specify a valid date using YYYY-MM-DD or other ISO 8601 date/time format."),
    new("TYPE_MISMATCH_IP_RANGE", Warning, "The condition operator {} is used with an invalid IP range value. Specify the IP range in standard CIDR format."),
    new("TYPE_MISMATCH_NUMBER", Warning, "Add a valid numeric value for the condition operator {}."),
    new("TYPE_MISMATCH_STRING", Warning, "Add a valid base64-encoded string value for the condition operator {}."),
    new("UNIQUE_SIDS_RECOMMENDED", Warning, "We recommend that you use statement IDs that are unique to your policy. Update the Sid value."),
    new("WILDCARD_WITHOUT_LIKE_OPERATOR", Warning, "Your condition value includes a * or ? character. If you meant to use a wildcard (*, ?), update the condition operator to include Like."),
    new("ALLOW_WITH_NOT_PRINCIPAL", SecurityWarning, "Using Allow with NotPrincipal can be overly permissive. We recommend that you use Principal instead."),
    new("DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", SecurityWarning, "Using the effect Deny with NotAction and the tag condition key {} can be overly permissive because some service actions are not denied by this statement. This is because the condition key doesn't apply to some service actions. We recommend that you use Action instead of NotAction."),
    new("DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", SecurityWarning, "Using the effect Deny with the tag condition key and actions for services with the following prefixes can be overly permissive: {}. Actions for the listed services are not denied by this statement. We recommend that you move these actions to a different statement without this condition key."),
    new("FORALLVALUES_WITH_SINGLE_VALUED_KEY", SecurityWarning, "Using ForAllValues qualifier with the single-valued condition key {} can be overly permissive. We recommend that you remove ForAllValues:."),
    new("MISSING_PAIRED_CONDITION_KEYS", SecurityWarning, "Using the condition key can be overly permissive without also using the following condition keys: {}. Condition keys like this one are more secure when paired with a related key. We recommend that you add the related condition keys to the same condition block."),
    new("PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE", SecurityWarning, "Using NotAction with NotResource can be overly permissive because it can allow iam:PassRole permissions on multiple resources. We recommend that you specify resource ARNs instead."),
    new("PASS_ROLE_WITH_NOT_RESOURCE", SecurityWarning, "Using the iam:PassRole action with NotResource can be overly permissive because it can allow iam:PassRole permissions on multiple resources. We recommend that you specify resource ARNs instead."),
    new("PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE", SecurityWarning, "Using an action with a wildcard (*) and NotResource can be overly permissive because it can allow iam:PassRole permissions on multiple resources. We recommend that you specify resource ARNs instead."),
    new("PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE", SecurityWarning, "Using wildcards (*) in the action and the resource can be overly permissive because it allows iam:PassRole permissions on all resources. We recommend that you specify resource ARNs or add the iam:PassedToService condition key to your statement."),
    new("PASS_ROLE_WITH_STAR_IN_RESOURCE", SecurityWarning, "Using the iam:PassRole action with wildcards (*) in the resource can be overly permissive because it allows iam:PassRole permissions on multiple resources. We recommend that you specify resource ARNs or add the iam:PassedToService condition key to your statement."),
    new("PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION", SecurityWarning, "Using a resource with wildcards (*) and NotAction can be overly permissive because it allows iam:PassRole permissions on all resources. We recommend that you specify resource ARNs or add the iam:PassedToService condition key to your statement."),
    new("ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", Suggestion, "Using the effect Allow with NotAction and the tag condition key {} allows only service actions that support the condition key. The condition key doesn't apply to some service actions. We recommend that you use Action instead of NotAction."),
    new("ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE", Suggestion, "Using the effect Allow with the tag condition key and actions for services with the following prefixes does not affect the policy: {}. Actions for the listed service are not allowed by this statement. We recommend that you move these actions to a different statement without this condition key."),
    new("EMPTY_ARRAY_ACTION", Suggestion, "This statement includes no actions and does not affect the policy. Specify actions."),
    new("EMPTY_ARRAY_CONDITION", Suggestion, "There are no values for the condition key {} and it does not affect the policy. Specify conditions."),
    new("EMPTY_ARRAY_CONDITION_FORALLVALUES", Suggestion, "The ForAllValues prefix with an empty condition key matches only if the key {} is missing from the request context. To determine if the request context is empty, we recommend that you use the Null condition operator with the value of true instead."),
    new("EMPTY_ARRAY_CONDITION_FORANYVALUE", Suggestion, "The ForAnyValue prefix with an empty condition key {} never matches the request context and it does not affect the policy. Specify conditions."),
    new("EMPTY_ARRAY_CONDITION_IFEXISTS", Suggestion, "The IfExists suffix with an empty condition key matches only if the key {} is missing from the request context. To determine if the request context is empty, we recommend that you use the Null condition operator with the value of true instead."),
    new("EMPTY_ARRAY_PRINCIPAL", Suggestion, "This statement includes no principals and does not affect the policy. Specify principals."),
    new("EMPTY_ARRAY_RESOURCE", Suggestion, "This statement includes no resources and does not affect the policy. Specify resources."),
    new("EMPTY_OBJECT_CONDITION", Suggestion, "This condition block is empty and it does not affect the policy. Specify conditions."),
    new("EMPTY_OBJECT_PRINCIPAL", Suggestion, "This statement includes no principals and does not affect the policy. Specify principals."),
    new("EMPTY_SID_VALUE", Suggestion, "Add a value to the empty string in the Sid element."),
    new("IMPROVE_IP_RANGE", Suggestion, "The non-zero bits in the IP address after the masked bits are ignored. Replace address with {}."),
    new("NULL_WITH_QUALIFIER", Suggestion, "Avoid using the Null condition operator with the ForAllValues or ForAnyValue qualifiers because they always return a true or false respectively."),
    new("PRIVATE_IP_ADDRESS_SUBSET", Suggestion, "The values for condition key aws:SourceIp include a mix of private and public IP addresses. The private addresses will not have the desired effect. aws:SourceIp works only for public IP address ranges. To define permissions for private IP ranges, use aws:VpcSourceIp."),
    new("PRIVATE_NOT_IP_ADDRESS_SUBSET", Suggestion, "The values for condition key aws:SourceIp include a mix of private and public IP addresses. The private addresses have no effect. aws:SourceIp works only for public IP address ranges. To define permissions for private IP ranges, use aws:VpcSourceIp."),
    new("REDUNDANT_ACTION", Suggestion, "The action(s) are redundant because they provide similar permissions. Update the policy to remove the redundant action such as: {}."),
    new("REDUNDANT_CONDITION_VALUE_NUM", Suggestion, "Multiple values in {} are redundant. Replace with the greatest/least single value for the key."),
    new("REDUNDANT_RESOURCE", Suggestion, "The resource ARN(s) are redundant because they reference the same resource. Review the use of wildcards (*) in {}."),
    new("REDUNDANT_STATEMENT", Suggestion, "The statements are redundant because they provide identical permissions. Update the policy to remove the redundant statement."),
    new("WILDCARD_IN_SERVICE_NAME", Suggestion, "Avoid using wildcards (*, ?) in the service name because it might grant unintended access to other AWS services with similar names."),
];
