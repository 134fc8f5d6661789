//! Conditions in parentheses, which lie on a stack of their own: what a client nests must not use up the thread's.

use super::{Parser, RawCondition, Result};

/// What stands in a parenthesis, or outside of all, as far as it was read.
#[derive(Default)]
struct Group<'a> {
    /// Each of them joined by AND, and all by OR.
    ors: Vec<RawCondition<'a>>,
    ands: Vec<RawCondition<'a>>,
    /// How often NOT stands before what comes next.
    nots: usize,
    /// How many parentheses it is in that have nothing between them.
    opened: usize,
    /// The parser's state before them.
    before: (usize, usize, bool),
}

impl<'a> Group<'a> {
    fn push(&mut self, condition: RawCondition<'a>) {
        let nots = std::mem::take(&mut self.nots);
        self.ands.push((0..nots).fold(condition, |inner, _| RawCondition::Not(Box::new(inner))));
    }

    fn end_and(&mut self) {
        self.ors.push(joined(std::mem::take(&mut self.ands), RawCondition::And));
    }

    fn end_or(&mut self) -> RawCondition<'a> {
        joined(std::mem::take(&mut self.ors), RawCondition::Or)
    }
}

fn joined<'a>(
    mut all: Vec<RawCondition<'a>>,
    by: impl FnOnce(Vec<RawCondition<'a>>) -> RawCondition<'a>,
) -> RawCondition<'a> {
    match (all.len(), all.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            all.extend(last);
            by(all)
        }
    }
}

impl<'a> Parser<'a> {
    pub(super) fn condition(&mut self) -> Result<RawCondition<'a>> {
        let mut outer = Vec::new();
        let mut group = Group::default();
        let mut read = self.descend(&mut outer, &mut group);
        loop {
            let joined = read.and_then(|condition| self.join(&mut outer, &mut group, condition));
            read = match joined {
                Ok(Joined::Whole(condition)) => return Ok(condition),
                Ok(Joined::Group(condition)) => Ok(condition),
                Ok(Joined::Open) => self.descend(&mut outer, &mut group),
                Err(why) if self.exhausted || outer.is_empty() => return Err(why),
                Err(why) => self.reread(&mut outer, &mut group, Some(why)),
            };
        }
    }

    /// The next predicate, with NOT and whatever parentheses stand before it.
    fn descend(&mut self, outer: &mut Vec<Group<'a>>, group: &mut Group<'a>) -> Result<RawCondition<'a>> {
        loop {
            while self.take_word("NOT") {
                self.count()?;
                group.nots += 1;
            }
            if !self.is("(") {
                return self.predicate();
            }
            let before = (self.at, self.operators, self.redundant);
            let inner = Group { before, opened: self.open(), ..Group::default() };
            outer.push(std::mem::replace(group, inner));
        }
    }

    /// Puts a condition that was read to the others of its group, which may end with it.
    fn join(
        &mut self,
        outer: &mut Vec<Group<'a>>,
        group: &mut Group<'a>,
        condition: RawCondition<'a>,
    ) -> Result<Joined<'a>> {
        group.push(condition);
        if self.take_word("AND") {
            return self.count().map(|()| Joined::Open);
        }
        group.end_and();
        if self.take_word("OR") {
            return self.count().map(|()| Joined::Open);
        }
        if outer.is_empty() {
            return Ok(Joined::Whole(group.end_or()));
        }
        self.close(group.opened)?;
        if self.continues_operand() {
            return self.reread(outer, group, None).map(Joined::Group);
        }
        let whole = group.end_or();
        leave(outer, group);
        Ok(Joined::Group(whole))
    }

    /// Reads the group again, as parentheses around an operand. Whichever reading goes further says what is wrong.
    fn reread(
        &mut self,
        outer: &mut Vec<Group<'a>>,
        group: &mut Group<'a>,
        why: Option<String>,
    ) -> Result<RawCondition<'a>> {
        let failed_at = self.at;
        (self.at, self.operators, self.redundant) = group.before;
        leave(outer, group);
        self.predicate().map_err(|error| match why {
            Some(why) if self.at <= failed_at && !self.exhausted => {
                self.at = failed_at;
                why
            }
            _ => error,
        })
    }
}

/// What a condition came to that was put to its group.
enum Joined<'a> {
    /// Another one follows.
    Open,
    /// The group ended, and is a condition of the one around it.
    Group(RawCondition<'a>),
    /// Nothing is around it.
    Whole(RawCondition<'a>),
}

fn leave<'a>(outer: &mut Vec<Group<'a>>, group: &mut Group<'a>) {
    *group = outer.pop().unwrap_or_default();
}
