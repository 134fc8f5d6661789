//! The expression languages: conditions and filters, projections, updates, key conditions, and the parameters that came
//! before them.
//!
//! Text becomes tokens (`token`), tokens a raw tree (`raw`, where every syntax error comes from), and the raw tree with
//! names and values put in ([`names`]) one of [`condition`], [`projection`], [`update`]. [`key_condition`] reads a
//! condition as a range of keys. [`legacy`] makes the same things of `Expected`, `AttributeUpdates`, `KeyConditions` and
//! the like, so that there is one evaluator.
//!
//! What must never happen here: recursion without a limit; a placeholder that is looked up while items are read.

pub(crate) mod condition;
mod evaluate;
pub(crate) mod key_condition;
pub(crate) mod legacy;
pub(crate) mod names;
pub(crate) mod path;
pub(crate) mod projection;
mod raw;
mod reserved;
#[cfg(test)]
mod tests;
mod token;
pub(crate) mod update;

pub(crate) use condition::Condition;
pub(crate) use names::{Placeholders, check_takers};
pub(crate) use path::Path;
pub(crate) use projection::Projection;
pub(crate) use update::Update;

use haneul_kit::ApiError;
use haneul_shape::value::Map;

/// `Invalid ConditionExpression: …`
fn invalid(kind: &str, why: String) -> ApiError {
    crate::error::validation(format!("Invalid {kind}: {why}"))
}

/// The top-level attributes that an expression names, whatever else may be wrong with it: for the authorisation that comes
/// before anything is refused.
pub(crate) fn attribute_names(text: &str, names: Option<&Map<String>>, out: &mut Vec<String>) {
    let tokens = token::tokens(text);
    let text_of = |at: usize| tokens.get(at).map_or("", |token| &text[token.start..token.end]);
    for (at, token) in tokens.iter().enumerate() {
        let word = text_of(at);
        let nested = at > 0 && text_of(at - 1) == ".";
        match token.kind {
            _ if nested => {}
            token::Kind::Name => out.extend(names.and_then(|names| names.get(word)).cloned()),
            token::Kind::Word if text_of(at + 1) != "(" && !reserved::is_reserved(word) => {
                out.push(word.to_owned());
            }
            _ => {}
        }
    }
}
