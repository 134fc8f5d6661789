//! What the body of an ACL must look like before it is read.

use haneul_kit::Result;
use quick_xml::events::Event;

use super::malformed;

/// Whether a body is the document of an ACL at all: what is not is refused in words of its own.
pub(crate) fn check_form(body: &[u8]) -> Result<()> {
    let mut reader = quick_xml::Reader::from_reader(body);
    let (mut depth, mut has_owner, mut has_list) = (0_usize, false, false);
    let mut seen = |depth: usize, name: &[u8]| match (depth, name) {
        (0, b"AccessControlPolicy") => Ok(()),
        (0, _) => Err(malformed()),
        (1, name) => {
            has_owner |= name == b"Owner";
            has_list |= name == b"AccessControlList";
            Ok(())
        }
        _ => Ok(()),
    };
    loop {
        match reader.read_event().map_err(|_| malformed())? {
            Event::Start(tag) => {
                seen(depth, tag.local_name().as_ref())?;
                depth += 1;
            }
            Event::Empty(tag) => seen(depth, tag.local_name().as_ref())?,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof => break,
            _ => {}
        }
    }
    if depth == 0 && has_owner && has_list { Ok(()) } else { Err(malformed()) }
}
