//! Log transformers: processors that make structured events of messages, one after the other.
//!
//! Source: CloudWatch Logs User Guide, "Processors that you can use"; [`path`] finds fields, [`parsers`] read texts, [`grok`] has the
//! patterns, [`dates`] the formats of times.

mod dates;
mod grok;
mod parsers;
mod path;
mod processors;

use haneul_kit::Result;
use haneul_logs_wire::shapes as s;
use serde_json::{Map, Value};

use processors::Step;

/// A transformer ready for work.
pub(crate) struct Transformer(Vec<Step>);

/// Source: the guide.
const PROCESSORS_MAX: usize = 20;

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

    /// The transformed event; `None` when its first parser does not understand the message.
    pub(crate) fn apply(&self, message: &str) -> Option<String> {
        let mut root = Map::new();
        root.insert("@message".to_owned(), message.into());
        let mut event = Value::Object(root);
        for (at, step) in self.0.iter().enumerate() {
            let understood = step.apply(&mut event);
            if at == 0 && !understood {
                return None;
            }
        }
        if let Value::Object(root) = &mut event {
            root.remove("@message");
        }
        Some(event.to_string())
    }
}

#[cfg(test)]
mod tests;
