use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use haneul_kit::BoxFuture;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::budget::Held;
use super::{Flow, Flowed, Halt, Run, Sink, Tuple, one, weight};
use crate::lake::expr::{Segment, inside};
use crate::lake::nodes::{Node, Operation, Order, Unnest};
use crate::lake::value::{Value, key};

/// Rows between two looks whether the query may go on.
const TURN: usize = 2048;

impl Run<'_> {
    /// Pushes the rows of a node.
    pub(super) fn feed<'f, 's: 'f>(
        &'f self,
        node: &'f Node,
        sink: &'f mut Sink<'s>,
    ) -> BoxFuture<'f, Flowed> {
        Box::pin(async move {
            match node {
                Node::One => sink(Vec::new()),
                Node::Events { .. } | Node::Derived { .. } => self.leaf(node, sink).await,
                Node::Values { rows } => {
                    for row in rows {
                        if sink(one(self.values(row, &[])))? == Flow::Enough {
                            return Ok(Flow::Enough);
                        }
                    }
                    Ok(Flow::More)
                }
                Node::Unnest { input, unnest } => {
                    let mut take = |tuple: Tuple| self.unnest(unnest, &tuple, sink);
                    self.feed(input, &mut take).await
                }
                Node::Join { left, right, join } => self.join(left, right, join, sink).await,
                Node::Filter { input, all } => {
                    let mut take =
                        |tuple: Tuple| if self.holds(all, &tuple) { sink(tuple) } else { Ok(Flow::More) };
                    self.feed(input, &mut take).await
                }
                Node::Group { input, keys, sets, aggregates } => {
                    self.group(input, keys, sets, aggregates, sink).await
                }
                Node::Windows { input, windows } => self.windows(input, windows, sink).await,
                Node::Project { input, columns } => {
                    let mut take = |tuple: Tuple| {
                        self.budget.step(1)?;
                        sink(one(self.values(columns, &tuple)))
                    };
                    self.feed(input, &mut take).await
                }
                Node::Distinct { input, width } => {
                    let mut seen = HashSet::new();
                    let mut held = self.budget.hold();
                    let mut take = |tuple: Tuple| {
                        let own = key(columns(&tuple).iter().take(*width));
                        let size = own.len() + 48;
                        if !seen.insert(own) {
                            return Ok(Flow::More);
                        }
                        held.add(1, size)?;
                        sink(tuple)
                    };
                    self.feed(input, &mut take).await
                }
                Node::Sort { input, order, wanted, width } => {
                    let (rows, _held) = self.sorted(input, order, *wanted).await?;
                    let rows = rows.into_iter().map(|(_, tuple)| {
                        let columns = columns(&tuple);
                        if columns.len() > *width { one(columns[..*width].to_vec()) } else { tuple }
                    });
                    self.push(rows, sink).await
                }
                Node::Limit { input, offset, limit } => {
                    if *limit == Some(0) {
                        return Ok(Flow::More);
                    }
                    let (mut skipped, mut told, mut wanted) = (0, 0, Flow::More);
                    let is_full = |told: usize| limit.is_some_and(|limit| told >= limit);
                    let mut take = |tuple: Tuple| {
                        if skipped < *offset {
                            skipped += 1;
                            return Ok(Flow::More);
                        }
                        if is_full(told) {
                            return Ok(Flow::Enough);
                        }
                        told += 1;
                        wanted = sink(tuple)?;
                        Ok(if is_full(told) { Flow::Enough } else { wanted })
                    };
                    self.feed(input, &mut take).await?;
                    // That this has enough is no matter of those above.
                    Ok(wanted)
                }
                Node::Set { operation, all, left, right } => {
                    self.set(*operation, *all, left, right, sink).await
                }
            }
        })
    }

    /// Pushes rows that are there already.
    pub(super) async fn push(&self, rows: impl Iterator<Item = Tuple> + Send, sink: &mut Sink<'_>) -> Flowed {
        for (at, tuple) in rows.enumerate() {
            if at % TURN == TURN - 1 {
                self.source.pause().await?;
            }
            if sink(tuple)? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        Ok(Flow::More)
    }

    async fn leaf(&self, node: &Node, sink: &mut Sink<'_>) -> Flowed {
        let nothing: Segment = Arc::new(Vec::new());
        match node {
            Node::Events { scan, relation, relations, filter } => {
                let scan = &self.plan.scans[*scan];
                let mut flow = Flow::More;
                let mut each = |event: &Json| {
                    self.scanned.fetch_add(1, Ordering::Relaxed);
                    self.budget.step(1)?;
                    let mut tuple = vec![nothing.clone(); *relations];
                    tuple[*relation] = Arc::new(scan.columns.iter().map(|path| read(event, path)).collect());
                    if !self.holds(filter, &tuple) {
                        return Ok(Flow::More);
                    }
                    self.matched.fetch_add(1, Ordering::Relaxed);
                    flow = sink(tuple)?;
                    Ok(flow)
                };
                self.source.events(&scan.store, &mut each).await?;
                Ok(flow)
            }
            Node::Derived { input, relation, relations, filter } => {
                let mut take = |mut row: Tuple| {
                    let mut tuple = vec![nothing.clone(); *relations];
                    if let Some(segment) = row.pop() {
                        tuple[*relation] = segment;
                    }
                    if self.holds(filter, &tuple) { sink(tuple) } else { Ok(Flow::More) }
                };
                self.feed(input, &mut take).await
            }
            _ => Ok(Flow::More),
        }
    }

    fn unnest(&self, unnest: &Unnest, tuple: &Tuple, sink: &mut Sink<'_>) -> Flowed {
        let parts: Vec<(Value, usize)> =
            unnest.parts.iter().map(|(expr, width)| (expr.value(self.row(tuple)), *width)).collect();
        let count = parts.iter().map(|(value, _)| length(value)).max().unwrap_or(0);
        let mut told = false;
        for at in 0..count {
            self.budget.step(1)?;
            let mut row = Vec::new();
            for (value, width) in &parts {
                taken_apart(value, at, *width, &mut row);
            }
            if unnest.ordinality {
                row.push(Value::Int(at as i64 + 1));
            }
            let mut tuple = tuple.clone();
            tuple[unnest.relation] = Arc::new(row);
            if self.holds(&unnest.filter, &tuple) {
                told = true;
                if sink(tuple)? == Flow::Enough {
                    return Ok(Flow::Enough);
                }
            }
        }
        if unnest.outer && !told { sink(tuple.clone()) } else { Ok(Flow::More) }
    }

    /// Rows by what they are sorted by; of those that are not wanted, some more than that are kept at most.
    async fn sorted(
        &self,
        input: &Node,
        order: &[Order],
        wanted: Option<usize>,
    ) -> Result<(Vec<(Vec<Value>, Tuple)>, Held<'_>), Halt> {
        let mut rows: Vec<(Vec<Value>, Tuple)> = Vec::new();
        let mut held = self.budget.hold();
        let size = |(keys, tuple): &(Vec<Value>, Tuple)| {
            weight(tuple) + keys.iter().map(Value::weight).sum::<usize>()
        };
        let mut take = |tuple: Tuple| {
            let keys = order.iter().map(|one| one.expr.value(self.row(&tuple))).collect();
            let row = (keys, tuple);
            held.add(1, size(&row))?;
            rows.push(row);
            if let Some(wanted) = wanted
                && rows.len() >= wanted.saturating_mul(2).max(64)
            {
                sort(&mut rows, order);
                let gone = rows.split_off(wanted.min(rows.len()));
                held.release(gone.len(), gone.iter().map(size).sum());
            }
            Ok(Flow::More)
        };
        self.feed(input, &mut take).await?;
        sort(&mut rows, order);
        if let Some(wanted) = wanted {
            rows.truncate(wanted);
        }
        Ok((rows, held))
    }

    async fn set(
        &self,
        operation: Operation,
        all: bool,
        left: &Node,
        right: &Node,
        sink: &mut Sink<'_>,
    ) -> Flowed {
        let mut held = self.budget.hold();
        let own = |tuple: &Tuple| key(columns(tuple));
        if operation == Operation::Union {
            let mut seen = HashSet::new();
            let mut take = |tuple: Tuple| {
                if !all {
                    let own = own(&tuple);
                    let size = own.len() + 48;
                    if !seen.insert(own) {
                        return Ok(Flow::More);
                    }
                    held.add(1, size)?;
                }
                sink(tuple)
            };
            return match self.feed(left, &mut take).await? {
                Flow::More => self.feed(right, &mut take).await,
                Flow::Enough => Ok(Flow::Enough),
            };
        }
        let mut others: HashMap<Vec<u8>, u64> = HashMap::new();
        let mut gather = |tuple: Tuple| {
            let own = own(&tuple);
            if !others.contains_key(&own) {
                held.add(1, own.len() + 56)?;
            }
            *others.entry(own).or_default() += 1;
            Ok(Flow::More)
        };
        self.feed(right, &mut gather).await?;
        let mut seen = HashSet::new();
        let mut take = |tuple: Tuple| {
            let own = own(&tuple);
            let found = others.get_mut(&own);
            if all {
                // Each row of the right stands for one of the left.
                let was = found.is_some_and(|count| {
                    let was = *count > 0;
                    *count = count.saturating_sub(1);
                    was
                });
                let told = was == (operation == Operation::Intersect);
                return if told { sink(tuple) } else { Ok(Flow::More) };
            }
            let size = own.len() + 48;
            let told = found.is_some() == (operation == Operation::Intersect) && seen.insert(own);
            if told {
                held.add(1, size)?;
                sink(tuple)
            } else {
                Ok(Flow::More)
            }
        };
        self.feed(left, &mut take).await
    }
}

pub(super) fn columns(tuple: &Tuple) -> &[Value] {
    tuple.first().map_or(&[], |segment| segment)
}

fn sort(rows: &mut [(Vec<Value>, Tuple)], order: &[Order]) {
    rows.sort_by(|(one, _), (other, _)| compare(one, other, order));
}

/// NULL is last, whether up or down, unless it is said to be first.
pub(super) fn compare(one: &[Value], other: &[Value], order: &[Order]) -> std::cmp::Ordering {
    for ((one, other), order) in one.iter().zip(other).zip(order) {
        let found = match (one, other) {
            (Value::Null, Value::Null) => std::cmp::Ordering::Equal,
            (Value::Null, _) if order.nulls_first => std::cmp::Ordering::Less,
            (_, Value::Null) if order.nulls_first => std::cmp::Ordering::Greater,
            (Value::Null, _) | (_, Value::Null) => one.order(other),
            _ if order.down => one.order(other).reverse(),
            _ => one.order(other),
        };
        if found.is_ne() {
            return found;
        }
    }
    std::cmp::Ordering::Equal
}

/// A field of an event. Names are the same in any case, as in Trino.
fn read(event: &Json, path: &[String]) -> Value {
    match path {
        [name] if name == "eventJson" => return Value::Text(event.to_string()),
        [name] if name == "eventJsonChecksum" => {
            return Value::Text(hex::encode(Sha256::digest(event.to_string())));
        }
        _ => {}
    }
    let mut at = event;
    for name in path {
        let Some(found) = inside(at, name) else { return Value::Null };
        at = found;
    }
    let value = Value::of_json(at);
    let is_time = path.len() == 1 && path[0] == "eventTime";
    match value.time().filter(|_| is_time) {
        Some(at) => Value::Time(at),
        None => value,
    }
}

fn length(value: &Value) -> usize {
    match value {
        Value::Array(all) => all.len(),
        Value::Map(all) => all.len(),
        Value::Json(Json::Array(all)) => all.len(),
        Value::Json(Json::Object(all)) => all.len(),
        _ => 0,
    }
}

/// The columns of the fields of a resource, in the order of the schema.
const RESOURCE: [&str; 4] = ["accountId", "type", "ARN", "ARNPrefix"];

fn taken_apart(value: &Value, at: usize, width: usize, row: &mut Vec<Value>) {
    let mut own = match value {
        Value::Map(all) => all.get(at).map(|(key, value)| vec![key.clone(), value.clone()]),
        Value::Json(Json::Object(all)) => all.iter().nth(at).map(|(name, _)| {
            let name = Value::Text(name.clone());
            let found = crate::lake::expr::element(value, &name);
            vec![name, found]
        }),
        Value::Json(Json::Array(all)) => all.get(at).map(|json| vec![crate::lake::cast::part(json.clone())]),
        Value::Array(all) => all.get(at).map(|one| match one {
            one @ Value::Json(_) if width == RESOURCE.len() => {
                RESOURCE.iter().map(|name| crate::lake::expr::field(one, name)).collect()
            }
            Value::Array(fields) if width > 1 => fields.clone(),
            one => vec![one.clone()],
        }),
        _ => None,
    }
    .unwrap_or_default();
    own.resize(width, Value::Null);
    row.append(&mut own);
}
