use std::collections::HashMap;
use std::sync::Arc;

use super::{Flow, Flowed, Run, Sink, Tuple, weight};
use crate::lake::expr::Segment;
use crate::lake::nodes::{Join, Node};
use crate::lake::value::{Value, key};

impl Run<'_> {
    /// The right is kept by its keys, the left goes by.
    pub(super) async fn join(&self, left: &Node, right: &Node, join: &Join, sink: &mut Sink<'_>) -> Flowed {
        let mut rows: Vec<Tuple> = Vec::new();
        let mut places: HashMap<Vec<u8>, Vec<u32>> = HashMap::new();
        let mut held = self.budget.hold();
        let mut gather = |tuple: Tuple| {
            let keys: Vec<Value> = join.keys.iter().map(|(_, key)| key.value(self.row(&tuple))).collect();
            let matches = !keys.contains(&Value::Null);
            if !matches && !join.keeps_right {
                return Ok(Flow::More);
            }
            let keys = key(&keys);
            held.add(1, weight(&tuple) + keys.len() + 48)?;
            if matches {
                places.entry(keys).or_default().push(rows.len() as u32);
            }
            rows.push(tuple);
            Ok(Flow::More)
        };
        self.feed(right, &mut gather).await?;
        if rows.is_empty() && !join.keeps_left {
            return Ok(Flow::More);
        }
        let mut met = vec![false; rows.len()];
        let (from, to) = join.right;
        let mut probe = |tuple: Tuple| {
            let keys: Vec<Value> = join.keys.iter().map(|(key, _)| key.value(self.row(&tuple))).collect();
            let found = match keys.contains(&Value::Null) {
                true => None,
                false => places.get(&key(&keys)),
            };
            let mut told = false;
            for place in found.into_iter().flatten() {
                self.budget.step(1)?;
                let other = &rows[*place as usize];
                let mut whole = tuple.clone();
                whole[from..to].clone_from_slice(&other[from..to]);
                if !self.holds(&join.condition, &whole) {
                    continue;
                }
                told = true;
                met[*place as usize] = true;
                if sink(whole)? == Flow::Enough {
                    return Ok(Flow::Enough);
                }
            }
            if told || !join.keeps_left { Ok(Flow::More) } else { sink(tuple) }
        };
        if self.feed(left, &mut probe).await? == Flow::Enough {
            return Ok(Flow::Enough);
        }
        if !join.keeps_right {
            return Ok(Flow::More);
        }
        let nothing: Segment = Arc::new(Vec::new());
        let alone = rows.iter().zip(&met).filter(|(_, met)| !**met).map(|(row, _)| {
            let mut whole = vec![nothing.clone(); row.len()];
            whole[from..to].clone_from_slice(&row[from..to]);
            whole
        });
        self.push(alone, sink).await
    }
}
