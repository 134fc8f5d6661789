//! Logical destinations. Sources: API Reference, "PutDestination" and its neighbours; User Guide, "Cross-account
//! cross-Region subscriptions".

use std::sync::Arc;

use haneul_kit::{
    Access, AccountId, ApiError, Arn, Cx, Fault, Handle, Policy, Result, Tags, paging, pinned_policy,
};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_policy::{Attached, Context, Inputs, Principal, Request, decide};
use haneul_shape::Empty;
use serde_json::Value;

use super::access::RULES;
use super::subscription_filters::pass_role;
use super::tags::{merge, refused};
use crate::Logs;
use crate::error;
use crate::filters::payload::control;
use crate::model::Destination;
use crate::names::{DestinationName, GroupName};

const PAGE: usize = 50;

impl Handle<op::PutDestination> for Logs {
    async fn access(&self, cx: &Cx, input: &s::PutDestinationRequest) -> Result<Vec<Access>> {
        let name = DestinationName::own(cx, &input.destination_name);
        let tags: Vec<(&str, &str)> =
            input.tags.iter().flat_map(|tags| tags.iter()).map(|(k, v)| (k, v.as_str())).collect();
        let put = self.on_destination("logs:PutDestination", &name).await?.request_tags(tags.clone());
        let mut all = vec![put];
        all.extend(pass_role(Some(&input.role_arn)));
        if !tags.is_empty() {
            all.push(self.on_destination("logs:TagResource", &name).await?.request_tags(tags));
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::PutDestinationRequest) -> Result<s::PutDestinationResponse> {
        let name = DestinationName::own(cx, &input.destination_name);
        let tags = Tags::from_request(input.tags.unwrap_or_default()).map_err(refused)?;
        self.check_target(&name, &input.target_arn, &input.role_arn).await?;
        let made = Destination {
            id: self.platform.env.rng.u64(),
            created_ms: cx.now().millis(),
            target: input.target_arn,
            role: input.role_arn,
            policy: None,
            tags: Vec::new(),
        };
        let put = self.records.put_destination(&name, &made, |known| merge(known, &tags)).await?;
        Ok(s::PutDestinationResponse { destination: Some(self.shown(&name, put).await?) })
    }
}

impl Handle<op::PutDestinationPolicy> for Logs {
    async fn access(&self, cx: &Cx, input: &s::PutDestinationPolicyRequest) -> Result<Vec<Access>> {
        let name = DestinationName::own(cx, &input.destination_name);
        Ok(vec![self.on_destination("logs:PutDestinationPolicy", &name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::PutDestinationPolicyRequest) -> Result<Empty> {
        let document = input.access_policy;
        if document.len() > RULES.size_max {
            return Err(error::invalid("The access policy can be up to 5120 bytes long."));
        }
        Policy::parse(&document, &RULES)
            .map_err(|why| error::invalid(format!("The access policy document is not valid: {why}")))?;
        let document = pinned_policy::pin(&self.platform, &document).await?;
        let forced = input.force_update == Some(true);
        let change = |destination: &mut Destination| {
            let of_accounts =
                destination.policy.as_deref().is_some_and(|policy| !is_for_organization(policy));
            if of_accounts && is_for_organization(&document) && !forced {
                return Err(error::invalid(
                    "The access policy grants permission to an organization instead of accounts: update the subscription filters of the senders, then specify forceUpdate.",
                ));
            }
            destination.policy = Some(document.clone());
            Ok(())
        };
        let name = DestinationName::own(cx, &input.destination_name);
        let changed = self.records.change_destination(&name, change).await;
        // The operation knows no ResourceNotFoundException.
        changed.map_err(|error| match error.code() {
            "ResourceNotFoundException" => error::invalid("The specified destination does not exist."),
            _ => error,
        })?;
        Ok(Empty {})
    }
}

impl Handle<op::DescribeDestinations> for Logs {
    async fn access(&self, _: &Cx, _: &s::DescribeDestinationsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("logs:DescribeDestinations")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeDestinationsRequest,
    ) -> Result<s::DescribeDestinationsResponse> {
        let owner = (cx.account(), cx.region());
        let prefix = input.destination_name_prefix.unwrap_or_default();
        let purpose = format!("logs.destinations {} {} {prefix}", owner.0, owner.1);
        let seal = &self.platform.seal;
        let after: Option<String> = match &input.next_token {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        let limit = input.limit.map_or(PAGE, |limit| limit as usize);
        let found = self.records.destinations(owner, &prefix, after.as_deref(), limit + 1).await?;
        let page = paging::cut(found, limit, seal, &purpose, |(name, _)| name.clone());
        let mut destinations = Vec::new();
        for (name, destination) in page.items {
            destinations.push(self.shown(&DestinationName::own(cx, &name), destination).await?);
        }
        Ok(s::DescribeDestinationsResponse { destinations: Some(destinations), next_token: page.next })
    }
}

impl Handle<op::DeleteDestination> for Logs {
    async fn access(&self, cx: &Cx, input: &s::DeleteDestinationRequest) -> Result<Vec<Access>> {
        let name = DestinationName::own(cx, &input.destination_name);
        Ok(vec![self.on_destination("logs:DeleteDestination", &name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteDestinationRequest) -> Result<Empty> {
        self.records.delete_destination(&DestinationName::own(cx, &input.destination_name)).await?;
        self.delivering.wake();
        Ok(Empty {})
    }
}

/// The destination that an ARN means: one of the caller's, in this Region.
pub(super) fn own_destination(cx: &Cx, arn: &Arn) -> Result<DestinationName> {
    let bad = || error::invalid(format!("The specified resource ARN {arn} is invalid."));
    let name = DestinationName::of(arn).ok_or_else(bad)?;
    let ours = name.account == cx.account() && name.region == cx.region();
    if ours { Ok(name) } else { Err(error::destination_not_found()) }
}

impl Logs {
    /// Permission for an action on a destination by its owner.
    async fn on_destination(&self, action: &'static str, name: &DestinationName) -> Result<Access> {
        let found = self.records.find_destination(name).await?;
        Ok(on(action, name, found.as_ref()))
    }

    /// What subscribing to a logical destination asks for, beside what the group does: the caller's policies must allow it,
    /// and those of another account the destination's too.
    pub(super) async fn subscribing(&self, destination: &str) -> Result<Option<Access>> {
        let name = Arn::parse(destination).ok().and_then(|arn| DestinationName::of(&arn));
        let Some(name) = name else { return Ok(None) };
        let found = self.records.find_destination(&name).await?;
        let access = on("logs:PutSubscriptionFilter", &name, found.as_ref());
        let policy = found.and_then(|found| found.policy).map(|policy| read(&policy)).transpose()?;
        Ok(Some(access.with_policy(policy.map(Arc::new))))
    }

    /// Whether a group may send to a logical destination; gives its id.
    pub(super) async fn check_logical(
        &self,
        group: &GroupName,
        name: &DestinationName,
        role: Option<&str>,
    ) -> Result<u64> {
        let destination = self.records.destination(name).await?;
        if name.region != group.region {
            return Err(error::invalid("The log group and the destination must be in the same Region."));
        }
        if !self.lets_in(name, &destination, group.account).await? {
            return Err(error::no_subscriber(group.account, &name.arn()));
        }
        let for_organization = destination.policy.as_deref().is_some_and(is_for_organization);
        if for_organization && role.is_none() && name.account != group.account {
            return Err(error::role_for_organization());
        }
        if let Some(role) = role {
            self.session(group, role).await.map_err(undeliverable)?;
        }
        Ok(destination.id)
    }

    /// The destination that a subscription goes through, while it is there and takes events of the account.
    pub(crate) async fn open_destination(
        &self,
        arn: &str,
        id: u64,
        sender: AccountId,
    ) -> Result<Option<Destination>> {
        let name = Arn::parse(arn).ok().and_then(|arn| DestinationName::of(&arn));
        let Some(name) = name else { return Ok(None) };
        let found = self.records.find_destination(&name).await?;
        let Some(destination) = found.filter(|found| found.id == id) else { return Ok(None) };
        let lets_in = self.lets_in(&name, &destination, sender).await?;
        Ok(lets_in.then_some(destination))
    }

    /// Whether the destination's policy lets an account send: it is asked when the account subscribes, and again when events
    /// go there, for the owner may have changed its mind. Who subscribes must have the permission on its own besides.
    async fn lets_in(
        &self,
        name: &DestinationName,
        destination: &Destination,
        sender: AccountId,
    ) -> Result<bool> {
        if sender == name.account {
            return Ok(true);
        }
        let Some(policy) = &destination.policy else { return Ok(false) };
        let policy = read(policy)?;
        let (arn, account) = (name.arn(), sender.to_string());
        let owner = name.account.to_string();
        let principal = Principal::root(&account);
        let mut context = Context::new();
        context.set("aws:PrincipalAccount", account.as_str());
        context.set("aws:PrincipalArn", format!("arn:aws:iam::{account}:root"));
        context.set("aws:PrincipalType", "Account");
        if let Some(own) = self.platform.standing(sender).await?.and_then(|own| own.membership.clone()) {
            context.set("aws:PrincipalOrgID", own.organization_id);
            context.set("aws:PrincipalOrgPaths", own.path);
            context.set("aws:PrincipalOrgMasterAccount", own.management_account.to_string());
        }
        let request = Request {
            principal: &principal,
            action: "logs:PutSubscriptionFilter",
            resource: arn.as_str(),
            resource_account: Some(&owner),
            context: &context,
        };
        let resource = [Attached { name: "access policy", arn: None, policy: &policy }];
        Ok(decide(&request, &Inputs { resource: &resource, ..Inputs::default() }).is_allowed())
    }

    /// Whether the role can put into the target: it is sent a test message on the owner's behalf.
    async fn check_target(&self, name: &DestinationName, target: &str, role: &str) -> Result<()> {
        let role_arn = Arn::parse(role).map_err(|_| error::invalid("roleArn is not a valid ARN"))?;
        let stream = Arn::parse(target).map_err(|_| error::invalid("targetArn is not a valid ARN"))?;
        let kind = match stream.service() {
            "kinesis" if stream.resource().starts_with("stream/") => "Kinesis stream",
            "firehose" if stream.resource().starts_with("deliverystream/") => "Firehose",
            _ => return Err(error::bad_destination()),
        };
        let is_own = |arn: &Arn| arn.account_id() == Some(name.account);
        if !is_own(&stream) || !is_own(&role_arn) {
            return Err(error::bad_destination());
        }
        let record = control(kind, self.platform.env.now().millis())?;
        self.try_target(name, role, &stream, record.into()).await.map_err(undeliverable)
    }
}

fn on(action: &'static str, name: &DestinationName, found: Option<&Destination>) -> Access {
    let access = Access::on(action, &name.arn());
    match found {
        Some(found) => access.resource_tags(found.tags.iter().map(|(k, v)| (k.as_str(), v.as_str()))),
        None => access,
    }
}

fn undeliverable(refused: ApiError) -> ApiError {
    match refused.fault() {
        Fault::Client => error::bad_destination(),
        _ => refused,
    }
}

/// A policy that was checked when it was put.
fn read(document: &str) -> Result<Policy> {
    Policy::parse(document, &RULES).map_err(ApiError::internal)
}

/// Whether a policy lets accounts in by their organization.
fn is_for_organization(document: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(document) else { return false };
    let statements = match &document["Statement"] {
        Value::Array(statements) => statements.as_slice(),
        statement => std::slice::from_ref(statement),
    };
    let allowing = statements.iter().filter(|statement| statement["Effect"] == "Allow");
    let conditions = allowing.filter_map(|statement| statement["Condition"].as_object());
    let mut keys =
        conditions.flat_map(|all| all.values()).filter_map(Value::as_object).flat_map(|of| of.keys());
    keys.any(|key| {
        ["aws:PrincipalOrgID", "aws:PrincipalOrgPaths"].iter().any(|known| key.eq_ignore_ascii_case(known))
    })
}

impl Logs {
    async fn shown(&self, name: &DestinationName, destination: Destination) -> Result<s::Destination> {
        let access_policy = match &destination.policy {
            Some(policy) => Some(pinned_policy::show(&self.platform, policy).await?),
            None => None,
        };
        Ok(s::Destination {
            destination_name: Some(name.name.clone()),
            target_arn: Some(destination.target),
            role_arn: Some(destination.role),
            access_policy,
            arn: Some(name.arn().to_string()),
            creation_time: Some(destination.created_ms),
        })
    }
}
