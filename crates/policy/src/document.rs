//! The compiled policy.

use crate::action::ActionPattern;
use crate::condition::Condition;
use crate::context::Context;
use crate::error::PolicyError;
use crate::pattern::Pattern;
use crate::principal::{PrincipalElement, PrincipalKind, PrincipalRef};
use crate::rules::Rules;
use crate::sieve::Sieve;
use crate::template::Template;

/// A policy that was accepted, ready to be evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub(crate) version: Version,
    /// Whether the document said its version.
    pub(crate) version_given: bool,
    pub(crate) id: Option<Box<str>>,
    pub(crate) statements: Box<[Statement]>,
    pub(crate) index: Index,
    pub(crate) sieve: Sieve,
    names_canonical_users: bool,
}

/// The version of the policy language; a document without one is of the older.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Version {
    #[default]
    V2008,
    /// With variables.
    V2012,
}

impl Version {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2008 => "2008-10-17",
            Self::V2012 => "2012-10-17",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    Allow,
    Deny,
}

impl Effect {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

/// One statement. Its elements are private because their meaning is in how they match.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    pub(crate) sid: Option<Box<str>>,
    pub(crate) effect: Effect,
    pub(crate) principal: Option<PrincipalElement>,
    pub(crate) actions: Element<ActionPattern>,
    /// `None` in trust policies, which have no resource: they speak of the role they are part of.
    pub(crate) resources: Option<Element<ResourcePattern>>,
    pub(crate) conditions: Box<[Condition]>,
}

/// `X` or, negated, `NotX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Element<T> {
    pub negated: bool,
    pub items: Box<[T]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResourcePattern {
    pub source: Box<str>,
    pub template: Template,
}

impl Policy {
    /// Reads a document as the given kind of policy.
    pub fn parse(document: &str, rules: &Rules) -> Result<Self, PolicyError> {
        crate::parse::policy(document, rules)
    }

    /// The statements that speak about an action in lower case, with their positions. One can come twice.
    #[inline]
    pub(crate) fn about(&self, service: &str, action: &str) -> impl Iterator<Item = (usize, &Statement)> {
        let at = |at: u32| (at as usize, &self.statements[at as usize]);
        let not = self.index.negated().map(at).filter(move |(_, s)| s.covers_action(action));
        self.index.naming(service, action).map(at).chain(not)
    }

    /// One policy with the statements of all: for a resource whose permissions come from several places.
    pub fn union<'a>(policies: impl IntoIterator<Item = &'a Policy>) -> Policy {
        let mut version = Version::V2008;
        let mut statements = Vec::new();
        for policy in policies {
            version = version.max(policy.version);
            statements.extend(policy.statements.iter().cloned());
        }
        Policy::new(version, true, None, statements)
    }

    /// Only what it denies: for a resource whose owner is another than the policy's.
    pub fn denials(&self) -> Policy {
        let denials = self.statements.iter().filter(|statement| statement.effect == Effect::Deny);
        Policy::new(self.version, self.version_given, self.id.clone(), denials.cloned().collect())
    }

    pub fn version(&self) -> Version {
        self.version
    }

    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Every principal that the policy names, in the order written: for services that must check that they
    /// exist.
    pub fn principals(&self) -> impl Iterator<Item = PrincipalRef<'_>> {
        self.statements.iter().flat_map(Statement::principals)
    }

    /// Whether a principal is given by its canonical user id, which a caller then needs to have.
    pub fn names_canonical_users(&self) -> bool {
        self.names_canonical_users
    }

    /// The canonical text: elements in AWS's order, no white space, a list of one as the thing itself.
    /// Reading it again gives an equal policy.
    pub fn to_json(&self) -> String {
        crate::serialize::policy(self)
    }

    pub(crate) fn new(
        version: Version,
        version_given: bool,
        id: Option<Box<str>>,
        statements: Vec<Statement>,
    ) -> Self {
        let index = Index::new(&statements);
        let sieve = Sieve::new(&statements);
        let of_canonical_user = |p: PrincipalRef<'_>| p.kind == PrincipalKind::CanonicalUser;
        let names_canonical_users =
            statements.iter().any(|statement| statement.principals().any(of_canonical_user));
        let statements = statements.into();
        Self { version, version_given, id, statements, index, sieve, names_canonical_users }
    }
}

impl Statement {
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// The actions as written, and whether they were given as `NotAction`.
    pub fn actions(&self) -> (bool, impl Iterator<Item = &str>) {
        (self.actions.negated, self.actions.items.iter().map(|a| &*a.source))
    }

    /// The resources as written, and whether they were given as `NotResource`; none in a trust policy.
    pub fn resources(&self) -> (bool, impl Iterator<Item = &str>) {
        let element = self.resources.as_ref();
        (
            element.is_some_and(|e| e.negated),
            element.into_iter().flat_map(|e| e.items.iter().map(|r| &*r.source)),
        )
    }

    pub fn principals(&self) -> impl Iterator<Item = PrincipalRef<'_>> {
        let names = self.principal.iter().flat_map(|p| p.names.iter());
        names.map(|n| PrincipalRef { kind: n.kind, value: &n.source })
    }

    /// The statement as it is within [`Policy::to_json`].
    pub fn to_json(&self) -> String {
        crate::serialize::statement(self)
    }

    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// `action` is in lower case. The index answers this for all but `NotAction`.
    #[inline]
    fn covers_action(&self, action: &str) -> bool {
        self.actions.items.iter().any(|a| a.matches(action)) != self.actions.negated
    }

    pub(crate) fn covers_resource(&self, resource: &str, context: &Context<'_>) -> bool {
        let Some(element) = &self.resources else { return true };
        if element.items.iter().any(|r| r.template.matches(resource, context)) {
            return !element.negated;
        }
        if !element.negated {
            return false;
        }
        // A `NotResource` whose variable has no value leaves out something that we cannot name. A `Deny` then
        // still denies; an `Allow` must not grant what it may have meant to leave out.
        self.effect == Effect::Deny || element.items.iter().all(|r| r.template.is_resolvable(context))
    }

    pub(crate) fn conditions_hold(&self, context: &Context<'_>) -> bool {
        self.conditions.iter().all(|c| c.holds(context))
    }
}

/// Which statements speak about an action, so that most are never looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Index {
    /// By action: statements that name it without a wildcard.
    exact: Lists<u32>,
    /// By service: wildcards in the operation, each once, and the statements that have it. Kept here too, next to one
    /// another, because reading them out of their statements is what costs.
    service: Lists<(Pattern, Box<[u32]>)>,
    /// Statements with `*`.
    all: Box<[u32]>,
    /// Statements with `NotAction`, which must be asked.
    not: Box<[u32]>,
}

/// Sorted by name.
type Lists<T> = Box<[(Box<str>, Box<[T]>)]>;

impl Index {
    fn new(statements: &[Statement]) -> Self {
        let (mut exact, mut service) = (Vec::new(), Vec::new());
        let (mut all, mut not) = (Vec::new(), Vec::new());
        for (at, statement) in (0u32..).zip(statements) {
            if statement.actions.negated {
                not.push(at);
                continue;
            }
            if statement.actions.items.iter().any(|a| a.service.is_none()) {
                all.push(at);
                continue;
            }
            for action in &statement.actions.items {
                match (action.exact(), &action.service) {
                    (Some(action), _) => exact.push((Box::from(action), at)),
                    (None, Some(name)) => {
                        let name = (name.clone(), action.source.to_ascii_lowercase());
                        service.push((name, (at, action.pattern().clone())));
                    }
                    (None, None) => {}
                }
            }
        }
        let service = group(service).into_iter().map(|((service, _), of)| {
            let (at, patterns): (Vec<u32>, Vec<Pattern>) = of.into_iter().unzip();
            // They were written alike, so any of them will do.
            (service, (patterns.into_iter().next().unwrap_or(Pattern::Any), at.into_boxed_slice()))
        });
        let service = group(service.collect());
        Self { exact: boxed(group(exact)), service: boxed(service), all: all.into(), not: not.into() }
    }

    /// The statements that speak about an action in lower case, without those whose `NotAction` must be asked.
    /// A statement can come twice.
    #[inline]
    pub(crate) fn naming(&self, service: &str, action: &str) -> impl Iterator<Item = u32> {
        let exact = find(&self.exact, action).iter().copied();
        let wild = find(&self.service, service).iter().filter(move |(pattern, _)| pattern.matches(action));
        exact.chain(wild.flat_map(|(_, at)| at.iter().copied())).chain(self.all.iter().copied())
    }

    pub(crate) fn negated(&self) -> impl Iterator<Item = u32> {
        self.not.iter().copied()
    }
}

/// Keeps the order within a name, which is the order of the statements.
fn group<N: Ord, T>(mut pairs: Vec<(N, T)>) -> Vec<(N, Vec<T>)> {
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    let mut out: Vec<(N, Vec<T>)> = Vec::new();
    for (name, item) in pairs {
        match out.last_mut() {
            Some((last, items)) if *last == name => items.push(item),
            _ => out.push((name, vec![item])),
        }
    }
    out
}

fn boxed<T>(lists: Vec<(Box<str>, Vec<T>)>) -> Lists<T> {
    lists.into_iter().map(|(name, items)| (name, items.into())).collect()
}

#[inline]
fn find<'a, T>(lists: &'a Lists<T>, name: &str) -> &'a [T] {
    match lists.binary_search_by(|(n, _)| (**n).cmp(name)) {
        Ok(at) => &lists[at].1,
        Err(_) => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unions_and_denials() {
        let parse = |text: &str| Policy::parse(text, &Rules::RESOURCE).unwrap();
        let statement = |effect: &str| {
            format!(
                r#"{{"Effect":"{effect}","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}}"#
            )
        };
        let (allow, deny) = (statement("Allow"), statement("Deny"));
        let both = parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{allow},{deny}]}}"#));
        let one = parse(&format!(r#"{{"Statement":[{allow}]}}"#));
        assert_eq!(both.denials().statements().len(), 1);
        assert_eq!(one.denials().statements().len(), 0);
        let union = Policy::union([&one, &both]);
        assert_eq!((union.statements().len(), union.version()), (3, Version::V2012));
    }
}
