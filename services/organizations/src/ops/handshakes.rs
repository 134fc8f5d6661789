use haneul_kit::{Access, Cx, Handle, Result};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;

use crate::model::{Action, Handshake, HandshakeState};
use crate::organizations::{On, Who};
use crate::page::{self, Wanted};
use crate::store::handshakes::{Answer, Answerer};
use crate::store::organization::email;
use crate::{Organizations, error, ids, render};

impl Organizations {
    /// The caller, as a party of handshakes.
    async fn answerer(&self, cx: &Cx) -> Result<Answerer> {
        let known = self.state.account(cx.account()).await?;
        let email = known.map_or_else(|| email(cx.account()), |account| account.email);
        Ok(Answerer { account: cx.account(), email })
    }

    /// A handshake is between accounts, so it is asked for in the caller's own: outside an organization too.
    async fn ask_handshake(&self, action: &'static str, id: &str) -> Result<Vec<Access>> {
        let Some(handshake) = self.state.handshake(id).await? else { return Ok(vec![Access::to(action)]) };
        let management = haneul_kit::AccountId::new(handshake.management).unwrap_or_default();
        let arns = ids::Arns { organization: &handshake.organization, management };
        let arn = arns.handshake(render::action(handshake.action), id);
        Ok(vec![Access { resource_account: None, ..Access::on(action, &arn) }])
    }

    async fn answer(&self, cx: &Cx, id: &str, answer: Answer) -> Result<Option<s::Handshake>> {
        let who = self.answerer(cx).await?;
        if answer == Answer::Accept {
            let found = self.state.handshake(id).await?.map(|handshake| handshake.at(cx.now()));
            let joins = found.is_some_and(|found| {
                found.action == Action::Invite && found.state == HandshakeState::Open && found.is_for(&who)
            });
            if joins && self.vantage(cx, Who::Member).await?.is_none() {
                self.make_service_linked_role(cx.account()).await?;
            }
        }
        let spare = ids::handshake(&self.platform.env.rng);
        let handshake = self.state.answer(id, answer, &who, cx.now(), &spare).await?;
        self.work.wake();
        Ok(render::handshake(id, &handshake))
    }
}

impl Handle<op::AcceptHandshake> for Organizations {
    async fn access(&self, _: &Cx, input: &s::AcceptHandshakeRequest) -> Result<Vec<Access>> {
        self.ask_handshake("organizations:AcceptHandshake", &input.handshake_id).await
    }

    async fn call(&self, cx: &Cx, input: s::AcceptHandshakeRequest) -> Result<s::AcceptHandshakeResponse> {
        let handshake = self.answer(cx, &input.handshake_id, Answer::Accept).await?;
        Ok(s::AcceptHandshakeResponse { handshake })
    }
}

impl Handle<op::DeclineHandshake> for Organizations {
    async fn access(&self, _: &Cx, input: &s::DeclineHandshakeRequest) -> Result<Vec<Access>> {
        self.ask_handshake("organizations:DeclineHandshake", &input.handshake_id).await
    }

    async fn call(&self, cx: &Cx, input: s::DeclineHandshakeRequest) -> Result<s::DeclineHandshakeResponse> {
        let handshake = self.answer(cx, &input.handshake_id, Answer::Decline).await?;
        Ok(s::DeclineHandshakeResponse { handshake })
    }
}

impl Handle<op::CancelHandshake> for Organizations {
    async fn access(&self, _: &Cx, input: &s::CancelHandshakeRequest) -> Result<Vec<Access>> {
        self.ask_handshake("organizations:CancelHandshake", &input.handshake_id).await
    }

    async fn call(&self, cx: &Cx, input: s::CancelHandshakeRequest) -> Result<s::CancelHandshakeResponse> {
        let handshake = self.answer(cx, &input.handshake_id, Answer::Cancel).await?;
        Ok(s::CancelHandshakeResponse { handshake })
    }
}

impl Handle<op::DescribeHandshake> for Organizations {
    async fn access(&self, _: &Cx, input: &s::DescribeHandshakeRequest) -> Result<Vec<Access>> {
        self.ask_handshake("organizations:DescribeHandshake", &input.handshake_id).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeHandshakeRequest,
    ) -> Result<s::DescribeHandshakeResponse> {
        let found = self.state.handshake(&input.handshake_id).await?.map(|found| found.at(cx.now()));
        let found = found.filter(|found| found.is_kept(cx.now())).ok_or_else(error::handshake_not_found)?;
        if !found.is_sent_by(cx.account()) && !found.is_for(&self.answerer(cx).await?) {
            return Err(error::access_denied());
        }
        Ok(s::DescribeHandshakeResponse { handshake: render::handshake(&input.handshake_id, &found) })
    }
}

/// A filter names an action or the handshake that others belong to.
fn passes(filter: Option<&s::HandshakeFilter>, handshake: &Handshake) -> bool {
    let Some(filter) = filter else { return true };
    let action =
        filter.action_type.as_deref().is_none_or(|action| action == render::action(handshake.action));
    let parent =
        filter.parent_handshake_id.as_ref().is_none_or(|parent| handshake.parent.as_ref() == Some(parent));
    action && parent
}

fn described(filter: Option<&s::HandshakeFilter>) -> String {
    let action = filter.and_then(|filter| filter.action_type.as_deref()).unwrap_or_default();
    let parent = filter.and_then(|filter| filter.parent_handshake_id.as_deref()).unwrap_or_default();
    format!("{action} {parent}")
}

impl Handle<op::ListHandshakesForAccount> for Organizations {
    async fn access(&self, _: &Cx, _: &s::ListHandshakesForAccountRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("organizations:ListHandshakesForAccount")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListHandshakesForAccountRequest,
    ) -> Result<s::ListHandshakesForAccountResponse> {
        let who = self.answerer(cx).await?;
        let filter = input.filter.as_ref();
        let wanted = Wanted {
            token: input.next_token.as_deref(),
            results_max: input.max_results,
            listing: format!("handshakes for {} {}", cx.account(), described(filter)),
        };
        let all = self.state.handshakes(cx.now()).await?.into_iter();
        let all = all.filter(|(_, handshake)| handshake.is_for(&who) && passes(filter, handshake)).collect();
        let (found, next_token) =
            page::cut(&self.platform.seal, &wanted, all, |(id, _): &(String, Handshake)| id.clone())?;
        let found = found.unwrap_or_default();
        let handshakes = found.iter().filter_map(|(id, found)| render::handshake(id, found)).collect();
        Ok(s::ListHandshakesForAccountResponse { handshakes: Some(handshakes), next_token })
    }
}

impl Handle<op::ListHandshakesForOrganization> for Organizations {
    async fn access(&self, cx: &Cx, _: &s::ListHandshakesForOrganizationRequest) -> Result<Vec<Access>> {
        let action = "organizations:ListHandshakesForOrganization";
        self.ask(cx, Who::Reader, action, &[On::All], &[]).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListHandshakesForOrganizationRequest,
    ) -> Result<s::ListHandshakesForOrganizationResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        let filter = input.filter.as_ref();
        let wanted = Wanted {
            token: input.next_token.as_deref(),
            results_max: input.max_results,
            listing: format!("handshakes of {} {}", vantage.id, described(filter)),
        };
        let all = self.state.handshakes(cx.now()).await?.into_iter();
        let all =
            all.filter(|(_, found)| found.organization == vantage.id && passes(filter, found)).collect();
        let (found, next_token) =
            page::cut(&self.platform.seal, &wanted, all, |(id, _): &(String, Handshake)| id.clone())?;
        let found = found.unwrap_or_default();
        let handshakes = found.iter().filter_map(|(id, found)| render::handshake(id, found)).collect();
        Ok(s::ListHandshakesForOrganizationResponse { handshakes: Some(handshakes), next_token })
    }
}
