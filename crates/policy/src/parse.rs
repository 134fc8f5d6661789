//! From a document to a [`Policy`], refusing what IAM refuses, in its words.

use crate::action::ActionPattern;
use crate::arn;
use crate::condition::Condition;
use crate::document::{Effect, Element, Policy, ResourcePattern, Statement, Version};
use crate::error::{ErrorKind, INVALID_JSON, LEADING_SPACE, PolicyError, SYNTAX};
use crate::json::{self, Json};
use crate::phases;
use crate::principal::{Name, PrincipalElement, PrincipalKind};
use crate::rules::{MAX_DOCUMENT_BYTES, Presence, Rules};
use crate::template::{Reading, Template};

pub(crate) type Object = Vec<(String, Json)>;

pub(crate) fn policy(document: &str, rules: &Rules) -> Result<Policy, PolicyError> {
    check_size(document, rules)?;
    // Trust policies are read by another reader than permissions are, and it has words of its own.
    let trust = rules.only_sts;
    if rules.strict_sids && document.starts_with(char::is_whitespace) {
        return Err(if trust { PolicyError::malformed("", LEADING_SPACE) } else { PolicyError::legacy("") });
    }
    let Ok(Json::Object(fields)) = json::parse(document) else {
        let message = if trust { INVALID_JSON } else { SYNTAX };
        return Err(PolicyError { kind: ErrorKind::Json, path: String::new(), message: message.into() });
    };
    if rules.is_of_identities() {
        phases::check(&fields, rules)?;
    }
    known(&fields, &["Version", "Id", "Statement"], "")?;
    let version = version(get(&fields, "Version"), rules)?;
    let id = optional_string(&fields, "Id", "Id")?;
    let statements = match get(&fields, "Statement") {
        Some(Json::Array(items)) => items.iter().collect(),
        Some(one @ Json::Object(_)) => vec![one],
        _ => return Err(PolicyError::syntax("Statement")),
    };
    if statements.is_empty() || statements.len() > rules.statements_max {
        return Err(PolicyError::syntax("Statement"));
    }
    let reader = Reader { rules, variables: version == Some(Version::V2012) };
    let statements: Vec<Statement> = statements
        .into_iter()
        .enumerate()
        .map(|(at, s)| reader.statement(s, at))
        .collect::<Result<_, _>>()?;
    if rules.strict_sids {
        unique_sids(&statements)?;
    }
    Ok(Policy::new(version.unwrap_or_default(), version.is_some(), id, statements))
}

fn check_size(document: &str, rules: &Rules) -> Result<(), PolicyError> {
    let length = if document.len() > MAX_DOCUMENT_BYTES || rules.size_counts_space {
        document.chars().count()
    } else {
        document.chars().filter(|c| !c.is_whitespace()).count()
    };
    if length <= rules.size_max && document.len() <= MAX_DOCUMENT_BYTES {
        return Ok(());
    }
    Err(PolicyError {
        kind: ErrorKind::TooLong { length, length_max: rules.size_max },
        path: String::new(),
        message: format!("Cannot exceed quota for PolicySize: {}", rules.size_max),
    })
}

pub(crate) fn version(field: Option<&Json>, rules: &Rules) -> Result<Option<Version>, PolicyError> {
    let version = match field {
        None => None,
        Some(Json::String(text)) if text == Version::V2012.as_str() => Some(Version::V2012),
        Some(Json::String(text)) if text == Version::V2008.as_str() => Some(Version::V2008),
        Some(_) => return Err(PolicyError::syntax("Version")),
    };
    if rules.version_2012 && version != Some(Version::V2012) {
        let message = "Policy document must be version 2012-10-17 or greater.";
        return Err(PolicyError::malformed("Version", message));
    }
    Ok(version)
}

fn unique_sids(statements: &[Statement]) -> Result<(), PolicyError> {
    let mut sids: Vec<&str> =
        statements.iter().filter_map(Statement::sid).filter(|s| !s.is_empty()).collect();
    sids.sort_unstable();
    if sids.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(PolicyError::sid_twice());
    }
    Ok(())
}

struct Reader<'a> {
    rules: &'a Rules,
    variables: bool,
}

pub(crate) const STATEMENT: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// What a trust policy can let somebody do, in lower case. Source: Service Authorization Reference, "AWS STS", the actions on
/// roles.
const ASSUMING: &[&str] = &[
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:setcontext",
    "sts:setsourceidentity",
    "sts:tagsession",
];

impl Reader<'_> {
    fn statement(&self, json: &Json, at: usize) -> Result<Statement, PolicyError> {
        let path = format!("Statement[{at}]");
        let Json::Object(fields) = json else { return Err(PolicyError::syntax(path)) };
        if self.rules.only_sts
            && let Some((key, _)) = fields.iter().find(|(key, _)| !STATEMENT.contains(&key.as_str()))
        {
            return Err(PolicyError::malformed(format!("{path}.{key}"), format!("Unknown field {key}")));
        }
        known(fields, STATEMENT, &path)?;
        // What must not be there comes before what has to be: a policy of permissions given for a trust policy has both.
        if self.rules.resource == Presence::Prohibited
            && let Some((_, name, _)) = either(fields, "Resource", "NotResource", &path)?
        {
            let message = format!("Has prohibited field {name}");
            return Err(PolicyError::malformed(format!("{path}.{name}"), message));
        }
        Ok(Statement {
            sid: self.sid(fields, &path)?,
            effect: self.effect(fields, &path)?,
            principal: self.principal(fields, &path)?,
            actions: self.actions(fields, &path)?,
            resources: self.resources(fields, &path)?,
            conditions: self.conditions(fields, &path)?,
        })
    }

    fn sid(&self, fields: &Object, path: &str) -> Result<Option<Box<str>>, PolicyError> {
        let path = format!("{path}.Sid");
        let sid = optional_string(fields, "Sid", &path)?;
        if self.rules.strict_sids
            && let Some(sid) = &sid
            && !sid.bytes().all(|b| b.is_ascii_alphanumeric())
        {
            return Err(PolicyError::sid(path));
        }
        Ok(sid)
    }

    fn effect(&self, fields: &Object, path: &str) -> Result<Effect, PolicyError> {
        match get(fields, "Effect") {
            Some(Json::String(text)) if text == "Allow" && self.rules.allow => Ok(Effect::Allow),
            Some(Json::String(text)) if text == "Deny" => Ok(Effect::Deny),
            None if self.rules.only_sts => Err(PolicyError::missing(path, "Effect")),
            _ => Err(PolicyError::syntax(format!("{path}.Effect"))),
        }
    }

    fn principal(&self, fields: &Object, path: &str) -> Result<Option<PrincipalElement>, PolicyError> {
        let Some((negated, name, json)) = either(fields, "Principal", "NotPrincipal", path)? else {
            return match self.rules.principal {
                Presence::Required => Err(PolicyError::missing(path, "Principal")),
                _ => Ok(None),
            };
        };
        let path = format!("{path}.{name}");
        match self.rules.principal {
            Presence::Prohibited => {
                return Err(PolicyError::principal_given(path));
            }
            _ if negated && !self.rules.not_principal => {
                return Err(PolicyError::malformed(path, "Has prohibited field NotPrincipal"));
            }
            _ => {}
        }
        let star = |json: &Json| matches!(json, Json::String(text) if text == "*");
        if self.rules.principal_only_star && !star(json) {
            return Err(PolicyError::syntax(path));
        }
        let kinds = match json {
            json if star(json) => {
                return Ok(Some(PrincipalElement { negated, star: true, names: Box::default() }));
            }
            Json::Object(kinds) => kinds,
            Json::String(text) => return Err(PolicyError::principal(path, "AWS", text)),
            _ => return Err(PolicyError::syntax(path)),
        };
        let mut names = Vec::new();
        for (kind, values) in kinds {
            let path = format!("{path}.{kind}");
            let kind = PrincipalKind::ALL
                .into_iter()
                .find(|k| k.as_str() == kind)
                .ok_or_else(|| PolicyError::syntax(path.clone()))?;
            for value in strings(values, &path)? {
                let provider = value == "*" || value.starts_with("arn:") || value.contains('.');
                if self.rules.strict_providers && kind == PrincipalKind::Federated && !provider {
                    return Err(PolicyError::principal(path, kind.as_str(), value));
                }
                names.push(Name::parse(kind, value, &path)?);
            }
        }
        if names.is_empty() {
            return Err(PolicyError::malformed(path, "Missing required field Principal"));
        }
        Ok(Some(PrincipalElement { negated, star: false, names: names.into() }))
    }

    fn actions(&self, fields: &Object, path: &str) -> Result<Element<ActionPattern>, PolicyError> {
        let missing = || match self.rules.only_sts {
            true => PolicyError::missing(path, "Action"),
            false => PolicyError::no_actions(path),
        };
        let (negated, name, json) = either(fields, "Action", "NotAction", path)?.ok_or_else(missing)?;
        let path = format!("{path}.{name}");
        if negated && !self.rules.not_action {
            return Err(PolicyError::syntax(path));
        }
        let values = strings(json, &path)?;
        if values.is_empty() {
            return Err(missing());
        }
        let items: Box<[ActionPattern]> =
            values.into_iter().map(|v| ActionPattern::parse(v, &path)).collect::<Result<_, _>>()?;
        let assumes = |pattern: &ActionPattern| {
            pattern.service.is_some() && ASSUMING.iter().any(|action| pattern.matches(action))
        };
        if self.rules.only_sts && !items.iter().all(assumes) {
            return Err(PolicyError::malformed(
                path,
                "AssumeRole policy may only specify STS AssumeRole actions.",
            ));
        }
        Ok(Element { negated, items })
    }

    fn resources(
        &self,
        fields: &Object,
        path: &str,
    ) -> Result<Option<Element<ResourcePattern>>, PolicyError> {
        let missing = || PolicyError::no_resources(path);
        let Some((negated, name, json)) = either(fields, "Resource", "NotResource", path)? else {
            return if self.rules.resource == Presence::Required { Err(missing()) } else { Ok(None) };
        };
        let path = format!("{path}.{name}");
        let values = strings(json, &path)?;
        if values.is_empty() {
            return Err(missing());
        }
        let reading = Reading { variables: self.variables, wildcards: true };
        let items = values
            .into_iter()
            .map(|value| {
                // In a policy of permissions the rest of a short ARN is anything.
                let is_permission = self.rules.principal == Presence::Prohibited;
                let whole = if is_permission { arn::filled(value) } else { value.into() };
                Ok(ResourcePattern { source: value.into(), template: Template::resource(&whole, reading) })
            })
            .collect::<Result<_, _>>()?;
        Ok(Some(Element { negated, items }))
    }

    fn conditions(&self, fields: &Object, path: &str) -> Result<Box<[Condition]>, PolicyError> {
        let path = format!("{path}.Condition");
        let operators = match get(fields, "Condition") {
            None => return Ok(Box::default()),
            Some(Json::Object(operators)) => operators,
            Some(_) => return Err(PolicyError::syntax(path)),
        };
        let mut out = Vec::new();
        for (operator, keys) in operators {
            let path = format!("{path}.{operator}");
            let Json::Object(keys) = keys else { return Err(PolicyError::syntax(path)) };
            for (key, values) in keys {
                let path = format!("{path}.{key}");
                check_key(key, &path)?;
                out.push(Condition::new(operator, key, scalars(values, &path)?, self.variables, &path)?);
            }
        }
        Ok(out.into())
    }
}

/// A key has a vendor before a colon; an issuer's URL as a prefix is written without its scheme.
fn check_key(key: &str, path: &str) -> Result<(), PolicyError> {
    if !key.contains(':') {
        let message = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
        return Err(PolicyError::malformed(path, message));
    }
    if key.starts_with("https://") || key.starts_with("http://") {
        return Err(PolicyError::malformed(path, "Condition can contain only one colon."));
    }
    Ok(())
}

pub(crate) fn get<'a>(fields: &'a Object, name: &str) -> Option<&'a Json> {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

pub(crate) fn known(fields: &Object, names: &[&str], path: &str) -> Result<(), PolicyError> {
    match fields.iter().find(|(key, _)| !names.contains(&key.as_str())) {
        None => Ok(()),
        Some((key, _)) if path.is_empty() => Err(PolicyError::syntax(key.clone())),
        Some((key, _)) => Err(PolicyError::syntax(format!("{path}.{key}"))),
    }
}

/// One of two elements that exclude each other; whether it is the second.
pub(crate) fn either<'a>(
    fields: &'a Object,
    plain: &'static str,
    negated: &'static str,
    path: &str,
) -> Result<Option<(bool, &'static str, &'a Json)>, PolicyError> {
    match (get(fields, plain), get(fields, negated)) {
        (Some(_), Some(_)) => Err(PolicyError::syntax(format!("{path}.{negated}"))),
        (Some(json), None) => Ok(Some((false, plain, json))),
        (None, Some(json)) => Ok(Some((true, negated, json))),
        (None, None) => Ok(None),
    }
}

pub(crate) fn optional_string(
    fields: &Object,
    name: &str,
    path: &str,
) -> Result<Option<Box<str>>, PolicyError> {
    match get(fields, name) {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.as_str().into())),
        Some(_) => Err(PolicyError::syntax(path)),
    }
}

/// A string or a list of strings.
pub(crate) fn strings<'a>(json: &'a Json, path: &str) -> Result<Vec<&'a str>, PolicyError> {
    let items = match json {
        Json::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    items
        .iter()
        .map(|item| match item {
            Json::String(text) => Ok(text.as_str()),
            _ => Err(PolicyError::syntax(path)),
        })
        .collect()
}

/// A condition's values: scalars, which become strings.
pub(crate) fn scalars(json: &Json, path: &str) -> Result<Vec<Box<str>>, PolicyError> {
    let items = match json {
        Json::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    items
        .iter()
        .map(|item| match item {
            Json::String(text) | Json::Number(text) => Ok(text.as_str().into()),
            Json::Bool(value) => Ok(if *value { "true" } else { "false" }.into()),
            _ => Err(PolicyError::syntax(path)),
        })
        .collect()
}
