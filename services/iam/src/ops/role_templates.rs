use std::collections::BTreeMap;

use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_iam_wire::values::managed_by_type_type as managed_by;
use haneul_kit::{Access, Cx, Handle, Result};

use crate::catalog::{ACCOUNT, RoleTemplate, TemplateVersion, Value, Values, fill_document, fill_text};
use crate::delegation;
use crate::iam::{Iam, id_prefix};
use crate::model::{Kind, Role, SourceTemplate, Trust};
use crate::store::entities::new_entity;
use crate::store::{Identity, tags};
use crate::{document, error, quotas};

const MAX_SESSION_SECS_DEFAULT: i32 = 3600;
/// Of the model: `roleNameType`, `policyNameType`, `roleDescriptionType`.
const NAME_MAX: usize = 64;
const INLINE_NAME_MAX: usize = 128;
const DESCRIPTION_MAX: usize = 1000;

impl Handle<op::GetRoleTemplateVersion> for Iam {
    async fn access(&self, cx: &Cx, _: &s::GetRoleTemplateVersionRequest) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:GetRoleTemplateVersion")
    }

    async fn call(
        &self,
        _: &Cx,
        input: s::GetRoleTemplateVersionRequest,
    ) -> Result<s::GetRoleTemplateVersionResponse> {
        let (template, version) = self.template(&input.template_arn, input.minor_version)?;
        Ok(s::GetRoleTemplateVersionResponse { role_template_version: shown(template, version) })
    }
}

impl Handle<op::AcquireRole> for Iam {
    /// Source: IAM User Guide, "Manage access to role manager": each underlying action is asked for.
    async fn access(&self, cx: &Cx, input: &s::AcquireRoleRequest) -> Result<Vec<Access>> {
        Iam::gate(cx)?;
        let role = self.wanted(cx, input)?.role;
        let is_new = self.must_be_made(cx, &role).await?;
        self.underlying(cx, &role, is_new).await
    }

    async fn call(&self, cx: &Cx, input: s::AcquireRoleRequest) -> Result<s::AcquireRoleResponse> {
        let Wanted { role, is_enabled } = self.wanted(cx, &input)?;
        if !is_enabled {
            return Err(error::template_disabled(&input.template_arn));
        }
        let trust = document::check_trust(&role.trust.document)?;
        for (name, text) in &role.entity.inline {
            let others = role.entity.inline.iter().filter(|(other, _)| *other != name);
            document::check_inline(
                Kind::Role,
                &role.entity.name,
                text,
                others.map(|(_, text)| text.as_str()),
            )?;
        }
        // The role may have come or gone since access was decided: what is done is what is asked for here.
        let is_new = self.must_be_made(cx, &role).await?;
        let underlying = self.underlying(cx, &role, is_new).await?;
        self.platform.authorize(cx, "iam", &underlying).await?;
        let role = self.state.acquire_role(cx.account(), &role, &trust, is_new).await?;
        let shown = self.full_role(cx.account(), &role).await?;
        Ok(s::AcquireRoleResponse { role: s::Role { role_last_used: None, ..shown } })
    }
}

/// The role that a request comes to.
struct Wanted {
    role: Role,
    is_enabled: bool,
}

impl Iam {
    /// Whether there is no such role of the template yet.
    async fn must_be_made(&self, cx: &Cx, role: &Role) -> Result<bool> {
        let found: Option<Role> = self.state.find(cx.account(), &role.entity.name).await?;
        Ok(found.is_none_or(|found| found.template != role.template))
    }

    async fn underlying(&self, cx: &Cx, role: &Role, is_new: bool) -> Result<Vec<Access>> {
        if !is_new {
            return Ok(vec![self.on_bounded::<Role>(cx, "iam:GetRole", &role.entity.name).await?]);
        }
        let arn = role.arn(cx.account());
        let pairs = || role.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let bounded = |access: Access| match &role.boundary {
            Some(boundary) => access.key("iam:PermissionsBoundary", boundary.as_str()),
            None => access,
        };
        let create = Access::on("iam:CreateRole", &arn).request_tags(pairs());
        let mut all = vec![bounded(create.clone())];
        if !role.tags.is_empty() {
            all.push(Access { action: "iam:TagRole", ..create });
        }
        if !role.entity.inline.is_empty() {
            all.push(bounded(Access::on("iam:PutRolePolicy", &arn)));
        }
        for policy in &role.entity.attached {
            let attach = Access::on("iam:AttachRolePolicy", &arn).key("iam:PolicyARN", policy.as_str());
            all.push(bounded(attach));
        }
        Ok(all)
    }

    fn template(&self, arn: &str, minor: Option<i32>) -> Result<(&RoleTemplate, &TemplateVersion)> {
        let template = self.catalog.role_template(arn).ok_or_else(|| error::no_such_role_template(arn))?;
        let version = template.version(minor);
        let missing =
            || error::no_such_template_version(arn, minor.unwrap_or(template.default_minor_version));
        Ok((template, version.ok_or_else(missing)?))
    }

    fn wanted(&self, cx: &Cx, input: &s::AcquireRoleRequest) -> Result<Wanted> {
        let (template, version) = self.template(&input.template_arn, input.template_minor_version)?;
        let (given, values) = values(cx, version, input)?;
        let text = |pattern: &str| fill_text(pattern, &values).map_err(error::filling);
        let document = |template: &str| fill_document(template, &values).map_err(error::filling);
        let name = text(&version.role_name)?;
        if !of_name(&name, NAME_MAX) {
            return Err(error::invalid_input(format!("The role name {name} is not valid.")));
        }
        let path = text(version.path())?;
        let good_path = path.len() <= 512 && path.starts_with('/') && path.ends_with('/');
        if !good_path || !path.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(error::invalid_input(format!("The role path {path} is not valid.")));
        }
        if path.starts_with(crate::service_linked::PATH_START) {
            return Err(error::reserved_path());
        }
        let id = self.unique_id(id_prefix(Kind::Role), cx.account());
        let mut entity = new_entity(Some(&path), &name, id, cx.now());
        for inline in &version.inline_policies {
            let name = text(&inline.name)?;
            if !of_name(&name, INLINE_NAME_MAX) {
                return Err(error::invalid_input(format!("The policy name {name} is not valid.")));
            }
            if entity.inline.insert(name.clone(), document(&inline.policy)?).is_some() {
                return Err(error::invalid_input(format!("Two inline policies are named {name}.")));
            }
        }
        for arn in &version.managed_policies {
            let arn = text(arn)?;
            if !entity.attached.contains(&arn) {
                entity.attached.push(arn);
            }
        }
        if entity.attached.len() > quotas::ATTACHED_POLICIES {
            return Err(error::quota("PoliciesPerRole", quotas::ATTACHED_POLICIES));
        }
        let description = version.role_description.as_deref().map(text).transpose()?;
        if description.as_ref().is_some_and(|text| text.chars().count() > DESCRIPTION_MAX) {
            return Err(error::invalid_input("The role description is too long."));
        }
        let mut pairs = Vec::new();
        for tag in &version.tags {
            pairs.push((text(&tag.key)?, text(&tag.value)?));
        }
        let secs = version.max_session_duration.unwrap_or(MAX_SESSION_SECS_DEFAULT);
        let role = Role {
            entity,
            boundary: version.boundary.as_deref().map(text).transpose()?,
            tags: tags::check(pairs)?,
            description: description.filter(|text| !text.is_empty()),
            max_session_secs: u32::try_from(secs).unwrap_or_default(),
            trust: Trust { document: document(&version.trust_policy)?, pinned: BTreeMap::new() },
            instance_profiles: Vec::new(),
            template: Some(SourceTemplate { arn: template.arn.clone(), minor: version.minor, values: given }),
        };
        Ok(Wanted { role, is_enabled: template.enabled && version.enabled })
    }
}

fn of_name(name: &str, length_max: usize) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    !name.is_empty() && name.len() <= length_max && name.chars().all(plain)
}

/// What is put in: as it was given or by default, and ready for the placeholders.
fn values(
    cx: &Cx,
    version: &TemplateVersion,
    input: &s::AcquireRoleRequest,
) -> Result<(BTreeMap<String, Vec<String>>, Values)> {
    let mut given = BTreeMap::new();
    for (name, entry) in input.replacement_values.iter().flat_map(|map| map.iter()) {
        if !version.parameters.iter().any(|parameter| parameter.name == *name) {
            return Err(error::parameter(name, "is not one of the template"));
        }
        given.insert(name.to_owned(), entry.values.clone());
    }
    let mut values = Values::from([(ACCOUNT.to_owned(), Value::One(cx.account().to_string()))]);
    for parameter in &version.parameters {
        let name = &parameter.name;
        let texts = match (given.get(name), &parameter.default) {
            (Some(texts), _) => texts.clone(),
            (None, Some(default)) => parameter.kind.split(default),
            (None, None) if parameter.required => return Err(error::parameter(name, "is required")),
            (None, None) => continue,
        };
        if let Some(wrong) = texts.iter().find(|text| !parameter.kind.takes(text)) {
            let kind = parameter.kind.as_str();
            return Err(error::parameter(name, &format!("is of the type {kind}, which {wrong} is not")));
        }
        let value = match (parameter.kind.is_list(), texts.as_slice()) {
            (true, _) => Value::Many(texts.clone()),
            (false, [one]) => Value::One(one.clone()),
            (false, _) => return Err(error::parameter(name, "has to have one value")),
        };
        values.insert(name.clone(), value);
    }
    Ok((given, values))
}

fn shown(template: &RoleTemplate, version: &TemplateVersion) -> s::RoleTemplateVersion {
    let parameters = version.parameters.iter().map(|parameter| s::ParameterDefinition {
        name: parameter.name.clone(),
        r#type: parameter.kind.as_str().to_owned(),
        sub_type: parameter.sub_type.clone(),
        description: parameter.description.clone(),
        is_required: Some(parameter.required),
        default_value: parameter.default.clone(),
        immutable: Some(parameter.immutable),
    });
    let inline = version.inline_policies.iter().map(|inline| s::InlinePolicy {
        policy_name: inline.name.clone(),
        policy_document: inline.policy.clone(),
    });
    let tags =
        version.tags.iter().map(|tag| s::TagTemplate { key: tag.key.clone(), value: tag.value.clone() });
    s::RoleTemplateVersion {
        template_arn: Some(template.arn.clone()),
        template_name: Some(template.name.clone()),
        template_version_id: Some(delegation::policy_id(&format!("{} {}", template.arn, version.minor))),
        description: template.description.clone(),
        major_version: Some(template.major_version),
        default_minor_version: Some(template.default_minor_version),
        managed_by_type: template.managed_by.as_ref().map(|_| managed_by::SERVICE.to_owned()),
        managed_by_value: template.managed_by.clone(),
        enabled: Some(template.enabled),
        minor_version: Some(version.minor),
        role_name_pattern: Some(version.role_name.clone()),
        role_path_pattern: Some(version.path().to_owned()),
        role_description_pattern: version.role_description.clone(),
        assume_role_policy_document_template: Some(version.trust_policy.clone()),
        inline_policy_templates: Some(inline.collect()),
        managed_policy_arns: Some(version.managed_policies.clone()),
        permission_boundary_arn: version.boundary.clone(),
        parameters_definition: Some(parameters.collect()),
        role_tags_template: Some(tags.collect()),
        max_session_duration: version.max_session_duration,
        version_enabled: Some(version.enabled),
        create_timestamp: Some(version.created()),
        update_timestamp: Some(version.created()),
    }
}
