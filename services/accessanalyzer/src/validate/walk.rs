use super::issues::{Issue, issue};
use super::{actions, conditions, elements, principals, resources, roles, variables};
use crate::document::{self, Broken, Member, Node, Place, Value};

/// What the document is meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Identity,
    Resource,
    /// A role's trust policy, which has no resource.
    Trust,
    ServiceControl,
    ResourceControl,
}

/// One step on the way to a place in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
    /// The key itself, not what it holds.
    Name(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub issue: &'static Issue,
    pub details: String,
    pub path: Vec<Step>,
    pub start: Place,
    pub end: Place,
}

/// Findings of one document are at most this many; AWS's pages end somewhere too.
const FINDINGS_MAX: usize = 1000;

/// What checks write to.
pub(crate) struct Report {
    pub findings: Vec<Finding>,
}

impl Report {
    pub(crate) fn add(&mut self, code: &str, at: &At<'_>, fills: &[&str]) {
        if self.findings.len() >= FINDINGS_MAX {
            return;
        }
        let issue = issue(code);
        let mut details = issue.sentence.to_owned();
        for fill in fills {
            details = details.replacen("{}", fill, 1);
        }
        self.findings.push(Finding { issue, details, path: at.path.clone(), start: at.start, end: at.end });
        let _ = at.node;
    }
}

/// A place of the document.
#[derive(Clone)]
pub(crate) struct At<'a> {
    pub node: &'a Node,
    pub path: Vec<Step>,
    pub start: Place,
    pub end: Place,
}

impl<'a> At<'a> {
    fn top(node: &'a Node) -> At<'a> {
        At { node, path: Vec::new(), start: node.start, end: node.end }
    }

    fn step(&self, node: &'a Node, step: Step) -> At<'a> {
        let mut path = self.path.clone();
        path.push(step);
        At { node, path, start: node.start, end: node.end }
    }

    /// What a member holds.
    pub(crate) fn get(&self, key: &str) -> Option<At<'a>> {
        self.node.member(key).map(|member| self.step(&member.node, Step::Key(key.to_owned())))
    }

    /// The name of a member.
    pub(crate) fn name(&self, member: &'a Member) -> At<'a> {
        let mut at = self.step(&member.node, Step::Name(member.key.clone()));
        (at.start, at.end) = (member.key_start, member.key_end);
        at
    }

    /// The items of a list, or the one thing that stands for a list of one.
    pub(crate) fn items(&self) -> Vec<At<'a>> {
        match &self.node.value {
            Value::List(items) => {
                items.iter().enumerate().map(|(index, item)| self.step(item, Step::Index(index))).collect()
            }
            _ => vec![self.clone()],
        }
    }

    pub(crate) fn members(&self) -> Vec<(&'a Member, At<'a>)> {
        let below = |member: &'a Member| (member, self.step(&member.node, Step::Key(member.key.clone())));
        self.node.members().iter().map(below).collect()
    }

    pub(crate) fn is_empty_list(&self) -> bool {
        matches!(&self.node.value, Value::List(items) if items.is_empty())
    }
}

/// One statement with what its checks need to know of the whole.
pub(crate) struct Statement<'a> {
    pub at: At<'a>,
    pub kind: Kind,
    /// `2012-10-17`: variables mean something.
    pub has_variables: bool,
}

impl<'a> Statement<'a> {
    pub(crate) fn effect(&self) -> Option<&'a str> {
        self.at.node.member("Effect").and_then(|member| member.node.text())
    }

    /// The element or its negation, and whether it is the negation.
    pub(crate) fn element(&self, name: &str) -> Option<(bool, At<'a>)> {
        match self.at.get(name) {
            Some(at) => Some((false, at)),
            None => self.at.get(&format!("Not{name}")).map(|at| (true, at)),
        }
    }

    /// The strings of an element.
    pub(crate) fn texts(&self, name: &str) -> Vec<&'a str> {
        let items = self.element(name).map(|(_, at)| at.items()).unwrap_or_default();
        items.into_iter().filter_map(|item| item.node.text()).collect()
    }
}

/// All findings of a document, in the order of the document.
pub(crate) fn validate(text: &str, kind: Kind) -> Vec<Finding> {
    let mut report = Report { findings: Vec::new() };
    let node = match document::parse(text) {
        Ok(node) => node,
        Err(Broken(place)) => {
            let empty = Node { value: Value::Null, start: place, end: place };
            let fill = format!("{} line {} column {}", place.offset, place.line, place.column);
            report.add("JSON_SYNTAX_ERROR", &At::top(&empty), &[&fill]);
            return report.findings;
        }
    };
    let top = At::top(&node);
    let Value::Object(_) = node.value else {
        report.add("DATA_TYPE_MISMATCH", &top, &["Object"]);
        return report.findings;
    };
    let has_variables = elements::document(&mut report, &top, kind, text);
    let statements: Vec<Statement<'_>> = top
        .get("Statement")
        .map(|at| at.items())
        .unwrap_or_default()
        .into_iter()
        .map(|at| Statement { at, kind, has_variables })
        .collect();
    for statement in &statements {
        let Value::Object(_) = statement.at.node.value else {
            report.add("DATA_TYPE_MISMATCH", &statement.at, &["Object"]);
            continue;
        };
        elements::statement(&mut report, statement);
        principals::check(&mut report, statement);
        actions::check(&mut report, statement);
        resources::check(&mut report, statement);
        conditions::check(&mut report, statement);
        variables::check(&mut report, statement);
        roles::check(&mut report, statement);
    }
    elements::across(&mut report, &statements);
    report.findings.sort_by_key(|finding| finding.start.offset);
    report.findings
}
