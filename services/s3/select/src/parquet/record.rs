//! Entries of columns to a record.

use super::column::Column;
use super::invalid;
use super::schema::{Field, Node};
use crate::error::Result;
use crate::value::Value;

impl Node {
    /// What the entries that are next say of it; those are taken.
    pub(super) fn read(&self, columns: &mut [Column]) -> Result<Value> {
        match self {
            Node::Leaf(leaf) => {
                let column = columns.get_mut(*leaf).ok_or_else(uneven)?;
                if column.peek().is_none_or(|entry| entry.def != column.leaf.def) {
                    return Err(uneven());
                }
                column.take().ok_or_else(uneven)
            }
            Node::Optional { def, inner } => {
                if self.levels(columns)?.1 > *def {
                    return inner.read(columns);
                }
                self.pass(columns)?;
                Ok(Value::Null)
            }
            Node::Repeated { def, rep, item } => {
                let mut items = Vec::new();
                self.each(columns, (*def, *rep), |columns| {
                    items.push(item.read(columns)?);
                    Ok(())
                })?;
                Ok(Value::List(items))
            }
            Node::Map { def, rep, key, value } => {
                let mut members = Vec::new();
                self.each(columns, (*def, *rep), |columns| {
                    let key = key.read(columns)?.to_text();
                    let value = value.as_ref().map_or(Ok(Value::Null), |value| value.read(columns))?;
                    members.push((key, value));
                    Ok(())
                })?;
                Ok(Value::Struct(members))
            }
            Node::Group(fields) => {
                let mut members = Vec::with_capacity(fields.len());
                for Field { name, node } in fields {
                    members.push((name.clone(), node.read(columns)?));
                }
                Ok(Value::Struct(members))
            }
        }
    }

    /// The items of a list: as long as entries repeat at its level.
    fn each(
        &self,
        columns: &mut [Column],
        (def, rep): (u16, u16),
        mut read: impl FnMut(&mut [Column]) -> Result<()>,
    ) -> Result<()> {
        if self.levels(columns)?.1 <= def {
            return self.pass(columns);
        }
        loop {
            read(columns)?;
            let first = columns.get(self.first()).and_then(Column::peek);
            match first {
                Some(entry) if entry.rep > rep && entry.def > def => {}
                Some(entry) if entry.rep > rep => return Err(uneven()),
                _ => return Ok(()),
            }
        }
    }

    /// Takes an entry of each column, which say that there is nothing.
    fn pass(&self, columns: &mut [Column]) -> Result<()> {
        match self {
            Node::Leaf(leaf) => columns.get_mut(*leaf).and_then(Column::take).map(drop).ok_or_else(uneven),
            Node::Optional { inner, .. } => inner.pass(columns),
            Node::Repeated { item, .. } => item.pass(columns),
            Node::Map { key, value, .. } => {
                key.pass(columns)?;
                value.as_ref().map_or(Ok(()), |value| value.pass(columns))
            }
            Node::Group(fields) => fields.iter().try_for_each(|field| field.node.pass(columns)),
        }
    }

    /// The repetition and definition levels of the next entry of its first column.
    fn levels(&self, columns: &[Column]) -> Result<(u16, u16)> {
        let entry = columns.get(self.first()).and_then(Column::peek).ok_or_else(uneven)?;
        Ok((entry.rep, entry.def))
    }

    fn first(&self) -> usize {
        match self {
            Node::Leaf(leaf) => *leaf,
            Node::Optional { inner, .. } => inner.first(),
            Node::Repeated { item, .. } => item.first(),
            Node::Map { key, .. } => key.first(),
            Node::Group(fields) => fields.first().map_or(usize::MAX, |field| field.node.first()),
        }
    }
}

fn uneven() -> crate::SelectError {
    invalid("the columns of a group do not agree")
}
