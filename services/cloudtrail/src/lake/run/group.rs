use std::collections::HashMap;

use super::aggregate::{Aggregate, State};
use super::{Flow, Flowed, Run, Sink, Tuple, one};
use crate::lake::expr::Expr;
use crate::lake::nodes::Node;
use crate::lake::value::{Value, key};

struct Group {
    keys: Vec<Value>,
    states: Vec<State>,
}

impl Run<'_> {
    pub(super) async fn group(
        &self,
        input: &Node,
        keys: &[Expr],
        sets: &[Vec<usize>],
        aggregates: &[Aggregate],
        sink: &mut Sink<'_>,
    ) -> Flowed {
        let mut groups: Vec<Group> = Vec::new();
        let mut places: HashMap<(usize, Vec<u8>), usize> = HashMap::new();
        let mut held = self.budget.hold();
        let states = || aggregates.iter().map(|_| State::default()).collect::<Vec<_>>();
        for (number, set) in sets.iter().enumerate() {
            if set.is_empty() {
                // All rows are one group, even if there are none.
                places.insert((number, Vec::new()), groups.len());
                groups.push(Group { keys: vec![Value::Null; keys.len()], states: states() });
            }
        }
        let mut take = |tuple: Tuple| {
            let row = self.row(&tuple);
            let values = self.values(keys, &tuple);
            for (number, set) in sets.iter().enumerate() {
                let own = (number, key(set.iter().map(|at| &values[*at])));
                let place = match places.get(&own) {
                    Some(place) => *place,
                    None => {
                        let mut of_set = vec![Value::Null; keys.len()];
                        set.iter().for_each(|at| of_set[*at] = values[*at].clone());
                        let size = of_set.iter().map(Value::weight).sum::<usize>();
                        held.add(1, own.1.len() + size + aggregates.len() * size_of::<State>() + 64)?;
                        places.insert(own, groups.len());
                        groups.push(Group { keys: of_set, states: states() });
                        groups.len() - 1
                    }
                };
                for (state, aggregate) in groups[place].states.iter_mut().zip(aggregates) {
                    let (kept, bytes) = state.take(aggregate, row);
                    if (kept, bytes) != (0, 0) {
                        held.add(kept, bytes)?;
                    }
                }
            }
            Ok(Flow::More)
        };
        self.feed(input, &mut take).await?;
        let rows = groups.into_iter().map(|group| {
            let results =
                group.states.iter().zip(aggregates).map(|(state, aggregate)| state.result(aggregate));
            one(group.keys.into_iter().chain(results.collect::<Vec<_>>()).collect())
        });
        self.push(rows, sink).await
    }
}
