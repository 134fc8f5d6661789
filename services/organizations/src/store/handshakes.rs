//! Invitations, and the agreement of all to all features.

use haneul_kit::{AccountId, ApiError, Instant, Result};
use haneul_store::{Range, Reads, Tx};

use super::members::{Joining, seat};
use super::organization::outsider;
use super::{LIST_MAX, State, members, organization, transfers};
use crate::error;
use crate::model::{
    ACCOUNTS, Account, Action, HANDSHAKES, Handshake, HandshakeState, ORGANIZATIONS, Organization, Party,
    Status,
};
use crate::quotas;
use crate::render::handshake_state;

/// What somebody answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Accept,
    Decline,
    Cancel,
}

/// Who answers.
pub(crate) struct Answerer {
    pub account: AccountId,
    pub email: String,
}

impl Handshake {
    /// As it is now: what nobody answered in time has expired, also before the reconciler has noted it.
    pub(crate) fn at(mut self, now: Instant) -> Handshake {
        if self.state.is_pending() && Instant::from(self.expires) <= now {
            self.state = HandshakeState::Expired;
            self.ended = Some(self.expires);
        }
        self
    }

    pub(crate) fn is_sent_by(&self, account: AccountId) -> bool {
        self.management == account.number()
    }

    pub(crate) fn is_for(&self, who: &Answerer) -> bool {
        match &self.party {
            Party::Account(number) => *number == who.account.number(),
            Party::Email(email) => email.eq_ignore_ascii_case(&who.email),
            Party::Organization => self.is_sent_by(who.account),
        }
    }

    /// Whether it can still be seen.
    pub(crate) fn is_kept(&self, now: Instant) -> bool {
        self.ended.is_none_or(|ended| Instant::from(ended) + quotas::HANDSHAKES_KEPT > now)
    }
}

impl State {
    pub(crate) async fn handshake(&self, id: &str) -> Result<Option<Handshake>> {
        Ok(self.store.get(&HANDSHAKES, id).await?)
    }

    pub(crate) async fn handshakes(&self, now: Instant) -> Result<Vec<(String, Handshake)>> {
        let found = self.store.scan(&HANDSHAKES, Range::all(), LIST_MAX).await?;
        let found = found.into_iter().map(|(id, handshake)| (id, handshake.at(now)));
        Ok(found.filter(|(_, handshake)| handshake.is_kept(now)).collect())
    }

    pub(crate) async fn invite(&self, handshake_id: &str, made: &Handshake, now: Instant) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let id = &made.organization;
                let record = organization(&tx, id).await?;
                if record.migration.is_some() {
                    return Err(error::handshake_constraint(
                        "INVITE_DISABLED_DURING_ENABLE_ALL_FEATURES",
                        "You can't issue new invitations to join an organization while it's in the process of enabling all \
                         features.",
                    ));
                }
                let present = members(&tx, id).await?;
                let is_target = |number: AccountId, account: &Account| {
                    let who = Answerer { account: number, email: account.email.clone() };
                    made.is_for(&who)
                };
                if present.iter().any(|(number, account)| is_target(*number, account)) {
                    return Err(error::handshake_constraint(
                        "ALREADY_IN_AN_ORGANIZATION",
                        "The handshake request is invalid because the account is already a member of an organization.",
                    ));
                }
                let sent = tx.scan(&HANDSHAKES, Range::all(), LIST_MAX).await?;
                let sent: Vec<Handshake> = sent
                    .into_iter()
                    .map(|(_, handshake)| handshake.at(now))
                    .filter(|handshake| handshake.organization == *id && handshake.action == Action::Invite)
                    .collect();
                if sent.iter().any(|other| other.state.is_pending() && other.party == made.party) {
                    return Err(error::duplicate_handshake());
                }
                let recent =
                    sent.iter().filter(|other| Instant::from(other.requested) + quotas::INVITATIONS_WINDOW > now);
                if recent.count() >= quotas::INVITATIONS_PER_DAY {
                    return Err(error::handshake_constraint(
                        "HANDSHAKE_RATE_LIMIT_EXCEEDED",
                        "You have exceeded the number of handshakes that you can send in one day.",
                    ));
                }
                let pending = sent.iter().filter(|other| other.state.is_pending()).count();
                if present.len() + pending >= quotas::ACCOUNTS_MAX {
                    return Err(error::handshake_constraint(
                        "ACCOUNT_NUMBER_LIMIT_EXCEEDED",
                        "You attempted to exceed the limit on the number of accounts in an organization.",
                    ));
                }
                Ok(tx.put(&HANDSHAKES, handshake_id, made)?)
            })
            .await
    }

    /// Begins the way to all features. `new_id` gives ids that are the same in each run of the transaction.
    pub(crate) async fn begin_migration(&self, id: &str, made: &Handshake, ids: &[String]) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut record = organization(&tx, id).await?;
                if record.all_features {
                    return Err(error::handshake_constraint(
                        "ORGANIZATION_ALREADY_HAS_ALL_FEATURES",
                        "The handshake request is invalid because the organization has already enabled all features.",
                    ));
                }
                if record.migration.is_some() {
                    return Err(error::handshake_constraint(
                        "ORGANIZATION_IS_ALREADY_PENDING_ALL_FEATURES_MIGRATION",
                        "The handshake request is invalid because the organization has already started the process to \
                         enable all features.",
                    ));
                }
                let Some((parent, rest)) = ids.split_first() else { return Err(ApiError::internal("no ids")) };
                let invited = members(&tx, id).await?;
                let invited: Vec<AccountId> = invited
                    .into_iter()
                    .filter(|(number, account)| {
                        let created = account.seat.as_ref().is_some_and(|seat| seat.created);
                        !created && *number != record.management()
                    })
                    .map(|(number, _)| number)
                    .collect();
                if invited.len() > rest.len() {
                    return Err(ApiError::internal("members joined meanwhile"));
                }
                tx.put(&HANDSHAKES, parent, made)?;
                let child = |party| Handshake {
                    party,
                    state: HandshakeState::Open,
                    parent: Some(parent.clone()),
                    ..made.clone()
                };
                for (number, child_id) in invited.iter().zip(rest) {
                    tx.put(&HANDSHAKES, child_id, &child(Party::Account(number.number())))?;
                }
                if let Some(last) = rest.last().filter(|_| invited.is_empty()) {
                    let approval = Handshake { action: Action::ApproveAllFeatures, ..child(Party::Organization) };
                    tx.put(&HANDSHAKES, last, &approval)?;
                }
                record.migration = Some(parent.clone());
                Ok(tx.put(&ORGANIZATIONS, id, &record)?)
            })
            .await
    }

    /// `spare` is the id of a handshake that may follow from this answer.
    pub(crate) async fn answer(
        &self,
        handshake_id: &str,
        answer: Answer,
        who: &Answerer,
        now: Instant,
        spare: &str,
    ) -> Result<Handshake> {
        self.store
            .transact(|tx| async move {
                let found: Option<Handshake> = tx.get(&HANDSHAKES, handshake_id).await?;
                let found =
                    found.map(|handshake| handshake.at(now)).filter(|handshake| handshake.is_kept(now));
                let mut handshake = found.ok_or_else(error::handshake_not_found)?;
                let entitled = match answer {
                    Answer::Cancel => handshake.is_sent_by(who.account),
                    _ => {
                        handshake.is_for(who)
                            && !(handshake.parent.is_none() && handshake.action == Action::EnableAllFeatures)
                    }
                };
                if !entitled {
                    return Err(error::access_denied());
                }
                let wanted = match answer {
                    Answer::Accept => HandshakeState::Accepted,
                    Answer::Decline => HandshakeState::Declined,
                    Answer::Cancel => HandshakeState::Canceled,
                };
                if handshake.state == wanted {
                    return Err(error::handshake_already(handshake_state(wanted)));
                }
                if !handshake.state.is_pending() {
                    return Err(error::handshake_transition(handshake_state(handshake.state)));
                }
                handshake.state = wanted;
                handshake.ended = Some(now.into());
                tx.put(&HANDSHAKES, handshake_id, &handshake)?;
                match (answer, handshake.action) {
                    (Answer::Accept, Action::Invite) => join(&tx, &handshake, who, now).await?,
                    (Answer::Accept, Action::EnableAllFeatures) => {
                        agreed(&tx, &handshake, now, spare).await?
                    }
                    (Answer::Accept, Action::ApproveAllFeatures) => approved(&tx, &handshake, now).await?,
                    (_, Action::TransferResponsibility) => {
                        transfers::answered(&tx, &handshake, answer, who, now).await?;
                    }
                    (Answer::Cancel, Action::EnableAllFeatures | Action::ApproveAllFeatures) => {
                        abandon(&tx, &handshake, handshake_id, now).await?;
                    }
                    _ => {}
                }
                Ok(handshake)
            })
            .await
    }

    /// Notes what has expired and drops what was kept long enough; says when the next is due.
    pub(crate) async fn settle_handshakes(&self, now: Instant) -> Result<Option<Instant>> {
        self.store
            .transact(|tx| async move {
                let mut next: Option<Instant> = None;
                for (id, before) in tx.scan(&HANDSHAKES, Range::all(), LIST_MAX).await? {
                    let pending = before.state.is_pending();
                    let handshake = before.at(now);
                    if !handshake.is_kept(now) {
                        transfers::forgotten(&tx, &handshake).await?;
                        tx.delete(&HANDSHAKES, &id)?;
                        continue;
                    }
                    if pending && !handshake.state.is_pending() {
                        tx.put(&HANDSHAKES, &id, &handshake)?;
                        transfers::expired(&tx, &handshake).await?;
                        if handshake.action == Action::EnableAllFeatures && handshake.parent.is_none() {
                            abandon(&tx, &handshake, &id, now).await?;
                        }
                    }
                    let due = match handshake.ended {
                        Some(ended) => Instant::from(ended) + quotas::HANDSHAKES_KEPT,
                        None => handshake.expires.into(),
                    };
                    next = Some(next.map_or(due, |next| next.min(due)));
                }
                Ok(next)
            })
            .await
    }
}

async fn join(tx: &Tx, handshake: &Handshake, who: &Answerer, now: Instant) -> Result<()> {
    let id = &handshake.organization;
    let record = organization(tx, id).await?;
    let before: Option<Account> = tx.get(&ACCOUNTS, &who.account).await?;
    let mut account = before.unwrap_or_else(|| outsider(who.account));
    if account.seat.is_some() || account.status != Status::Active {
        return Err(error::handshake_constraint(
            "ALREADY_IN_AN_ORGANIZATION",
            "The handshake request is invalid because the account is already a member of an organization.",
        ));
    }
    let how = Joining { created: false, at: now, tags: handshake.tags.clone() };
    seat(tx, id, &record, who.account, &mut account, how)
}

/// One member agreed; when it was the last, the management account is asked.
async fn agreed(tx: &Tx, handshake: &Handshake, now: Instant, spare: &str) -> Result<()> {
    let Some(parent) = &handshake.parent else { return Ok(()) };
    let siblings = tx.scan(&HANDSHAKES, Range::all(), LIST_MAX).await?;
    let waiting = siblings
        .iter()
        .filter(|(_, other)| {
            other.parent.as_ref() == Some(parent) && other.action == Action::EnableAllFeatures
        })
        .any(|(_, other)| other.state != HandshakeState::Accepted);
    if waiting {
        return Ok(());
    }
    let approval = Handshake {
        action: Action::ApproveAllFeatures,
        party: Party::Organization,
        state: HandshakeState::Open,
        requested: now.into(),
        ended: None,
        ..handshake.clone()
    };
    Ok(tx.put(&HANDSHAKES, spare, &approval)?)
}

async fn approved(tx: &Tx, handshake: &Handshake, now: Instant) -> Result<()> {
    let id = &handshake.organization;
    let mut record: Organization = organization(tx, id).await?;
    record.all_features = true;
    record.migration = None;
    if let Some(parent) = &handshake.parent
        && let Some(mut begun) = tx.get(&HANDSHAKES, parent).await?
    {
        begun.state = HandshakeState::Accepted;
        begun.ended = Some(now.into());
        tx.put(&HANDSHAKES, parent, &begun)?;
    }
    Ok(tx.put(&ORGANIZATIONS, id, &record)?)
}

/// The way to all features ends without them.
async fn abandon(tx: &Tx, handshake: &Handshake, handshake_id: &str, now: Instant) -> Result<()> {
    let parent = handshake.parent.as_deref().unwrap_or(handshake_id);
    for (id, mut other) in tx.scan(&HANDSHAKES, Range::all(), LIST_MAX).await? {
        let same = other.parent.as_deref() == Some(parent) || id == parent;
        if same && id != handshake_id && other.state.is_pending() {
            other.state = HandshakeState::Canceled;
            other.ended = Some(now.into());
            tx.put(&HANDSHAKES, &id, &other)?;
        }
    }
    if let Some(mut record) = tx.get(&ORGANIZATIONS, &handshake.organization).await? {
        record.migration = None;
        tx.put(&ORGANIZATIONS, &handshake.organization, &record)?;
    }
    Ok(())
}
