use futures_util::FutureExt;
use haneul_shape::{ByteStream, ListShape, Mut, Ref, Shape};
use haneul_wire::{Model, Protocol};

/// The path of the first difference, with both values; `None` when there is none.
///
/// The query protocols and XML have no form for a structure or list with nothing in it inside of lists, so there nothing
/// and nothing-within are the same.
pub fn difference(model: &Model, protocol: Protocol, sent: &dyn Shape, got: &dyn Shape) -> Option<String> {
    let lax = !matches!(protocol, Protocol::AwsJson | Protocol::RpcV2Cbor | Protocol::RestJson);
    structure(model, lax, sent, got)
}

fn structure(model: &Model, lax: bool, sent: &dyn Shape, got: &dyn Shape) -> Option<String> {
    let def = model.structure(sent.id());
    if !lax && sent.variant() != got.variant() {
        return Some(format!(": variant {:?} became {:?}", sent.variant(), got.variant()));
    }
    def.members.iter().enumerate().find_map(|(i, member)| {
        value(model, lax, sent.get(i), got.get(i)).map(|found| format!(".{}{found}", member.name))
    })
}

fn value(model: &Model, lax: bool, sent: Ref<'_>, got: Ref<'_>) -> Option<String> {
    if lax && is_void(model, &sent) && is_void(model, &got) {
        return None;
    }
    let same = match (&sent, &got) {
        (Ref::Null, Ref::Null) | (Ref::Events(_), _) | (_, Ref::Events(_)) => true,
        (Ref::Bool(a), Ref::Bool(b)) => a == b,
        (Ref::I32(a), Ref::I32(b)) => a == b,
        (Ref::I64(a), Ref::I64(b)) => a == b,
        (Ref::F32(a), Ref::F32(b)) => a == b,
        (Ref::F64(a), Ref::F64(b)) => a == b,
        (Ref::Str(a), Ref::Str(b)) => a == b,
        (Ref::Blob(a), Ref::Blob(b)) => a == b,
        (Ref::Timestamp(a), Ref::Timestamp(b)) => a == b,
        (Ref::Document(a), Ref::Document(b)) => a == b,
        (Ref::Stream(a), Ref::Stream(b)) => a.length() == b.length(),
        (Ref::Struct(a), Ref::Struct(b)) => return structure(model, lax, *a, *b),
        (Ref::List(a), Ref::List(b)) => {
            let kept = |list: &dyn ListShape| {
                (0..list.len()).filter(|i| !lax || !is_void(model, &list.get(*i))).collect::<Vec<_>>()
            };
            let (sent, got) = (kept(*a), kept(*b));
            if sent.len() != got.len() {
                return Some(format!(": a list of {} became one of {}", sent.len(), got.len()));
            }
            return sent.into_iter().zip(got).find_map(|(i, k)| {
                value(model, lax, a.get(i), b.get(k)).map(|found| format!("[{i}]{found}"))
            });
        }
        // Headers and query strings come in an order of their own.
        (Ref::Map(a), Ref::Map(b)) if a.len() == b.len() => {
            return (0..a.len()).find_map(|i| {
                let (key, sent) = a.get(i);
                let found = (0..b.len()).map(|k| b.get(k)).find(|(other, _)| *other == key);
                match found {
                    None => Some(format!("[{key:?}] is lost")),
                    Some((_, got)) => value(model, lax, sent, got).map(|found| format!("[{key:?}]{found}")),
                }
            });
        }
        _ => false,
    };
    (!same).then(|| format!(": {} became {}", show(&sent), show(&got)))
}

fn is_void(model: &Model, value: &Ref<'_>) -> bool {
    match value {
        Ref::Null => true,
        Ref::List(list) => (0..list.len()).all(|i| is_void(model, &list.get(i))),
        Ref::Map(map) => map.is_empty(),
        Ref::Struct(value) => {
            let members = model.structure(value.id()).members.len();
            (0..members).all(|i| is_void(model, &value.get(i)))
        }
        _ => false,
    }
}

fn show(value: &Ref<'_>) -> String {
    match value {
        Ref::Null => "nothing".into(),
        Ref::Bool(value) => value.to_string(),
        Ref::I32(value) => value.to_string(),
        Ref::I64(value) => value.to_string(),
        Ref::F32(value) => value.to_string(),
        Ref::F64(value) => value.to_string(),
        Ref::Str(value) => format!("{value:?}"),
        Ref::Blob(value) => format!("{value:?}"),
        Ref::Timestamp(value) => value.to_string(),
        Ref::Document(value) => format!("{value:?}"),
        Ref::Struct(_) => "a structure".into(),
        Ref::List(list) => format!("a list of {}", list.len()),
        Ref::Map(map) => format!("a map of {}", map.len()),
        Ref::Stream(_) | Ref::Events(_) => "a stream".into(),
    }
}

/// Takes the streamed member's bytes, which are all there: nothing here waits for a network.
pub fn stream_bytes(shape: &mut dyn Shape, member: u16) -> Option<Vec<u8>> {
    let Mut::Stream(place) = shape.get_mut(usize::from(member)) else { return None };
    let stream: ByteStream = std::mem::take(place);
    stream.collect(1 << 20).now_or_never()?.ok()
}
