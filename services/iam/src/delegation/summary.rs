//! A request in words. AWS has a language model write it; here it is put together from what the policy says.

use std::fmt::Write;

use haneul_kit::Policy;
use haneul_policy::{Effect, Statement};

use crate::last_accessed;
use crate::model::DelegationRequest;

#[derive(Clone, Copy)]
enum Language {
    English,
    Korean,
}

/// Longest `SummaryContent`, in characters.
const LENGTH_MAX: usize = 10_000;
const LOCALE_DEFAULT: &str = "en";

/// `None` for a language that we do not write.
pub(crate) fn write(request: &DelegationRequest, policy: &Policy, locale: Option<&str>) -> Option<String> {
    let locale = locale.unwrap_or(LOCALE_DEFAULT);
    let language = match locale.split(['-', '_']).next().unwrap_or_default().to_lowercase().as_str() {
        "en" => Language::English,
        "ko" => Language::Korean,
        _ => return None,
    };
    let mut text = String::new();
    opening(&mut text, request, language);
    for statement in policy.statements() {
        let _ = write!(text, "\n- {}", line(statement, language));
    }
    if !request.boundaries.is_empty() {
        let list = request.boundaries.join(", ");
        let _ = match language {
            Language::English => write!(
                text,
                "\nRoles created with this access stay after it ends. They are limited by the permissions boundary {list}."
            ),
            Language::Korean => write!(
                text,
                "\n이 권한으로 만든 역할은 기간이 끝난 뒤에도 남으며, 권한 경계 {list}(으)로 제한됩니다."
            ),
        };
    }
    Some(text.chars().take(LENGTH_MAX).collect())
}

pub(crate) fn locale_or_default(locale: Option<String>) -> String {
    locale.unwrap_or_else(|| LOCALE_DEFAULT.to_owned())
}

fn opening(text: &mut String, request: &DelegationRequest, language: Language) {
    let (name, partner) = (&request.requestor_name, request.requestor());
    let (hours, minutes) = (request.session_secs / 3600, request.session_secs % 3600 / 60);
    let _ = match language {
        Language::English => write!(
            text,
            "{name} (AWS account {partner}) asks for temporary access for {hours} h {minutes} min, with at most the \
             permissions of who accepts the request. It would be used for:"
        ),
        Language::Korean => write!(
            text,
            "{name}(AWS 계정 {partner})이(가) {hours}시간 {minutes}분 동안의 임시 권한을 요청합니다. 요청을 수락하는 주체의 권한을 넘지 \
             않습니다. 용도:"
        ),
    };
}

fn line(statement: &Statement, language: Language) -> String {
    let (not_actions, actions) = statement.actions();
    let actions: Vec<&str> = actions.collect();
    let (not_resources, resources) = statement.resources();
    let resources: Vec<&str> = resources.collect();
    let mut services: Vec<String> = Vec::new();
    for action in &actions {
        let prefix = action.split_once(':').map_or("*", |(prefix, _)| prefix);
        let name = if prefix == "*" { "*".to_owned() } else { last_accessed::name(&prefix.to_lowercase()) };
        if !services.contains(&name) {
            services.push(name);
        }
    }
    let (services, actions) = (services.join(", "), actions.join(", "));
    let everywhere = resources.as_slice() == ["*"];
    let resources = resources.join(", ");
    let keys: Vec<&str> = statement.conditions().iter().map(|condition| condition.source().1).collect();
    let denies = statement.effect() == Effect::Deny;
    match language {
        Language::English => {
            let verb = if denies { "Never" } else { "May use" };
            let actions = if not_actions { format!("everything but {actions}") } else { actions };
            let place = match (everywhere, not_resources) {
                (true, false) => "all resources".to_owned(),
                (_, true) => format!("all resources but {resources}"),
                (false, false) => resources,
            };
            let when = match keys.is_empty() {
                true => String::new(),
                false => format!(", under conditions on {}", keys.join(", ")),
            };
            format!("{services}: {verb} {actions} on {place}{when}")
        }
        Language::Korean => {
            let verb = if denies { "금지" } else { "허용" };
            let actions = if not_actions { format!("{actions} 외의 모든 작업") } else { actions };
            let place = match (everywhere, not_resources) {
                (true, false) => "모든 리소스".to_owned(),
                (_, true) => format!("{resources} 외의 모든 리소스"),
                (false, false) => resources,
            };
            let when = match keys.is_empty() {
                true => String::new(),
                false => format!(" (조건: {})", keys.join(", ")),
            };
            format!("{services}: {place}에 대한 {actions} {verb}{when}")
        }
    }
}
