//! What the management account asks of others.

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;

use super::{borrowed, tags_of};
use crate::model::{Account, Action, Handshake, HandshakeState, Party};
use crate::organizations::{On, Vantage, Who};
use crate::store::members;
use crate::{Organizations, error, ids, quotas, render};

impl Organizations {
    pub(super) fn new_handshake(
        cx: &Cx,
        vantage: &Vantage,
        master: &Account,
        action: Action,
        party: Party,
    ) -> Handshake {
        let valid = if action == Action::Invite { quotas::INVITATION } else { quotas::MIGRATION };
        Handshake {
            organization: vantage.id.clone(),
            management: vantage.organization.management,
            management_email: master.email.clone(),
            management_name: master.name.clone(),
            all_features: vantage.organization.all_features,
            action,
            party,
            state: HandshakeState::Open,
            requested: cx.now().into(),
            expires: (cx.now() + valid).into(),
            ended: None,
            parent: None,
            notes: None,
            tags: Vec::new(),
            transfer: None,
        }
    }

    pub(super) async fn master(&self, vantage: &Vantage) -> Result<Account> {
        let management = vantage.organization.management();
        self.state.account(management).await?.ok_or_else(error::not_in_use)
    }
}

pub(super) fn party(target: &s::HandshakeParty) -> Result<Party> {
    match target.r#type.as_str() {
        "ACCOUNT" => {
            let number: haneul_kit::AccountId = target.id.parse().map_err(|_| {
                error::invalid("INVALID_PATTERN_TARGET_ID", "You specified an account ID that isn't valid.")
            })?;
            Ok(Party::Account(number.number()))
        }
        "EMAIL" => {
            let (local, domain) = target.id.split_once('@').unwrap_or_default();
            if local.is_empty() || !domain.contains('.') || target.id.contains(char::is_whitespace) {
                let message = "You specified an e-mail address that isn't valid.";
                return Err(error::invalid("INVALID_EMAIL_ADDRESS_TARGET", message));
            }
            Ok(Party::Email(target.id.clone()))
        }
        _ => Err(error::invalid("INVALID_PARTY_TYPE_TARGET", "You specified a party type that isn't valid.")),
    }
}

impl Handle<op::InviteAccountToOrganization> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::InviteAccountToOrganizationRequest) -> Result<Vec<Access>> {
        let on = match input.target.r#type.as_str() {
            "ACCOUNT" => On::Target(&input.target.id),
            _ => On::All,
        };
        let tags = borrowed(input.tags.as_ref());
        let mut all = Vec::new();
        let tagging = (!tags.is_empty()).then_some("organizations:TagResource");
        for action in ["organizations:InviteAccountToOrganization"].into_iter().chain(tagging) {
            for access in self.ask(cx, Who::Management, action, &[on], &[]).await? {
                all.push(access.request_tags(tags.iter().copied()));
            }
        }
        Ok(all)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::InviteAccountToOrganizationRequest,
    ) -> Result<s::InviteAccountToOrganizationResponse> {
        let vantage = self.enter(cx, Who::Management).await?;
        let party = party(&input.target)?;
        let master = self.master(&vantage).await?;
        let mut made = Organizations::new_handshake(cx, &vantage, &master, Action::Invite, party);
        made.notes = input.notes;
        made.tags = tags_of(input.tags)?;
        let id = ids::handshake(&self.platform.env.rng);
        self.state.invite(&id, &made, cx.now()).await?;
        self.work.wake();
        Ok(s::InviteAccountToOrganizationResponse { handshake: render::handshake(&id, &made) })
    }
}

impl Handle<op::EnableAllFeatures> for Organizations {
    async fn access(&self, cx: &Cx, _: &s::EnableAllFeaturesRequest) -> Result<Vec<Access>> {
        self.ask(cx, Who::Management, "organizations:EnableAllFeatures", &[On::All], &[]).await
    }

    async fn call(&self, cx: &Cx, _: s::EnableAllFeaturesRequest) -> Result<s::EnableAllFeaturesResponse> {
        let vantage = self.enter(cx, Who::Management).await?;
        let master = self.master(&vantage).await?;
        let (action, party) = (Action::EnableAllFeatures, Party::Organization);
        let mut made = Organizations::new_handshake(cx, &vantage, &master, action, party);
        made.state = HandshakeState::Requested;
        // One for the whole, and one for each member that has to agree, or the last one.
        let wanted = members(&self.state.store, &vantage.id).await?.len() + 2;
        let new: Vec<String> = (0..wanted).map(|_| ids::handshake(&self.platform.env.rng)).collect();
        self.state.begin_migration(&vantage.id, &made, &new).await?;
        self.work.wake();
        Ok(s::EnableAllFeaturesResponse { handshake: render::handshake(&new[0], &made) })
    }
}
