use super::{Parsed, Parser};
use crate::insights::lookup::Lookup;
use crate::insights::plan::{Command, Plan};

/// Keys and outputs of one command.
const FIELDS_MAX: usize = 50;

impl Parser<'_> {
    /// `lookup TABLE COLUMN as FIELD [, …] OUTPUT COLUMN [, …]`; without `as` the field has the column's name.
    pub(super) fn lookup(&mut self, plan: &mut Plan) -> Parsed<()> {
        let table = self.name()?;
        let mut on = Vec::new();
        loop {
            let column = self.name()?;
            let field = if self.take_word("as") { self.primary()? } else { self.field(&column) };
            on.push((column, field));
            if !self.take(",") {
                break;
            }
        }
        self.keyword("output")?;
        let mut output = vec![self.name()?];
        while self.take(",") {
            output.push(self.name()?);
        }
        if on.len() > FIELDS_MAX || output.len() > FIELDS_MAX {
            return Err(self.fault("lookup names too many fields"));
        }
        for name in &output {
            if !plan.looked_up.contains(name) {
                plan.looked_up.push(name.clone());
            }
        }
        plan.commands.push(Command::Lookup(Box::new(Lookup::new(table, on, output))));
        Ok(())
    }

    fn field(&self, name: &str) -> crate::insights::plan::Expr {
        crate::insights::plan::Expr::Field(name.to_owned())
    }
}
