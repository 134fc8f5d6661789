//! Who pays for whom: transfers of responsibility between organizations.

use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;

use super::invitations::party;
use super::{borrowed, tags_of};
use crate::model::{Action, Party, Transfer, TransferStatus, TransferTerms};
use crate::organizations::{On, Vantage, Who};
use crate::page::{self, Wanted};
use crate::store::organization::email;
use crate::store::transfers::{self, INBOUND, OUTBOUND};
use crate::{Organizations, error, ids, quotas, render};

const BILLING: &str = "BILLING";
const DIRECTION: &str = "organizations:TransferDirection";
const TYPE: &str = "organizations:TransferType";

/// The only type of transfer that there is.
pub(super) fn billing(access: Access) -> Access {
    access.key(TYPE, "billing")
}

impl Organizations {
    async fn ask_transfers(
        &self,
        cx: &Cx,
        who: Who,
        action: &'static str,
        on: On<'_>,
        direction: &'static str,
    ) -> Result<Vec<Access>> {
        let direction = match on {
            On::Transfer(id) => self.direction(cx, id).await?.unwrap_or(direction),
            _ => direction,
        };
        let all = self.ask(cx, who, action, &[on], &[(DIRECTION, direction)]).await?;
        Ok(all.into_iter().map(billing).collect())
    }

    async fn direction(&self, cx: &Cx, id: &str) -> Result<Option<&'static str>> {
        let Some(vantage) = self.vantage(cx, Who::Reader).await? else { return Ok(None) };
        let management = vantage.organization.management();
        let found = transfers::of(&self.state.store, &vantage.id, management, id).await?;
        Ok(found.map(|(_, direction)| direction))
    }

    /// The transfers that an organization sees in one direction, invitations too.
    async fn seen(&self, cx: &Cx, vantage: &Vantage, direction: &str) -> Result<Vec<(String, Transfer)>> {
        let master = self.master(vantage).await?;
        let management = vantage.organization.management;
        let wanted = |transfer: &Transfer| match &transfer.source {
            _ if direction == INBOUND => transfer.target_organization == vantage.id,
            Party::Account(number) => *number == management,
            Party::Email(address) => address.eq_ignore_ascii_case(&master.email),
            Party::Organization => false,
        };
        self.state.transfers(wanted, cx.now()).await
    }

    async fn shown(
        &self,
        vantage: &Vantage,
        id: &str,
        transfer: &Transfer,
    ) -> Result<s::ResponsibilityTransfer> {
        let direction = if transfer.target_organization == vantage.id { INBOUND } else { OUTBOUND };
        let source = match &transfer.source {
            Party::Email(address) => s::TransferParticipant {
                management_account_id: None,
                management_account_email: Some(address.clone()),
            },
            _ => {
                let account = transfer.source().unwrap_or_default();
                let known = self.state.account(account).await?;
                s::TransferParticipant {
                    management_account_id: Some(account.to_string()),
                    management_account_email: Some(
                        known.map_or_else(|| email(account), |account| account.email),
                    ),
                }
            }
        };
        let pending = transfer.status == TransferStatus::Requested;
        Ok(s::ResponsibilityTransfer {
            arn: Some(vantage.arns().transfer(direction, id).to_string()),
            name: Some(transfer.name.clone()),
            id: Some(id.to_owned()),
            r#type: Some(BILLING.to_owned()),
            status: Some(render::transfer_status(transfer.status).to_owned()),
            source: Some(source),
            target: Some(s::TransferParticipant {
                management_account_id: Some(transfer.target().to_string()),
                management_account_email: Some(transfer.target_email.clone()),
            }),
            start_timestamp: Some(transfer.start.into()),
            end_timestamp: transfer.end.map(Into::into),
            active_handshake_id: pending.then(|| transfer.handshake.clone()),
        })
    }
}

impl Handle<op::InviteOrganizationToTransferResponsibility> for Organizations {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::InviteOrganizationToTransferResponsibilityRequest,
    ) -> Result<Vec<Access>> {
        let on = match input.target.r#type.as_str() {
            "ACCOUNT" => On::Target(&input.target.id),
            _ => On::All,
        };
        let action = "organizations:InviteOrganizationToTransferResponsibility";
        let mut all = self.ask_transfers(cx, Who::Management, action, on, INBOUND).await?;
        let tags = borrowed(input.tags.as_ref());
        if !tags.is_empty() {
            let (action, made) = ("organizations:TagResource", On::Transfer("rt-new"));
            let tagging = self.ask_transfers(cx, Who::Management, action, made, INBOUND).await?;
            all.extend(tagging.into_iter().map(|access| access.request_tags(tags.iter().copied())));
        }
        Ok(all)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::InviteOrganizationToTransferResponsibilityRequest,
    ) -> Result<s::InviteOrganizationToTransferResponsibilityResponse> {
        let vantage = self.enter(cx, Who::Management).await?;
        check_type(&input.r#type)?;
        check_start(input.start_timestamp, cx.now())?;
        let party = party(&input.target)?;
        let master = self.master(&vantage).await?;
        let rng = &self.platform.env.rng;
        let (handshake_id, id) = (ids::handshake(rng), ids::transfer(rng));
        let tags = tags_of(input.tags)?;
        let transfer = Transfer {
            name: input.source_name,
            source: party.clone(),
            source_organization: None,
            target: vantage.organization.management,
            target_email: master.email.clone(),
            target_organization: vantage.id.clone(),
            handshake: handshake_id.clone(),
            status: TransferStatus::Requested,
            start: input.start_timestamp.into(),
            end: None,
            tags: [(vantage.id.clone(), tags)].into(),
        };
        let action = Action::TransferResponsibility;
        let mut made = Organizations::new_handshake(cx, &vantage, &master, action, party);
        let latest =
            Instant::from_millis(input.start_timestamp.millis() - quotas::TRANSFER_NOTICE.as_millis() as i64);
        made.expires = (cx.now() + quotas::INVITATION).min(latest).into();
        made.notes = input.notes;
        made.transfer = Some(TransferTerms { id: id.clone(), start: input.start_timestamp.into() });
        self.state.invite_to_transfer(&handshake_id, &made, (&id, &transfer), cx.now()).await?;
        self.work.wake();
        Ok(s::InviteOrganizationToTransferResponsibilityResponse {
            handshake: render::handshake(&handshake_id, &made),
        })
    }
}

impl Handle<op::DescribeResponsibilityTransfer> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::DescribeResponsibilityTransferRequest) -> Result<Vec<Access>> {
        let action = "organizations:DescribeResponsibilityTransfer";
        self.ask_transfers(cx, Who::Reader, action, On::Transfer(&input.id), INBOUND).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeResponsibilityTransferRequest,
    ) -> Result<s::DescribeResponsibilityTransferResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        let mut all = self.seen(cx, &vantage, INBOUND).await?;
        all.extend(self.seen(cx, &vantage, OUTBOUND).await?);
        let found = all.iter().find(|(id, _)| *id == input.id).ok_or_else(error::transfer_not_found)?;
        let shown = self.shown(&vantage, &found.0, &found.1).await?;
        Ok(s::DescribeResponsibilityTransferResponse { responsibility_transfer: Some(shown) })
    }
}

impl Handle<op::ListInboundResponsibilityTransfers> for Organizations {
    async fn access(&self, cx: &Cx, _: &s::ListInboundResponsibilityTransfersRequest) -> Result<Vec<Access>> {
        let action = "organizations:ListInboundResponsibilityTransfers";
        self.ask_transfers(cx, Who::Reader, action, On::All, INBOUND).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListInboundResponsibilityTransfersRequest,
    ) -> Result<s::ListInboundResponsibilityTransfersResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        check_type(&input.r#type)?;
        let mut all = self.seen(cx, &vantage, INBOUND).await?;
        if let Some(wanted) = &input.id {
            all.retain(|(id, _)| id == wanted);
            if all.is_empty() {
                return Err(error::transfer_not_found());
            }
        }
        let listing = format!("inbound transfers of {} {:?}", vantage.id, input.id);
        let (shown, next_token) =
            self.listed(&vantage, all, input.next_token, input.max_results, listing).await?;
        Ok(s::ListInboundResponsibilityTransfersResponse {
            responsibility_transfers: Some(shown),
            next_token,
        })
    }
}

impl Handle<op::ListOutboundResponsibilityTransfers> for Organizations {
    async fn access(
        &self,
        cx: &Cx,
        _: &s::ListOutboundResponsibilityTransfersRequest,
    ) -> Result<Vec<Access>> {
        let action = "organizations:ListOutboundResponsibilityTransfers";
        self.ask_transfers(cx, Who::Reader, action, On::All, OUTBOUND).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListOutboundResponsibilityTransfersRequest,
    ) -> Result<s::ListOutboundResponsibilityTransfersResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        check_type(&input.r#type)?;
        let all = self.seen(cx, &vantage, OUTBOUND).await?;
        let listing = format!("outbound transfers of {}", vantage.id);
        let (shown, next_token) =
            self.listed(&vantage, all, input.next_token, input.max_results, listing).await?;
        Ok(s::ListOutboundResponsibilityTransfersResponse {
            responsibility_transfers: Some(shown),
            next_token,
        })
    }
}

impl Handle<op::UpdateResponsibilityTransfer> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::UpdateResponsibilityTransferRequest) -> Result<Vec<Access>> {
        let action = "organizations:UpdateResponsibilityTransfer";
        self.ask_transfers(cx, Who::Management, action, On::Transfer(&input.id), INBOUND).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateResponsibilityTransferRequest,
    ) -> Result<s::UpdateResponsibilityTransferResponse> {
        let vantage = self.enter(cx, Who::Management).await?;
        let renamed = self.state.rename_transfer(cx.account(), &input.id, &input.name, cx.now()).await?;
        let shown = self.shown(&vantage, &input.id, &renamed).await?;
        Ok(s::UpdateResponsibilityTransferResponse { responsibility_transfer: Some(shown) })
    }
}

impl Handle<op::TerminateResponsibilityTransfer> for Organizations {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::TerminateResponsibilityTransferRequest,
    ) -> Result<Vec<Access>> {
        let action = "organizations:TerminateResponsibilityTransfer";
        self.ask_transfers(cx, Who::Management, action, On::Transfer(&input.id), INBOUND).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::TerminateResponsibilityTransferRequest,
    ) -> Result<s::TerminateResponsibilityTransferResponse> {
        let vantage = self.enter(cx, Who::Management).await?;
        let end = end_of_transfer(input.end_timestamp, cx.now())?;
        let ended = self.state.end_transfer(cx.account(), &input.id, end, cx.now()).await?;
        let shown = self.shown(&vantage, &input.id, &ended).await?;
        Ok(s::TerminateResponsibilityTransferResponse { responsibility_transfer: Some(shown) })
    }
}

impl Organizations {
    async fn listed(
        &self,
        vantage: &Vantage,
        all: Vec<(String, Transfer)>,
        token: Option<String>,
        results_max: Option<i32>,
        listing: String,
    ) -> Result<(Vec<s::ResponsibilityTransfer>, Option<String>)> {
        let wanted = Wanted { token: token.as_deref(), results_max, listing };
        let (found, next) =
            page::cut(&self.platform.seal, &wanted, all, |(id, _): &(String, Transfer)| id.clone())?;
        let mut shown = Vec::new();
        for (id, transfer) in found.unwrap_or_default() {
            shown.push(self.shown(vantage, &id, &transfer).await?);
        }
        Ok((shown, next))
    }
}

fn check_type(given: &str) -> Result<()> {
    if given == BILLING {
        return Ok(());
    }
    Err(error::invalid("INVALID_ENUM", "You specified an invalid value: the type of a transfer is BILLING."))
}

fn check_start(start: Instant, now: Instant) -> Result<()> {
    let text = start.iso8601_millis();
    if !text.ends_with("T00:00:00.000Z") {
        return Err(error::invalid(
            "START_DATE_NOT_BEGINNING_OF_DAY",
            "You provided an invalid start date. The start date must be the beginning of the day (00:00:00.000).",
        ));
    }
    if !text.contains("-01T") {
        return Err(error::invalid(
            "START_DATE_NOT_BEGINNING_OF_MONTH",
            "You provided an invalid start date. The start date must be the first day of the month.",
        ));
    }
    if start <= now + quotas::TRANSFER_NOTICE {
        return Err(error::invalid(
            "START_DATE_TOO_EARLY",
            "You provided an invalid start date. The start date is too early.",
        ));
    }
    if start > now + quotas::TRANSFER_AHEAD {
        return Err(error::invalid(
            "START_DATE_TOO_LATE",
            "You provided an invalid start date. The start date is too late.",
        ));
    }
    Ok(())
}

/// The end that was asked for, or that of this month. Clients may leave out the fraction of the last second.
fn end_of_transfer(given: Option<Instant>, now: Instant) -> Result<Instant> {
    let end = Instant::from_millis(next_month(now).millis() - 1);
    let Some(given) = given else { return Ok(end) };
    let wanted = Instant::from_millis(next_month(given).millis() - 1);
    if given.secs() != wanted.secs() {
        return Err(error::invalid(
            "END_DATE_NOT_END_OF_MONTH",
            "You provided an invalid end date. The end date must be the end of the last day of the month (23.59.59.999).",
        ));
    }
    if wanted < now {
        return Err(error::invalid(
            "END_DATE_TOO_EARLY",
            "You provided an invalid end date. The end date is too early.",
        ));
    }
    if wanted > now + quotas::TRANSFER_AHEAD {
        return Err(error::invalid(
            "END_DATE_TOO_LATE",
            "You provided an invalid end date. The end date is too late.",
        ));
    }
    Ok(wanted)
}

/// When the month after that of `at` begins.
fn next_month(at: Instant) -> Instant {
    let text = at.iso8601();
    let mut parts = text.split('-').filter_map(|part| part.parse::<u32>().ok());
    let (year, month) = (parts.next().unwrap_or(1970), parts.next().unwrap_or(1));
    let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    Instant::parse_iso8601(&format!("{year:04}-{month:02}-01T00:00:00Z")).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse_iso8601(text).unwrap()
    }

    #[test]
    fn months() {
        for (of, next) in [
            ("2026-01-31T23:59:59Z", "2026-02-01T00:00:00Z"),
            ("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
            ("2026-12-15T12:00:00Z", "2027-01-01T00:00:00Z"),
        ] {
            assert_eq!(next_month(at(of)), at(next), "{of}");
        }
    }

    #[test]
    fn ends_are_the_last_instant_of_a_month() {
        let now = at("2026-11-10T00:00:00Z");
        let end = Instant::from_millis(at("2026-12-01T00:00:00Z").millis() - 1);
        assert_eq!(end_of_transfer(None, now).unwrap(), end);
        assert_eq!(end_of_transfer(Some(end), now).unwrap(), end);
        assert_eq!(end_of_transfer(Some(at("2026-11-30T23:59:59Z")), now).unwrap(), end);
        for (given, reason) in [
            ("2026-11-30T23:59:58Z", "END_DATE_NOT_END_OF_MONTH"),
            ("2026-12-01T00:00:00Z", "END_DATE_NOT_END_OF_MONTH"),
            ("2026-10-31T23:59:59Z", "END_DATE_TOO_EARLY"),
            ("2028-10-31T23:59:59Z", "END_DATE_TOO_LATE"),
        ] {
            let refused = end_of_transfer(Some(at(given)), now).unwrap_err();
            let detail = refused.detail().and_then(|of| of.downcast_ref::<s::InvalidInputException>());
            assert_eq!(detail.and_then(|of| of.reason.as_deref()), Some(reason), "{given}");
        }
    }

    #[test]
    fn starts_are_the_first_instant_of_a_month() {
        let now = at("2026-11-10T00:00:00Z");
        for (given, reason) in [
            ("2026-12-01T00:00:00Z", None),
            ("2026-12-01T00:00:01Z", Some("START_DATE_NOT_BEGINNING_OF_DAY")),
            ("2026-12-02T00:00:00Z", Some("START_DATE_NOT_BEGINNING_OF_MONTH")),
            ("2026-11-01T00:00:00Z", Some("START_DATE_TOO_EARLY")),
            ("2028-01-01T00:00:00Z", Some("START_DATE_TOO_LATE")),
        ] {
            let refused = check_start(at(given), now).err();
            let detail = refused.as_ref().and_then(|error| error.detail());
            let detail = detail.and_then(|of| of.downcast_ref::<s::InvalidInputException>());
            assert_eq!(detail.and_then(|of| of.reason.as_deref()), reason, "{given}");
        }
    }
}
