//! The policy simulator: the evaluator that decides every call, asked "what if".

use std::collections::HashMap;
use std::sync::Arc;

use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_iam_wire::values::policy_identifier_policy_type as excluded_type;
use haneul_kit::directory::NamedPolicy;
use haneul_kit::{Access, Arn, Caller, Cx, Handle, Principal, Result};
use haneul_policy::Principal as PolicyPrincipal;

use crate::iam::Iam;
use crate::model::{Entity, Group, Kind, Role, User};
use crate::page::Wanted;
use crate::simulation::{Simulation, context_keys, read, texts};
use crate::store::Identity;
use crate::store::attachments::name_in;
use crate::store::policies::default_document;
use crate::{document, error};

impl Handle<op::SimulateCustomPolicy> for Iam {
    async fn access(&self, cx: &Cx, _: &s::SimulateCustomPolicyRequest) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:SimulateCustomPolicy")
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::SimulateCustomPolicyRequest,
    ) -> Result<s::SimulatePolicyResponse> {
        check_scenario(input.resource_handling_option.as_deref(), &input.action_names)?;
        if input.resource_policy.is_some() && input.caller_arn.is_none() {
            return Err(error::caller_arn_needed());
        }
        let principal = match &input.caller_arn {
            Some(arn) => principal_of(arn)?,
            None => PolicyPrincipal::user(Arn::global("iam", cx.account(), "user/simulated").as_str()),
        };
        let simulation = Simulation {
            principal,
            is_caller_given: input.caller_arn.is_some(),
            identity: read("PolicyInputList", &input.policy_input_list)?,
            boundary: read_boundary(input.permissions_boundary_policy_input_list.as_deref())?,
            scps: read_scps(input.ordered_organization_policy_input_list.as_deref())?,
            resource: read("ResourcePolicy", input.resource_policy.as_slice())?,
            resource_owner: input.resource_owner.as_deref().and_then(account_in),
            context: input.context_entries.unwrap_or_default(),
            texts: texts("PolicyInputList", &input.policy_input_list)
                .chain(given_texts(
                    input.permissions_boundary_policy_input_list.as_deref(),
                    input.resource_policy.as_slice(),
                ))
                .collect(),
        };
        let results = simulation.run(&input.action_names, &input.resource_arns.unwrap_or_default());
        let listing = format!("SimulateCustomPolicy {}", input.action_names.len());
        self.results(
            cx,
            Wanted { marker: input.marker.as_deref(), max_items: input.max_items, listing },
            results,
        )
    }
}

impl Handle<op::SimulatePrincipalPolicy> for Iam {
    async fn access(&self, cx: &Cx, input: &s::SimulatePrincipalPolicyRequest) -> Result<Vec<Access>> {
        self.on_source(cx, "iam:SimulatePrincipalPolicy", &input.policy_source_arn).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::SimulatePrincipalPolicyRequest,
    ) -> Result<s::SimulatePolicyResponse> {
        check_scenario(input.resource_handling_option.as_deref(), &input.action_names)?;
        let (mut identity, own_boundary) = self.source(cx, &input.policy_source_arn).await?;
        let (entities, mut known) = self.source_texts(cx, &input.policy_source_arn).await?;
        let excluded = input.policy_exclusion_list.unwrap_or_default();
        identity.retain(|named| known.contains_key(&named.name));
        identity.retain(|named| !excluded.iter().any(|of| is_excluded(&named.name, of)));
        for (kind, entity) in &entities {
            for (name, text) in
                entity.inline.iter().filter(|(name, _)| !excluded.iter().any(|of| is_excluded(name, of)))
            {
                let name = format!("{}_{}_{name}", kind.noun(), entity.name);
                known.insert(name.clone(), text.clone());
                identity.push(NamedPolicy { name, policy: Arc::new(document::compile(text)?) });
            }
        }
        identity.extend(read("PolicyInputList", input.policy_input_list.as_deref().unwrap_or_default())?);
        let boundary = match read_boundary(input.permissions_boundary_policy_input_list.as_deref())? {
            Some(given) => Some(given),
            None => own_boundary.filter(|_| !excluded.iter().any(is_boundary)),
        };
        let own = input.policy_input_list.as_deref().unwrap_or_default();
        known.extend(texts("PolicyInputList", own));
        known.extend(given_texts(
            input.permissions_boundary_policy_input_list.as_deref(),
            input.resource_policy.as_slice(),
        ));
        // What the account's organization allows counts as it does for a call.
        let is_excluded_type = |of: &s::PolicyIdentifier| matches!(of, s::PolicyIdentifier::PolicyType(kind) if kind == excluded_type::SCP);
        let membership = self.membership(cx.account()).await?;
        let scps = membership.filter(|_| !excluded.iter().any(is_excluded_type)).map(|of| of.scp_levels);
        let caller = input.caller_arn.as_ref().unwrap_or(&input.policy_source_arn);
        let simulation = Simulation {
            principal: principal_of(caller)?,
            is_caller_given: true,
            identity,
            boundary,
            scps: scps.unwrap_or_default(),
            resource: read("ResourcePolicy", input.resource_policy.as_slice())?,
            resource_owner: input.resource_owner.as_deref().and_then(account_in),
            context: input.context_entries.unwrap_or_default(),
            texts: known,
        };
        let results = simulation.run(&input.action_names, &input.resource_arns.unwrap_or_default());
        let listing = format!("SimulatePrincipalPolicy {}", input.policy_source_arn);
        self.results(
            cx,
            Wanted { marker: input.marker.as_deref(), max_items: input.max_items, listing },
            results,
        )
    }
}

impl Handle<op::GetContextKeysForCustomPolicy> for Iam {
    async fn access(&self, cx: &Cx, _: &s::GetContextKeysForCustomPolicyRequest) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:GetContextKeysForCustomPolicy")
    }

    async fn call(
        &self,
        _: &Cx,
        input: s::GetContextKeysForCustomPolicyRequest,
    ) -> Result<s::GetContextKeysForPolicyResponse> {
        let policies = read("PolicyInputList", &input.policy_input_list)?;
        Ok(s::GetContextKeysForPolicyResponse { context_key_names: Some(context_keys(&policies)) })
    }
}

impl Handle<op::GetContextKeysForPrincipalPolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetContextKeysForPrincipalPolicyRequest,
    ) -> Result<Vec<Access>> {
        self.on_source(cx, "iam:GetContextKeysForPrincipalPolicy", &input.policy_source_arn).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetContextKeysForPrincipalPolicyRequest,
    ) -> Result<s::GetContextKeysForPolicyResponse> {
        let (mut policies, boundary) = self.source(cx, &input.policy_source_arn).await?;
        policies.extend(boundary);
        policies.extend(read("PolicyInputList", input.policy_input_list.as_deref().unwrap_or_default())?);
        Ok(s::GetContextKeysForPolicyResponse { context_key_names: Some(context_keys(&policies)) })
    }
}

impl Iam {
    async fn on_source(&self, cx: &Cx, action: &'static str, arn: &str) -> Result<Vec<Access>> {
        let name = name_in(arn);
        Ok(vec![match kind_of(arn) {
            Some("user") => self.on::<User>(cx, action, name).await?,
            Some("group") => self.on::<Group>(cx, action, name).await?,
            Some("role") => self.on::<Role>(cx, action, name).await?,
            _ => return Err(error::policy_source(arn)),
        }])
    }

    /// What a user (with its groups), group or role of the account may do, and its boundary.
    pub(super) async fn source(&self, cx: &Cx, arn: &str) -> Result<(Vec<NamedPolicy>, Option<NamedPolicy>)> {
        let name = name_in(arn);
        let caller =
            |principal| Caller { account: cx.account(), principal, access_key_id: None, session: None };
        let caller = match kind_of(arn) {
            Some("user") => {
                let User { entity, .. } = self.exactly(cx, name, arn).await?;
                caller(Principal::User { path: entity.path, name: entity.name, id: entity.id })
            }
            Some("role") => {
                let Role { entity, .. } = self.exactly(cx, name, arn).await?;
                let session_name = String::from("simulated");
                caller(Principal::Role { path: entity.path, name: entity.name, id: entity.id, session_name })
            }
            Some("group") => {
                let group: Group = self.exactly(cx, name, arn).await?;
                return Ok((self.directory.policies_of(&group).await?, None));
            }
            _ => return Err(error::policy_source(arn)),
        };
        let policies = self.directory.compile(&caller).await?;
        Ok((policies.identity, policies.boundary))
    }

    /// Who gives [`Iam::source`] its policies, and the texts of the managed ones by their ARNs.
    async fn source_texts(
        &self,
        cx: &Cx,
        arn: &str,
    ) -> Result<(Vec<(Kind, Entity)>, HashMap<String, String>)> {
        let name = name_in(arn);
        let mut entities = Vec::new();
        let mut boundary = None;
        match kind_of(arn) {
            Some("user") => {
                let user: User = self.exactly(cx, name, arn).await?;
                for group in &user.groups {
                    let group: Group = self.state.entity(cx.account(), group).await?;
                    entities.push((Kind::Group, group.entity));
                }
                boundary.clone_from(&user.boundary);
                entities.push((Kind::User, user.entity));
            }
            Some("role") => {
                let role: Role = self.exactly(cx, name, arn).await?;
                boundary.clone_from(&role.boundary);
                entities.push((Kind::Role, role.entity));
            }
            _ => entities.push((Kind::Group, self.exactly::<Group>(cx, name, arn).await?.entity)),
        }
        let mut texts = HashMap::new();
        for (_, entity) in &entities {
            for arn in entity.attached.iter().chain(&boundary) {
                if let Some(text) = default_document(&self.state.store, arn).await? {
                    texts.insert(arn.clone(), text);
                }
            }
        }
        Ok((entities, texts))
    }

    /// The entity of that name, when it has that ARN.
    pub(super) async fn exactly<T: Identity>(&self, cx: &Cx, name: &str, arn: &str) -> Result<T> {
        let record: T = self.state.entity(cx.account(), name).await?;
        if record.arn(cx.account()).as_str() != arn {
            return Err(error::no_such_entity(T::KIND, name));
        }
        Ok(record)
    }

    fn results(
        &self,
        cx: &Cx,
        wanted: Wanted<'_>,
        results: Vec<s::EvaluationResult>,
    ) -> Result<s::SimulatePolicyResponse> {
        let numbered = results.into_iter().enumerate().collect();
        let page = self.page(cx, wanted, numbered, |(at, _)| format!("{at:06}"))?;
        Ok(s::SimulatePolicyResponse {
            evaluation_results: Some(page.items.into_iter().map(|(_, result)| result).collect()),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

pub(super) fn kind_of(arn: &str) -> Option<&str> {
    arn.splitn(6, ':').nth(5).and_then(|resource| resource.split('/').next())
}

/// AWS's scenarios are of RunInstances alone, and change nothing for any other action.
fn check_scenario(option: Option<&str>, actions: &[String]) -> Result<()> {
    let runs = actions.iter().any(|action| action.eq_ignore_ascii_case("ec2:RunInstances"));
    if option.is_some() && runs { Err(error::resource_handling()) } else { Ok(()) }
}

fn given_texts(boundary: Option<&[String]>, resource: &[String]) -> Vec<(String, String)> {
    let boundary = texts("PermissionsBoundaryPolicyInputList", boundary.unwrap_or_default());
    boundary.chain(texts("ResourcePolicy", resource)).collect()
}

fn account_in(arn: &str) -> Option<String> {
    arn.split(':').nth(4).map(str::to_owned)
}

/// The caller of a simulation: AWS takes users only; a role, where it is the source of the policies.
fn principal_of(arn: &str) -> Result<PolicyPrincipal> {
    match kind_of(arn) {
        // A group does not call; its policies are tried on a user.
        Some("user" | "group") => Ok(PolicyPrincipal::user(arn)),
        Some("role") => Ok(PolicyPrincipal::role_session(arn, "simulated")),
        _ => Err(error::policy_source(arn)),
    }
}

fn read_boundary(given: Option<&[String]>) -> Result<Option<NamedPolicy>> {
    let given = given.unwrap_or_default();
    if given.len() > 1 {
        return Err(error::one_boundary());
    }
    Ok(read("PermissionsBoundaryPolicyInputList", given)?.pop())
}

fn read_scps(given: Option<&[s::OrderedOrganizationPolicyType]>) -> Result<Vec<Vec<NamedPolicy>>> {
    let levels = given.unwrap_or_default().iter();
    levels
        .map(|level| {
            let texts = level.service_control_policy_input_list.as_deref().unwrap_or_default();
            read("OrderedOrganizationPolicyInputList", texts)
        })
        .collect()
}

fn is_boundary(of: &s::PolicyIdentifier) -> bool {
    matches!(of, s::PolicyIdentifier::PolicyType(kind) if kind == excluded_type::PERMISSION_BOUNDARY)
}

/// `name` is the ARN of a managed policy, or the name of an inline one.
fn is_excluded(name: &str, of: &s::PolicyIdentifier) -> bool {
    let managed = name.starts_with("arn:");
    let of_aws = crate::managed::is_aws_arn(name);
    match of {
        s::PolicyIdentifier::PolicyArn(arn) => name == arn,
        s::PolicyIdentifier::InlinePolicyIdentifier(inline) => name == inline.policy_name,
        s::PolicyIdentifier::PolicyType(kind) => match kind.as_str() {
            excluded_type::INLINE => !managed,
            excluded_type::AWS_MANAGED => of_aws,
            excluded_type::USER_MANAGED => managed && !of_aws,
            _ => false,
        },
        _ => false,
    }
}
