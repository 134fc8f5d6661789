use crate::Result;
use crate::cli::StateCommand;

pub(crate) fn run(_: &StateCommand) -> Result<()> {
    Err("not yet".into())
}
