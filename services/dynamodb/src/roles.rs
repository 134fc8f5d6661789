//! The service-linked role by which changes are brought to Kinesis streams: whoever takes it a permission stops that.
//! Source: DynamoDB Developer Guide, "Using service-linked roles for Kinesis Data Streams for DynamoDB".

use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{AccountId, Arn, Cx, Operation, Platform, Region, Result};
use haneul_roles::{By, request};

/// Who forwards a caller's permissions.
pub(crate) const PRINCIPAL: &str = "dynamodb.amazonaws.com";

/// Who assumes the role.
const LINKED: &str = "kinesisreplication.dynamodb.amazonaws.com";
const ROLE: &str = "AWSServiceRoleForDynamoDBKinesisDataStreamsReplication";
const SESSION: &str = "DynamoDBKinesisReplication";

/// Makes the role when it is not there, with the caller's permission.
pub(crate) async fn need_role(platform: &Platform, cx: &Cx) -> Result<()> {
    if platform.directory().role(cx.account(), ROLE).await?.is_some() {
        return Ok(());
    }
    let input =
        i::CreateServiceLinkedRoleRequest { aws_service_name: LINKED.to_owned(), ..Default::default() };
    match platform.forward::<iam::CreateServiceLinkedRole>(cx, PRINCIPAL, input).await {
        Ok(_) => Ok(()),
        // Somebody else made it meanwhile.
        Err(error) if error.code().starts_with("InvalidInput") => Ok(()),
        Err(error) => Err(error),
    }
}

/// Sessions of the role, by account.
pub(crate) struct Sessions {
    platform: Platform,
    kept: haneul_roles::Sessions<AccountId>,
}

impl Sessions {
    pub(crate) fn new(platform: Platform) -> Sessions {
        Sessions { platform, kept: Default::default() }
    }

    /// Calls as the service-linked role of the account, on account of a table.
    pub(crate) async fn call<O: Operation>(
        &self,
        account: AccountId,
        region: Region,
        table_arn: &str,
        input: O::Input,
    ) -> Result<O::Output> {
        let role = Arn::global("iam", account, format_args!("role/aws-service-role/{LINKED}/{ROLE}"));
        let by = By { service: LINKED, account, region, source: None };
        let request = request(role.as_str(), SESSION);
        let call = async |caller| {
            self.platform.bus.call::<O>(caller, region, Some(table_arn.to_owned()), input).await
        };
        self.kept.acting(&self.platform, &account, by, request, call).await
    }
}
