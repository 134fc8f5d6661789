//! What is in a policy: [`check`] refuses what AWS would refuse, [`settings`] knows the trees of settings of the
//! management policies, [`inherit`] merges them into the policy that an account ends up with.

pub(crate) mod inherit;
pub(crate) mod schema;
pub(crate) mod settings;

use haneul_kit::{Policy, Result};
use haneul_policy::{ErrorKind, Rules};

use crate::error;
use crate::kinds::{Form, Kind};

/// AWS tells no more than this.
const REFUSED: &str =
    "The provided policy document does not meet the requirements of the specified policy type.";

/// Whether `content` is a document of the type.
///
/// # Errors
/// `MalformedPolicyDocumentException`, or the constraint on its size.
pub(crate) fn check(kind: &Kind, content: &str) -> Result<()> {
    if content.chars().count() > kind.size_max {
        return Err(error::policy_size(kind.size_max));
    }
    let rules = match kind.form {
        Form::ServiceControl => Rules::SCP,
        Form::ResourceControl => Rules::RCP,
        Form::Settings(key) => {
            return settings::check(kind, key, content).map_err(|_| error::malformed(REFUSED));
        }
    };
    match Policy::parse(content, &rules) {
        Ok(_) => Ok(()),
        Err(refused) => Err(match refused.kind {
            ErrorKind::TooLong { length_max, .. } => error::policy_size(length_max),
            _ => error::malformed(REFUSED),
        }),
    }
}
