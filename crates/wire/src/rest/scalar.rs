use haneul_shape::{Mut, Ref, ShapeId};

use crate::form;
use crate::model::{Kind, Member, Model};
use crate::protocol::TimestampFormat;
use crate::text;

/// A scalar of a header, label or parameter as text. `default` is the format of its timestamps.
pub(crate) fn write(
    model: &Model,
    member: Option<&Member>,
    shape: ShapeId,
    value: Ref<'_>,
    default: TimestampFormat,
) -> Option<String> {
    match (&model.shape(shape).kind, value) {
        (Kind::Timestamp(of_shape), Ref::Timestamp(at)) => {
            let format = member.and_then(|m| m.timestamp).or(*of_shape).unwrap_or(default);
            Some(text::timestamp(at, format))
        }
        (_, value) => form::write::scalar(value, default),
    }
}

/// Fills a scalar from text; `None` when the text is not of its type.
pub(crate) fn read(text: &str, into: Mut<'_>) -> Option<()> {
    form::read::scalar(text, into)
}
