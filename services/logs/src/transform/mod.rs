//! Log transformers: processors that make structured events of messages, one after the other.
//!
//! Source: CloudWatch Logs User Guide, "Processors that you can use"; [`path`] finds fields, [`parsers`] read texts, [`vended`] the logs of AWS's services, [`grok`] has the
//! patterns, [`dates`] the formats of times, [`budget`] says how large an event may become, and at what cost.

mod budget;
pub(crate) mod dates;
mod grok;
mod parsers;
mod path;
mod processors;
mod vended;

use haneul_kit::Result;
use haneul_logs_wire::shapes as s;
use serde_json::{Map, Value};

pub(crate) use budget::Work;

use budget::Budget;
use processors::Step;

/// A transformer ready for work.
pub(crate) struct Transformer(Vec<Step>);

/// Source: the guide, "Create and manage log transformers".
const PROCESSORS_MAX: usize = 20;
const PARSERS_MAX: usize = 5;

impl Transformer {
    /// # Errors
    /// AWS's InvalidParameterException for what cannot work.
    pub(crate) fn new(processors: &[s::Processor]) -> Result<Transformer> {
        if processors.is_empty() || processors.len() > PROCESSORS_MAX {
            return Err(crate::error::invalid("A transformer has between 1 and 20 processors."));
        }
        let steps: Vec<Step> = processors.iter().map(Step::new).collect::<Result<_>>()?;
        if !steps[0].is_parser() {
            return Err(crate::error::invalid("The first processor of a transformer must be a parser."));
        }
        Ok(Transformer(steps))
    }

    /// Refuses what can be made and AWS does not take; what was put before stays good.
    ///
    /// # Errors
    /// AWS's InvalidParameterException.
    pub(crate) fn check(processors: &[s::Processor]) -> Result<()> {
        type Is = fn(&s::Processor) -> bool;
        let only_one: [(&str, Is); 3] = [
            ("grok", |one| one.grok.is_some()),
            ("addKeys", |one| one.add_keys.is_some()),
            ("copyValue", |one| one.copy_value.is_some()),
        ];
        for (name, is) in only_one {
            if processors.iter().filter(|one| is(one)).count() > 1 {
                return Err(crate::error::invalid(format!(
                    "Invalid transformer configuration: only one {name} processor is allowed"
                )));
            }
        }
        let transformer = Transformer::new(processors)?;
        // It reads the whole message, so one behind another parser would find nothing left to do.
        if transformer.0.iter().skip(1).any(Step::is_vended) {
            return Err(crate::error::invalid(
                "Invalid transformer configuration: a parser of AWS vended logs must be the first processor, and the only one",
            ));
        }
        if transformer.0.iter().filter(|step| step.is_parser()).count() > PARSERS_MAX {
            return Err(crate::error::invalid(format!(
                "Invalid transformer configuration: no more than {PARSERS_MAX} parsers are allowed"
            )));
        }
        Ok(())
    }

    /// The transformed event; `None` when its first parser does not understand the message, it would be longer than an event
    /// may be, or there is no work left for it.
    pub(crate) fn apply(&self, message: &str, work: &mut Work) -> Option<String> {
        let mut budget = Budget::new(work);
        if !budget.look(message.len()) {
            return None;
        }
        let mut root = Map::new();
        root.insert("@message".to_owned(), message.into());
        let mut event = Value::Object(root);
        for (at, step) in self.0.iter().enumerate() {
            let understood = step.apply(&mut event, &mut budget);
            if at == 0 && !understood || budget.is_spent() {
                return None;
            }
        }
        if let Value::Object(root) = &mut event {
            root.remove("@message");
        }
        budget.made(budget::json(&event))
    }
}

#[cfg(test)]
mod tests;
