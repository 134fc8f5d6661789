//! The service-linked role by which changes are brought to Kinesis streams: whoever takes it a permission stops that.
//! Source: DynamoDB Developer Guide, "Using service-linked roles for Kinesis Data Streams for DynamoDB".

use std::collections::HashMap;

use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{
    AccountId, ApiError, Arn, Caller, Cx, Instant, Operation, Platform, Region, Result, session_token,
};
use haneul_sts_wire::{operations as sts, shapes as t};
use parking_lot::Mutex;

/// Who forwards a caller's permissions.
pub(crate) const PRINCIPAL: &str = "dynamodb.amazonaws.com";

/// Who assumes the role.
const LINKED: &str = "kinesisreplication.dynamodb.amazonaws.com";
const ROLE: &str = "AWSServiceRoleForDynamoDBKinesisDataStreamsReplication";
const SESSION: &str = "DynamoDBKinesisReplication";

/// How long a session is used before another one is made; it lasts an hour.
const SESSION_MS: i64 = 15 * 60 * 1000;

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
    open: Mutex<HashMap<AccountId, (Caller, Instant)>>,
}

impl Sessions {
    pub(crate) fn new(platform: Platform) -> Sessions {
        Sessions { platform, open: Mutex::default() }
    }

    /// Calls as the service-linked role of the account, on account of a table.
    pub(crate) async fn call<O: Operation>(
        &self,
        account: AccountId,
        region: Region,
        table_arn: &str,
        input: O::Input,
    ) -> Result<O::Output> {
        let caller = self.session(account, region).await?;
        let called = self.platform.bus.call::<O>(caller, region, Some(table_arn.to_owned()), input).await;
        // The role may have been made anew meanwhile.
        called.inspect_err(|_| drop(self.open.lock().remove(&account)))
    }

    async fn session(&self, account: AccountId, region: Region) -> Result<Caller> {
        let now = self.platform.env.now();
        let known = self.open.lock().get(&account).cloned();
        if let Some((caller, made)) = known
            && now.millis() - made.millis() < SESSION_MS
        {
            return Ok(caller);
        }
        let role = Arn::global("iam", account, format_args!("role/aws-service-role/{LINKED}/{ROLE}"));
        let assume = t::AssumeRoleRequest {
            role_arn: role.to_string(),
            role_session_name: SESSION.to_owned(),
            ..Default::default()
        };
        let service = Caller::service(LINKED, account);
        let made = self.platform.bus.call::<sts::AssumeRole>(service, region, None, assume).await?;
        let made =
            made.credentials.ok_or_else(|| ApiError::internal("a role was assumed without credentials"))?;
        let opened = session_token::open(&self.platform.seal, &made.session_token, &made.access_key_id, now);
        let opened = opened.map_err(|_| ApiError::internal("a session's token does not open"))?;
        self.open.lock().insert(account, (opened.caller.clone(), now));
        Ok(opened.caller)
    }
}
