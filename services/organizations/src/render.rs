//! Records as the wire has them.

use haneul_kit::{AccountId, Result};
use haneul_organizations_wire::shapes as s;
use haneul_store::Reads;

use crate::ids::{Arns, Target};
use crate::kinds;
use crate::model::{
    Account, Action, Creation, Handshake, HandshakeState, Organization, Party, Policy, Status, Tags,
    TransferStatus, Unit,
};
use crate::store::tree;

pub(crate) fn action(action: Action) -> &'static str {
    match action {
        Action::Invite => "INVITE",
        Action::EnableAllFeatures => "ENABLE_ALL_FEATURES",
        Action::ApproveAllFeatures => "APPROVE_ALL_FEATURES",
        Action::TransferResponsibility => "TRANSFER_RESPONSIBILITY",
    }
}

pub(crate) fn handshake_state(state: HandshakeState) -> &'static str {
    match state {
        HandshakeState::Requested => "REQUESTED",
        HandshakeState::Open => "OPEN",
        HandshakeState::Canceled => "CANCELED",
        HandshakeState::Accepted => "ACCEPTED",
        HandshakeState::Declined => "DECLINED",
        HandshakeState::Expired => "EXPIRED",
    }
}

pub(crate) fn transfer_status(status: TransferStatus) -> &'static str {
    match status {
        TransferStatus::Requested => "REQUESTED",
        TransferStatus::Declined => "DECLINED",
        TransferStatus::Canceled => "CANCELED",
        TransferStatus::Expired => "EXPIRED",
        TransferStatus::Accepted => "ACCEPTED",
        TransferStatus::Withdrawn => "WITHDRAWN",
    }
}

fn status(status: Status) -> (&'static str, &'static str) {
    match status {
        Status::Active => ("ACTIVE", "ACTIVE"),
        Status::PendingClosure => ("PENDING_CLOSURE", "PENDING_CLOSURE"),
        Status::Suspended => ("SUSPENDED", "SUSPENDED"),
        Status::Closed => ("SUSPENDED", "CLOSED"),
    }
}

pub(crate) fn organization(id: &str, organization: &Organization, master: &Account) -> s::Organization {
    let arns = Arns { organization: id, management: organization.management() };
    // The list is a relic: AWS says to look at ListRoots.
    let scp = organization
        .all_features
        .then(|| s::PolicyTypeSummary { r#type: Some(kinds::SCP.into()), status: Some("ENABLED".into()) });
    s::Organization {
        id: Some(id.into()),
        arn: Some(arns.itself().to_string()),
        feature_set: Some(if organization.all_features { "ALL" } else { "CONSOLIDATED_BILLING" }.into()),
        master_account_arn: Some(arns.account(organization.management()).to_string()),
        master_account_id: Some(organization.management().to_string()),
        master_account_email: Some(master.email.clone()),
        available_policy_types: Some(scp.into_iter().collect()),
    }
}

pub(crate) fn root(id: &str, organization: &Organization) -> s::Root {
    let arns = Arns { organization: id, management: organization.management() };
    let enabled =
        |kind: &String| s::PolicyTypeSummary { r#type: Some(kind.clone()), status: Some("ENABLED".into()) };
    s::Root {
        id: Some(organization.root.clone()),
        arn: Some(arns.target(&Target::Root(organization.root.clone())).to_string()),
        name: Some("Root".into()),
        policy_types: Some(organization.enabled_types.iter().map(enabled).collect()),
    }
}

/// `o-…/r-…/ou-…/` down to `parent`.
pub(crate) async fn path(
    reads: &impl Reads,
    id: &str,
    organization: &Organization,
    parent: &str,
) -> Result<String> {
    let mut path = format!("{id}/");
    for (at, _) in tree::above(reads, id, organization, parent).await? {
        path.push_str(&at);
        path.push('/');
    }
    Ok(path)
}

pub(crate) async fn unit(
    reads: &impl Reads,
    id: &str,
    organization: &Organization,
    unit_id: &str,
    unit: &Unit,
) -> Result<s::OrganizationalUnit> {
    let arns = Arns { organization: id, management: organization.management() };
    Ok(s::OrganizationalUnit {
        id: Some(unit_id.into()),
        arn: Some(arns.target(&Target::Unit(unit_id.into())).to_string()),
        name: Some(unit.name.clone()),
        path: Some(path(reads, id, organization, unit_id).await?),
    })
}

pub(crate) async fn account(
    reads: &impl Reads,
    id: &str,
    organization: &Organization,
    number: AccountId,
    account: &Account,
) -> Result<s::Account> {
    let arns = Arns { organization: id, management: organization.management() };
    let (old, new) = status(account.status);
    let mut rendered = s::Account {
        id: Some(number.to_string()),
        arn: Some(arns.account(number).to_string()),
        email: Some(account.email.clone()),
        name: Some(account.name.clone()),
        status: Some(old.into()),
        state: Some(new.into()),
        ..Default::default()
    };
    if let Some(seat) = &account.seat {
        let above = path(reads, id, organization, &seat.parent).await?;
        rendered.paths = Some(vec![format!("{above}{number}/")]);
        rendered.joined_method = Some(if seat.created { "CREATED" } else { "INVITED" }.into());
        rendered.joined_timestamp = Some(seat.joined.into());
    }
    Ok(rendered)
}

pub(crate) fn policy_summary(arns: Arns<'_>, id: &str, policy: &Policy) -> s::PolicySummary {
    s::PolicySummary {
        id: Some(id.into()),
        arn: Some(arns.policy(&policy.kind, id).to_string()),
        name: Some(policy.name.clone()),
        description: Some(policy.description.clone()),
        r#type: Some(policy.kind.clone()),
        aws_managed: Some(kinds::is_aws_managed(id)),
    }
}

pub(crate) fn policy(arns: Arns<'_>, id: &str, policy: &Policy) -> Option<s::Policy> {
    let summary = policy_summary(arns, id, policy);
    Some(s::Policy { policy_summary: Some(summary), content: Some(policy.content.clone()) })
}

pub(crate) fn creation(id: &str, creation: &Creation) -> Option<s::CreateAccountStatus> {
    let succeeded = creation.completed.is_some() && creation.failure.is_none();
    let state = match (&creation.completed, &creation.failure) {
        (None, _) => "IN_PROGRESS",
        (Some(_), None) => "SUCCEEDED",
        (Some(_), Some(_)) => "FAILED",
    };
    let account = AccountId::new(creation.account).unwrap_or_default();
    Some(s::CreateAccountStatus {
        id: Some(id.into()),
        account_name: Some(creation.name.clone()),
        state: Some(state.into()),
        requested_timestamp: Some(creation.requested.into()),
        completed_timestamp: creation.completed.map(Into::into),
        account_id: succeeded.then(|| account.to_string()),
        gov_cloud_account_id: None,
        failure_reason: creation.failure.clone(),
    })
}

pub(crate) fn tags(tags: &Tags) -> Vec<s::Tag> {
    tags.iter().map(|(key, value)| s::Tag { key: key.clone(), value: value.clone() }).collect()
}

pub(crate) fn handshake(id: &str, handshake: &Handshake) -> Option<s::Handshake> {
    let management = AccountId::new(handshake.management).unwrap_or_default();
    let arns = Arns { organization: &handshake.organization, management };
    let party = |id: &str, kind: &str| s::HandshakeParty { id: id.into(), r#type: kind.into() };
    let resource = |kind: &str, value: &str| s::HandshakeResource {
        r#type: Some(kind.into()),
        value: Some(value.into()),
        resources: None,
    };
    let mut parties = vec![party(&handshake.organization, "ORGANIZATION")];
    let mut resources = vec![resource("ORGANIZATION", &handshake.organization)];
    if handshake.action == Action::Invite {
        let features = if handshake.all_features { "ALL" } else { "CONSOLIDATED_BILLING" };
        resources[0].resources = Some(vec![
            resource("MASTER_EMAIL", &handshake.management_email),
            resource("MASTER_NAME", &handshake.management_name),
            resource("ORGANIZATION_FEATURE_SET", features),
        ]);
    }
    if let Some(terms) = &handshake.transfer {
        resources[0].resources = Some(vec![
            resource("MANAGEMENT_ACCOUNT", &management.to_string()),
            resource("MANAGEMENT_EMAIL", &handshake.management_email),
            resource("MANAGEMENT_NAME", &handshake.management_name),
        ]);
        let start = haneul_kit::Instant::from(terms.start).iso8601();
        resources.push(s::HandshakeResource {
            resources: Some(vec![
                resource("TRANSFER_TYPE", "BILLING"),
                resource("TRANSFER_START_TIMESTAMP", &start),
            ]),
            ..resource("RESPONSIBILITY_TRANSFER", &terms.id)
        });
    }
    let other = match &handshake.party {
        Party::Account(number) => Some((AccountId::new(*number).unwrap_or_default().to_string(), "ACCOUNT")),
        Party::Email(email) => Some((email.clone(), "EMAIL")),
        Party::Organization => None,
    };
    if let Some((other, kind)) = &other {
        parties.push(party(other, kind));
        resources.push(resource(kind, other));
    }
    if let Some(notes) = &handshake.notes {
        resources.push(resource("NOTES", notes));
    }
    if let Some(parent) = &handshake.parent {
        resources.push(resource("PARENT_HANDSHAKE", parent));
    }
    Some(s::Handshake {
        id: Some(id.into()),
        arn: Some(arns.handshake(action(handshake.action), id).to_string()),
        parties: Some(parties),
        state: Some(handshake_state(handshake.state).into()),
        requested_timestamp: Some(handshake.requested.into()),
        expiration_timestamp: Some(handshake.expires.into()),
        action: Some(action(handshake.action).into()),
        resources: Some(resources),
    })
}
