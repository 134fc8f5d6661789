//! Transfers: one management account pays for the organization of another. Source: AWS Billing User Guide, "Transferring
//! billing management to external accounts", and the pages of the operations.

use std::collections::HashMap;

use haneul_kit::{AccountId, Instant, Result};
use haneul_store::{Range, Reads, Tx};

use super::handshakes::{Answer, Answerer};
use super::{LIST_MAX, State, organization};
use crate::error;
use crate::model::{
    ACCOUNTS, Action, HANDSHAKES, Handshake, ORGANIZATIONS, Party, TRANSFERS, Tags, Transfer, TransferStatus,
};
use crate::quotas;

/// Of the organization that pays.
pub(crate) const INBOUND: &str = "inbound";
/// Of the organization that is paid for.
pub(crate) const OUTBOUND: &str = "outbound";

impl Transfer {
    pub(crate) fn target(&self) -> AccountId {
        AccountId::new(self.target).unwrap_or_default()
    }

    /// The account whose bill it is, where that is known.
    pub(crate) fn source(&self) -> Option<AccountId> {
        match self.source {
            Party::Account(number) => AccountId::new(number),
            Party::Email(_) | Party::Organization => None,
        }
    }

    pub(crate) fn tags_of(&self, organization: &str) -> Tags {
        self.tags.get(organization).cloned().unwrap_or_default()
    }

    /// Agreed on, and not over at `at`; perhaps it has not begun.
    fn is_agreed(&self, at: Instant) -> bool {
        let agreed = matches!(self.status, TransferStatus::Accepted | TransferStatus::Withdrawn);
        agreed && self.end.is_none_or(|end| Instant::from(end) >= at)
    }

    fn is_in_force(&self, at: Instant) -> bool {
        self.is_agreed(at) && Instant::from(self.start) <= at
    }
}

impl State {
    /// Sends an invitation: a handshake, and the transfer that it is about.
    pub(crate) async fn invite_to_transfer(
        &self,
        handshake_id: &str,
        made: &Handshake,
        (id, transfer): (&str, &Transfer),
        now: Instant,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                organization(&tx, &made.organization).await?;
                if let Party::Account(number) = made.party {
                    check_source(&tx, AccountId::new(number).unwrap_or_default(), &made.organization).await?;
                }
                let sent = tx.scan(&HANDSHAKES, Range::all(), LIST_MAX).await?;
                let sent: Vec<Handshake> = sent
                    .into_iter()
                    .map(|(_, handshake)| handshake.at(now))
                    .filter(|other| {
                        other.organization == made.organization
                            && other.action == Action::TransferResponsibility
                    })
                    .collect();
                if sent.iter().any(|other| other.state.is_pending() && other.party == made.party) {
                    return Err(error::duplicate_handshake());
                }
                let recent = sent
                    .iter()
                    .filter(|other| Instant::from(other.requested) + quotas::INVITATIONS_WINDOW > now);
                if recent.count() >= quotas::INVITATIONS_PER_DAY {
                    return Err(error::constraint(
                        "HANDSHAKE_RATE_LIMIT_EXCEEDED",
                        "You attempted to exceed the number of handshakes that you can send in one day.",
                    ));
                }
                let all = tx.scan(&TRANSFERS, Range::all(), LIST_MAX).await?;
                let between = |other: &Transfer| {
                    other.target == made.management && other.source == made.party && other.is_agreed(now)
                };
                if all.iter().any(|(_, other)| between(other)) {
                    return Err(already_exists());
                }
                check_inbound(&all, made.management, now)?;
                tx.put(&TRANSFERS, id, transfer)?;
                Ok(tx.put(&HANDSHAKES, handshake_id, made)?)
            })
            .await
    }

    /// The transfers that an account is a party of, by id.
    pub(crate) async fn transfers(
        &self,
        wanted: impl Fn(&Transfer) -> bool,
        now: Instant,
    ) -> Result<Vec<(String, Transfer)>> {
        let snapshot = self.store.snapshot().await?;
        let mut all = Vec::new();
        for (id, transfer) in snapshot.scan(&TRANSFERS, Range::all(), LIST_MAX).await? {
            if wanted(&transfer) {
                let transfer = as_of(&snapshot, transfer, now).await?;
                all.push((id, transfer));
            }
        }
        Ok(all)
    }

    pub(crate) async fn rename_transfer(
        &self,
        account: AccountId,
        id: &str,
        name: &str,
        now: Instant,
    ) -> Result<Transfer> {
        self.store
            .transact(|tx| async move {
                let found = tx.get(&TRANSFERS, id).await?.ok_or_else(error::transfer_not_found)?;
                let mut transfer = as_of(&tx, found, now).await?;
                if transfer.target() != account {
                    // The other side knows of it, and the name is not its own.
                    return Err(match transfer.source() {
                        Some(source) if source == account => error::access_denied(),
                        _ => error::transfer_not_found(),
                    });
                }
                if !matches!(transfer.status, TransferStatus::Requested | TransferStatus::Accepted) {
                    return Err(error::constraint(
                        "TRANSFER_RESPONSIBILITY_UPDATE_NOT_ALLOWED",
                        "You cannot update this transfer because it is no longer active.",
                    ));
                }
                name.clone_into(&mut transfer.name);
                tx.put(&TRANSFERS, id, &transfer)?;
                Ok(transfer)
            })
            .await
    }

    /// `end` is the last instant of a month.
    pub(crate) async fn end_transfer(
        &self,
        account: AccountId,
        id: &str,
        end: Instant,
        now: Instant,
    ) -> Result<Transfer> {
        self.store
            .transact(|tx| async move {
                let found = tx.get(&TRANSFERS, id).await?.ok_or_else(error::transfer_not_found)?;
                let mut transfer = as_of(&tx, found, now).await?;
                if transfer.target() != account && transfer.source() != Some(account) {
                    return Err(error::transfer_not_found());
                }
                match transfer.status {
                    TransferStatus::Accepted => {}
                    TransferStatus::Withdrawn => return Err(error::transfer_already("WITHDRAWN")),
                    other => return Err(error::transfer_transition(crate::render::transfer_status(other))),
                }
                transfer.status = TransferStatus::Withdrawn;
                transfer.end = Some(end.into());
                tx.put(&TRANSFERS, id, &transfer)?;
                Ok(transfer)
            })
            .await
    }

    /// Who pays for what each account uses at that time: the management account of its organization, or who has taken that
    /// over.
    pub(crate) async fn payers(&self, uses: &[(AccountId, Instant)]) -> Result<Vec<AccountId>> {
        let snapshot = self.store.snapshot().await?;
        let all = snapshot.scan(&TRANSFERS, Range::all(), LIST_MAX).await?;
        let mut management: HashMap<AccountId, Option<AccountId>> = HashMap::new();
        let mut payers = Vec::with_capacity(uses.len());
        for (account, at) in uses {
            let known = management.get(account).copied();
            let manager = match known {
                Some(known) => known,
                None => {
                    let found = manager(&snapshot, *account).await?;
                    management.insert(*account, found);
                    found
                }
            };
            payers.push(manager.map_or(*account, |manager| payer(&all, manager, *at)));
        }
        Ok(payers)
    }
}

/// The management account of the account's organization.
async fn manager(reads: &impl Reads, account: AccountId) -> Result<Option<AccountId>> {
    let seat = reads.get(&ACCOUNTS, &account).await?.and_then(|account| account.seat);
    let Some(seat) = seat else { return Ok(None) };
    Ok(reads.get(&ORGANIZATIONS, &seat.organization).await?.map(|organization| organization.management()))
}

/// Transfers are inherited; no longer chain than this is agreed on.
fn payer(all: &[(String, Transfer)], management: AccountId, at: Instant) -> AccountId {
    let mut payer = management;
    for _ in 0..quotas::TRANSFER_LEVELS {
        match all.iter().find(|(_, of)| of.source() == Some(payer) && of.is_in_force(at)) {
            Some((_, transfer)) => payer = transfer.target(),
            None => break,
        }
    }
    payer
}

/// A transfer as the handshake about it says it is now: what nobody answered has expired.
async fn as_of(reads: &impl Reads, mut transfer: Transfer, now: Instant) -> Result<Transfer> {
    if transfer.status == TransferStatus::Requested {
        let handshake = reads.get(&HANDSHAKES, &transfer.handshake).await?;
        if handshake.is_none_or(|handshake| !handshake.at(now).state.is_pending()) {
            transfer.status = TransferStatus::Expired;
        }
    }
    Ok(transfer)
}

/// The transfer, when the organization is a party of it, and how it sees it.
pub(crate) async fn of(
    reads: &impl Reads,
    organization: &str,
    management: AccountId,
    id: &str,
) -> Result<Option<(Transfer, &'static str)>> {
    let Some(transfer) = reads.get(&TRANSFERS, id).await? else { return Ok(None) };
    Ok(match () {
        () if transfer.target_organization == organization => Some((transfer, INBOUND)),
        () if transfer.source() == Some(management) => Some((transfer, OUTBOUND)),
        () => None,
    })
}

/// Who was asked must be able to hand something over: the management account of another organization.
async fn check_source(reads: &impl Reads, account: AccountId, target_organization: &str) -> Result<()> {
    let seat = reads.get(&ACCOUNTS, &account).await?.and_then(|account| account.seat);
    let unsupported = || {
        let message =
            "The responsibility can only be transferred from the management account of another organization.";
        error::invalid("TARGET_NOT_SUPPORTED", message)
    };
    let seat = seat.ok_or_else(unsupported)?;
    let record = reads.get(&ORGANIZATIONS, &seat.organization).await?.ok_or_else(unsupported)?;
    if seat.organization == target_organization && record.management() == account {
        return Err(error::handshake_constraint(
            "SOURCE_AND_TARGET_CANNOT_MATCH",
            "An account can't accept a transfer invitation if it is both the sender and recipient of the invitation.",
        ));
    }
    if record.management() != account || seat.organization == target_organization {
        return Err(unsupported());
    }
    Ok(())
}

fn check_inbound(all: &[(String, Transfer)], target: u64, now: Instant) -> Result<()> {
    let inbound = all.iter().filter(|(_, other)| other.target == target && other.is_agreed(now));
    if inbound.count() >= quotas::TRANSFERS_INBOUND {
        return Err(error::constraint(
            "RESPONSIBILITY_TRANSFER_MAX_INBOUND_QUOTA_VIOLATION",
            "You have exceeded your inbound transfers limit.",
        ));
    }
    Ok(())
}

fn already_exists() -> haneul_kit::ApiError {
    error::handshake_constraint(
        "RESPONSIBILITY_TRANSFER_ALREADY_EXISTS",
        "You cannot perform this operation with the current transfer.",
    )
}

/// What an answer to the handshake does to the transfer.
pub(super) async fn answered(
    tx: &Tx,
    handshake: &Handshake,
    answer: Answer,
    who: &Answerer,
    now: Instant,
) -> Result<()> {
    let Some(terms) = &handshake.transfer else { return Ok(()) };
    let Some(mut transfer) = tx.get(&TRANSFERS, &terms.id).await? else { return Ok(()) };
    match answer {
        Answer::Decline => transfer.status = TransferStatus::Declined,
        Answer::Cancel => transfer.status = TransferStatus::Canceled,
        Answer::Accept => accept(tx, handshake, &mut transfer, who, now).await?,
    }
    Ok(tx.put(&TRANSFERS, &terms.id, &transfer)?)
}

async fn accept(
    tx: &Tx,
    handshake: &Handshake,
    transfer: &mut Transfer,
    who: &Answerer,
    now: Instant,
) -> Result<()> {
    // Only a management account hands over what its organization owes.
    check_source(tx, who.account, &handshake.organization).await?;
    organization(tx, &handshake.organization).await?;
    let own = tx.get(&ACCOUNTS, &who.account).await?.and_then(|account| account.seat);
    let all = tx.scan(&TRANSFERS, Range::all(), LIST_MAX).await?;
    let begins = Instant::from(transfer.start);
    // Until the new one begins, another may still be in force that was withdrawn.
    let out =
        |account: AccountId| all.iter().find(|(_, of)| of.source() == Some(account) && of.is_agreed(begins));
    if out(who.account).is_some() {
        return Err(error::constraint(
            "RESPONSIBILITY_TRANSFER_MAX_OUTBOUND_QUOTA_VIOLATION",
            "You have exceeded your outbound transfers limit.",
        ));
    }
    check_inbound(&all, transfer.target, now)?;
    // Transfers follow one another: those above who pays, this one, and those below who hands over.
    let mut levels = 1;
    let mut above = transfer.target();
    while let Some((_, next)) = out(above) {
        levels += 1;
        above = next.target();
        if above == who.account || levels > quotas::TRANSFER_LEVELS {
            return Err(too_long());
        }
    }
    if levels + below(&all, who.account, begins, 0) > quotas::TRANSFER_LEVELS {
        return Err(too_long());
    }
    transfer.status = TransferStatus::Accepted;
    transfer.source = Party::Account(who.account.number());
    transfer.source_organization = own.map(|seat| seat.organization);
    Ok(())
}

fn too_long() -> haneul_kit::ApiError {
    error::constraint(
        "RESPONSIBILITY_TRANSFER_MAX_LEVEL_VIOLATION",
        "You have exceeded the maximum length of your transfer chain.",
    )
}

/// The longest chain of transfers that ends at `account`, no further than it matters.
fn below(all: &[(String, Transfer)], account: AccountId, at: Instant, depth: usize) -> usize {
    if depth > quotas::TRANSFER_LEVELS {
        return depth;
    }
    let inbound = all.iter().filter(|(_, of)| of.target() == account && of.is_agreed(at));
    inbound
        .filter_map(|(_, of)| of.source())
        .map(|source| below(all, source, at, depth + 1))
        .max()
        .unwrap_or(depth)
}

/// Nobody answered in time.
pub(super) async fn expired(tx: &Tx, handshake: &Handshake) -> Result<()> {
    let Some(terms) = &handshake.transfer else { return Ok(()) };
    let Some(mut transfer) = tx.get(&TRANSFERS, &terms.id).await? else { return Ok(()) };
    if transfer.status == TransferStatus::Requested {
        transfer.status = TransferStatus::Expired;
        tx.put(&TRANSFERS, &terms.id, &transfer)?;
    }
    Ok(())
}

/// The handshake about it can be seen no longer, nor can a transfer that nobody agreed to. The others say for ever who paid
/// for what was used.
pub(super) async fn forgotten(tx: &Tx, handshake: &Handshake) -> Result<()> {
    let Some(terms) = &handshake.transfer else { return Ok(()) };
    let Some(transfer) = tx.get(&TRANSFERS, &terms.id).await? else { return Ok(()) };
    match transfer.status {
        TransferStatus::Accepted | TransferStatus::Withdrawn => Ok(()),
        _ => Ok(tx.delete(&TRANSFERS, &terms.id)?),
    }
}

/// An organization cannot end with a transfer that has not, nor with an invitation of its own. Others' bind nobody.
pub(super) async fn must_be_over(
    tx: &Tx,
    organization: &str,
    management: AccountId,
    now: Instant,
) -> Result<()> {
    for (_, transfer) in tx.scan(&TRANSFERS, Range::all(), LIST_MAX).await? {
        let invites = transfer.target_organization == organization;
        let is_party = invites || transfer.source() == Some(management);
        let transfer = as_of(tx, transfer, now).await?;
        let is_pending = invites && transfer.status == TransferStatus::Requested;
        if is_pending || (is_party && transfer.is_agreed(now)) {
            return Err(error::constraint(
                "ACTIVE_RESPONSIBILITY_TRANSFER_PROCESS",
                "You cannot delete organization due to an ongoing responsibility transfer process.",
            ));
        }
    }
    Ok(())
}
