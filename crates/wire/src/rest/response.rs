use haneul_shape::{Mut, Ref, Shape};
use http::{HeaderMap, StatusCode};

use super::request::{header_member, headers_member, write_header, write_headers};
use crate::error::WireError;
use crate::missing::Seen;
use crate::model::{Location, Model};

type Result<T> = std::result::Result<T, WireError>;

/// Writes the headers of an answer, and its status where a member carries it.
pub(crate) fn write(
    model: &Model,
    output: &dyn Shape,
    headers: &mut HeaderMap,
) -> Result<Option<StatusCode>> {
    let def = model.structure(output.id());
    let mut status = None;
    for (i, member) in def.members.iter().enumerate() {
        match (member.location, output.get(i)) {
            (Location::Header, value) => write_header(model, def, i, value, headers)?,
            (Location::Headers, value) => write_headers(member.wire_name, value, headers)?,
            (Location::StatusCode, Ref::I32(code)) => {
                status = u16::try_from(code).ok().and_then(|code| StatusCode::from_u16(code).ok());
            }
            _ => {}
        }
    }
    Ok(status)
}

/// Reads the members of an answer that stand outside its body.
pub(crate) fn read(
    model: &Model,
    status: StatusCode,
    headers: &HeaderMap,
    into: &mut dyn Shape,
) -> Result<()> {
    let def = model.structure(into.id());
    let mut seen = Seen::default();
    for (i, member) in def.members.iter().enumerate() {
        match member.location {
            Location::Header => {
                header_member(model, i, member.wire_name, member.shape, headers, into, &mut seen)?;
            }
            Location::Headers => headers_member(member.wire_name, headers, into, i, &mut seen)?,
            Location::StatusCode => {
                if let Mut::I32(place) = into.get_mut(i) {
                    *place = i32::from(status.as_u16());
                }
            }
            _ => {}
        }
    }
    Ok(())
}
