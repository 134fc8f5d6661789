//! What a query does, as a tree: rows come up from the leaves.

use super::expr::Expr;
use super::run::aggregate::Aggregate;
use super::run::window::Window;

/// A row is a list of segments. Between FROM and what groups or selects there is one for each relation of the FROM, by its
/// number; behind that there is one.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// One row, for a SELECT without FROM.
    One,
    /// The events of a scan, as a relation among so many.
    Events {
        scan: usize,
        relation: usize,
        relations: usize,
        filter: Vec<Expr>,
    },
    /// The rows of a query, as a relation among so many.
    Derived {
        input: Box<Node>,
        relation: usize,
        relations: usize,
        filter: Vec<Expr>,
    },
    Values {
        rows: Vec<Vec<Expr>>,
    },
    Unnest {
        input: Box<Node>,
        unnest: Unnest,
    },
    Join {
        left: Box<Node>,
        right: Box<Node>,
        join: Join,
    },
    Filter {
        input: Box<Node>,
        all: Vec<Expr>,
    },
    /// The keys, then the aggregates, for each set of keys.
    Group {
        input: Box<Node>,
        keys: Vec<Expr>,
        sets: Vec<Vec<usize>>,
        aggregates: Vec<Aggregate>,
    },
    /// One more segment, with a value for each.
    Windows {
        input: Box<Node>,
        windows: Vec<Window>,
    },
    Project {
        input: Box<Node>,
        columns: Vec<Expr>,
    },
    /// Rows whose first columns no earlier one has.
    Distinct {
        input: Box<Node>,
        width: usize,
    },
    /// Sorted, and cut to the first columns; only so many are wanted.
    Sort {
        input: Box<Node>,
        order: Vec<Order>,
        wanted: Option<usize>,
        width: usize,
    },
    Limit {
        input: Box<Node>,
        offset: usize,
        limit: Option<usize>,
    },
    Set {
        operation: Operation,
        all: bool,
        left: Box<Node>,
        right: Box<Node>,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Unnest {
    pub(crate) relation: usize,
    /// What is taken apart, and to how many columns.
    pub(crate) parts: Vec<(Expr, usize)>,
    /// Whether the last column counts.
    pub(crate) ordinality: bool,
    /// Whether a row without elements stays.
    pub(crate) outer: bool,
    pub(crate) filter: Vec<Expr>,
}

#[derive(Clone, Debug)]
pub(crate) struct Join {
    pub(crate) keeps_left: bool,
    pub(crate) keeps_right: bool,
    /// What must be equal, on the left and on the right.
    pub(crate) keys: Vec<(Expr, Expr)>,
    pub(crate) condition: Vec<Expr>,
    /// The right has the relations from the first to before the second.
    pub(crate) right: (usize, usize),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Order {
    pub(crate) expr: Expr,
    pub(crate) down: bool,
    pub(crate) nulls_first: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Union,
    Intersect,
    Except,
}

/// A subquery: its rows by their keys, each with its value.
#[derive(Clone, Debug)]
pub(crate) struct Gather {
    pub(crate) node: Node,
    pub(crate) keys: Vec<Expr>,
    /// Of EXISTS, none.
    pub(crate) value: Option<Expr>,
    /// Whether whole rows are kept, for what is asked of them besides.
    pub(crate) rows: bool,
    /// Whether a second row of a key is an error.
    pub(crate) single: bool,
}

/// The fields that are read of the events of a store: paths, each a column.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    /// The id of the event data store.
    pub(crate) store: String,
    pub(crate) columns: Vec<Vec<String>>,
}

/// A query, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) scans: Vec<Scan>,
    /// In the order in which they are answered.
    pub(crate) subqueries: Vec<Gather>,
    pub(crate) node: Node,
    pub(crate) columns: Vec<String>,
}

impl Plan {
    /// The ids of the stores that it reads, each once.
    pub(crate) fn stores(&self) -> Vec<String> {
        let mut stores: Vec<String> = Vec::new();
        for scan in &self.scans {
            if !stores.contains(&scan.store) {
                stores.push(scan.store.clone());
            }
        }
        stores
    }
}
