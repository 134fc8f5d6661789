//! Where a condition is looked at: as far down as it means the same.

use std::collections::BTreeSet;

use crate::lake::expr::{Comparison, Expr};
use crate::lake::nodes::{Join, Node};

/// What must hold all together.
pub(super) fn conjuncts(expr: Expr) -> Vec<Expr> {
    match expr {
        Expr::All(all) => all.into_iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}

pub(super) fn relations_of(expr: &Expr) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    // What is of the row around is of none of ours.
    let mut waiting = vec![expr];
    while let Some(one) = waiting.pop() {
        match one {
            Expr::Outer(_) => {}
            Expr::Column(relation, _) => {
                found.insert(*relation);
            }
            other => waiting.extend(other.parts()),
        }
    }
    found
}

/// Puts a condition of WHERE in; gives it back if it can only be looked at above.
pub(super) fn place(node: &mut Node, condition: Expr) -> Option<Expr> {
    let of = relations_of(&condition);
    if of.is_empty() {
        return Some(condition);
    }
    match node {
        Node::Events { relation, filter, .. } | Node::Derived { relation, filter, .. } => {
            if of.iter().all(|one| one == relation) {
                filter.push(condition);
                return None;
            }
            Some(condition)
        }
        Node::Unnest { input, unnest } => {
            if !of.contains(&unnest.relation) {
                return place(input, condition);
            }
            if unnest.outer {
                return Some(condition);
            }
            unnest.filter.push(condition);
            None
        }
        Node::Join { left, right, join } => {
            let on_right = |one: &usize| (join.right.0..join.right.1).contains(one);
            let unplaced = match (of.iter().any(on_right), of.iter().all(on_right)) {
                (false, _) if !join.keeps_right => place(left, condition),
                (true, true) if !join.keeps_left => place(right, condition),
                _ => Some(condition),
            };
            match unplaced {
                Some(condition) if !join.keeps_left && !join.keeps_right => {
                    connect(join, condition);
                    None
                }
                unplaced => unplaced,
            }
        }
        _ => Some(condition),
    }
}

/// Puts a condition of ON in.
pub(super) fn place_on(left: &mut Node, right: &mut Node, join: &mut Join, condition: Expr) {
    let of = relations_of(&condition);
    let on_right = |one: &usize| (join.right.0..join.right.1).contains(one);
    let unplaced = if of.is_empty() {
        Some(condition)
    } else if of.iter().all(on_right) && !join.keeps_right {
        place(right, condition)
    } else if !of.iter().any(on_right) && !join.keeps_left {
        place(left, condition)
    } else {
        Some(condition)
    };
    if let Some(condition) = unplaced {
        connect(join, condition);
    }
}

/// A condition of both sides: a key if it is an equality of one with the other.
fn connect(join: &mut Join, condition: Expr) {
    let (from, to) = join.right;
    let side = |expr: &Expr| {
        let of = relations_of(expr);
        let right = of.iter().filter(|one| (from..to).contains(*one)).count();
        match (right, of.len()) {
            (_, 0) => None,
            (0, _) => Some(false),
            (right, all) if right == all => Some(true),
            _ => None,
        }
    };
    let Expr::Compare(Comparison::Equal, one, other) = condition else {
        join.condition.push(condition);
        return;
    };
    match (side(&one), side(&other)) {
        (Some(false), Some(true)) => join.keys.push((*one, *other)),
        (Some(true), Some(false)) => join.keys.push((*other, *one)),
        _ => join.condition.push(Expr::Compare(Comparison::Equal, one, other)),
    }
}
