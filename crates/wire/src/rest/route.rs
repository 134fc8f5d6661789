use std::collections::BTreeMap;

use haneul_shape::ShapeId;
use http::HeaderMap;

use crate::error::WireError;
use crate::form::pairs::{self, decode_path};
use crate::message::Label;
use crate::model::{Location, Model, OperationDef, Segment};

/// The operation that a REST request means, and the labels of its path.
#[derive(Debug)]
pub struct Route<'m> {
    pub operation: &'m OperationDef,
    pub labels: Vec<Label>,
}

/// Operations by method, those with the most literal path and most constant parameters first.
#[derive(Debug)]
pub(crate) struct Router {
    methods: BTreeMap<&'static str, Vec<Candidate>>,
}

#[derive(Debug)]
struct Candidate {
    operation: usize,
    /// Query parameters and headers that the input must have: they tell UploadPart from PutObject.
    required: Vec<(Location, &'static str)>,
}

/// Finds the operation of a REST request. `path` and `query` are as they came, still encoded.
///
/// `None`: no operation of the service has this method and path. An error: a label is not decodable.
pub fn route<'m>(
    model: &'m Model,
    method: &str,
    path: &str,
    query: &str,
    headers: &HeaderMap,
) -> Result<Option<Route<'m>>, WireError> {
    let router = model.router.get_or_init(|| Router::new(model));
    let Some(candidates) = router.methods.get(method) else { return Ok(None) };
    let path = path.strip_prefix('/').unwrap_or(path);
    let parameters: Vec<(&str, &str)> = query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .collect();
    let has_parameter = |name: &str| {
        parameters.iter().any(|(key, _)| *key == name || pairs::decode(key).is_ok_and(|key| key == name))
    };
    let mut best: Option<(usize, &Candidate)> = None;
    let mut rank: Option<(usize, usize)> = None;
    for candidate in candidates {
        let pattern = &model.operations[candidate.operation].uri;
        let this_rank = specificity(&pattern.segments, &pattern.query);
        // Candidates are sorted: once one fits, only its equals compete with it.
        if rank.is_some_and(|rank| rank != this_rank) {
            break;
        }
        let fits = fits(&pattern.segments, path)
            && pattern.query.iter().all(|(key, value)| match *value {
                "" => has_parameter(key),
                value => parameters.contains(&(key, value)),
            });
        if !fits {
            continue;
        }
        rank = Some(this_rank);
        let met = candidate.required.iter().filter(|(location, name)| match location {
            Location::Query => has_parameter(name),
            _ => headers.contains_key(*name),
        });
        let met = met.count();
        // All its conditions met: the more of them the better. Otherwise only for want of another.
        let score = if met == candidate.required.len() { 1 + met } else { 0 };
        if best.is_none_or(|(other, _)| score > other) {
            best = Some((score, candidate));
        }
    }
    let Some((_, candidate)) = best else { return Ok(None) };
    let operation = &model.operations[candidate.operation];
    let labels = labels(model, operation, path)?;
    Ok(Some(Route { operation, labels }))
}

impl Router {
    fn new(model: &Model) -> Router {
        let mut methods: BTreeMap<&'static str, Vec<Candidate>> = BTreeMap::new();
        for (i, operation) in model.operations.iter().enumerate() {
            if SUPERSEDED.contains(&operation.name) && model.service.name == "s3" {
                continue;
            }
            let input = model.structure(operation.input.unwrap_or(ShapeId::MAX));
            let required = input
                .members
                .iter()
                .filter(|m| m.required && matches!(m.location, Location::Query | Location::Header))
                .map(|m| (m.location, m.wire_name))
                .chain(
                    (operation.name == "ListDirectoryBuckets")
                        .then_some((Location::Query, "max-directory-buckets")),
                )
                .collect();
            methods.entry(operation.method).or_default().push(Candidate { operation: i, required });
        }
        for candidates in methods.values_mut() {
            candidates.sort_by_key(|candidate| {
                let uri = &model.operations[candidate.operation].uri;
                std::cmp::Reverse(specificity(&uri.segments, &uri.query))
            });
        }
        Router { methods }
    }
}

/// Older operations with the method, path and parameters of newer ones, which answer for them.
const SUPERSEDED: &[&str] =
    &["GetBucketLifecycle", "GetBucketNotification", "PutBucketLifecycle", "PutBucketNotification"];

fn specificity(segments: &[Segment], query: &[(&str, &str)]) -> (usize, usize) {
    let path = segments
        .iter()
        .map(|segment| match segment {
            Segment::Literal(_) => 100,
            Segment::Label(_) => 10,
            Segment::Greedy(_) => 5,
        })
        .sum();
    (path, query.len())
}

/// Whether an encoded path without its first slash has the pattern's form. A last slash does not count.
fn fits(pattern: &[Segment], path: &str) -> bool {
    let mut rest = Some(path);
    for (i, segment) in pattern.iter().enumerate() {
        let Some(text) = rest else { return false };
        let Some((head, tail)) = split(segment, text, pattern.len() - i - 1) else { return false };
        let same = match segment {
            Segment::Literal(literal) => {
                head == *literal || decode_path(head).is_ok_and(|head| head == *literal)
            }
            _ => !head.is_empty(),
        };
        if !same {
            return false;
        }
        rest = tail;
    }
    matches!(rest, None | Some(""))
}

/// Takes a segment's part off the front of a path. A greedy one leaves the segments that follow it in the pattern.
fn split<'p>(segment: &Segment, path: &'p str, following: usize) -> Option<(&'p str, Option<&'p str>)> {
    let slash = match (segment, following) {
        (Segment::Greedy(_), 0) => None,
        (Segment::Greedy(_), following) => Some(path.rmatch_indices('/').nth(following - 1)?.0),
        _ => path.find('/'),
    };
    Some(match slash {
        Some(slash) => (&path[..slash], Some(&path[slash + 1..])),
        None => (path, None),
    })
}

fn labels(model: &Model, operation: &OperationDef, path: &str) -> Result<Vec<Label>, WireError> {
    let input = model.structure(operation.input.unwrap_or(ShapeId::MAX));
    let mut labels = Vec::new();
    let mut rest = path;
    let segments = &operation.uri.segments;
    for (i, segment) in segments.iter().enumerate() {
        let (text, tail) = split(segment, rest, segments.len() - i - 1).unwrap_or((rest, None));
        let name = match segment {
            Segment::Literal(_) => "",
            Segment::Label(name) | Segment::Greedy(name) => name,
        };
        let is_it = |m: &crate::model::Member| m.location == Location::Uri && m.wire_name == name;
        if let Some(member) = input.find_by(0, is_it) {
            labels.push(Label { member, value: decode_path(text)?.into_owned() });
        }
        rest = tail.unwrap_or_default();
    }
    Ok(labels)
}
