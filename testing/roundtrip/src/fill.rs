use bytes::Bytes;
use haneul_base::Instant;
use haneul_shape::{ByteStream, Document, Mut, Shape, ShapeId};
use haneul_wire::model::{Kind, Location, Member};
use haneul_wire::{Model, TimestampFormat};

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
pub struct Random(pub u64);

impl Random {
    #[allow(clippy::should_implement_trait)] // endless, and no iterator
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len() as u64) as usize]
    }
}

/// Structures within one another; deeper ones keep only what is required.
const DEPTH: usize = 5;

/// Fills a structure with random values that its protocol can carry.
pub fn structure(model: &Model, random: &mut Random, into: &mut dyn Shape, depth: usize) {
    let def = model.structure(into.id());
    if def.union {
        if !def.members.is_empty() && depth < DEPTH + 3 {
            let i = random.below(def.members.len() as u64) as usize;
            let member = &def.members[i];
            value(model, random, Some(member), member.shape, into.get_mut(i), depth + 1);
        }
        return;
    }
    for (i, member) in def.members.iter().enumerate() {
        // A required member of a recursive structure is optional in Rust, else it would have no end.
        let wanted = if depth >= DEPTH { 0 } else { 60 };
        // The answer has a status, and may have a type, whether or not a member says so.
        let always = member.location == Location::StatusCode || member.wire_name == "Content-Type";
        let payload = def.payload == Some(i as u16);
        if always || payload || member.required && depth < 2 * DEPTH || random.below(100) < wanted {
            value(model, random, Some(member), member.shape, into.get_mut(i), depth);
        }
        // An empty body is no body.
        if payload && let Mut::Str(text) = into.get_mut(i) {
            text.push('.');
        }
    }
}

fn value(
    model: &Model,
    random: &mut Random,
    member: Option<&Member>,
    shape: ShapeId,
    into: Mut<'_>,
    depth: usize,
) {
    let location = member.map_or(Location::Body, |member| member.location);
    match into {
        Mut::Bool(into) => *into = random.below(2) == 0,
        Mut::I32(into) if location == Location::StatusCode => *into = 202,
        Mut::I32(into) => *into = random.pick(&[0, 1, -1, i32::MAX, i32::MIN, 1000]),
        Mut::I64(into) => *into = random.pick(&[0, 1, -1, i64::MAX, i64::MIN, 1 << 53]),
        Mut::F32(into) => *into = random.pick(&[0.0, 1.5, -0.1, f32::MAX, f32::MIN_POSITIVE]),
        Mut::F64(into) => {
            *into = random.pick(&[0.0, 1.5, -0.1, 1e300, 5e-324, f64::INFINITY, f64::NEG_INFINITY])
        }
        Mut::Str(into) => *into = text(random, location),
        Mut::Blob(into) => *into = blob(random),
        Mut::Timestamp(into) => *into = timestamp(model, random, member, shape),
        Mut::Document(into) => *into = document(random, 3),
        Mut::Struct(into) => structure(model, random, into, depth + 1),
        Mut::List(into) => {
            let Kind::List(def) = &model.shape(shape).kind else { panic!("the model has no list here") };
            for _ in 0..length(random, depth) {
                let element = into.push();
                // An element of a header or query string is a scalar of that place.
                let place = member.filter(|_| location != Location::Body);
                value(model, random, place, def.member, element, depth + 1);
            }
        }
        Mut::Map(into) => {
            let Kind::Map(def) = &model.shape(shape).kind else { panic!("the model has no map here") };
            for i in 0..length(random, depth) {
                let key = match location {
                    Location::Body => format!("k{i}{}", text(random, location)),
                    _ => format!("k{i}-{}", random.below(100)),
                };
                let place = member.filter(|_| location != Location::Body);
                value(model, random, place, def.value, into.insert(key), depth + 1);
            }
        }
        Mut::Stream(into) => *into = ByteStream::from_bytes(blob(random)),
        Mut::Events(_) => {}
    }
}

/// Never empty: some protocols cannot tell an empty list from none.
fn length(random: &mut Random, depth: usize) -> u64 {
    if depth >= DEPTH + 2 { 0 } else { 1 + random.below(3) }
}

fn text(random: &mut Random, location: Location) -> String {
    let alphabet: &[&str] = match location {
        Location::Body => &[
            "a", "Z", "0", " ", "\n", "\r", "\t", "<", ">", "&", "\"", "'", "é", "하", "😀", "]]>", "%", "+",
            "\\", "/",
        ],
        Location::Uri => &["a", "Z", "0", " ", "/", "%", "+", "é", "하", "😀", "?", "#", ".", "&"],
        Location::Query => &["a", "Z", " ", "%", "+", "&", "=", "하", "\n"],
        _ => &["a", "Z", "0", "-", ",", "\"", "\\", ";"],
    };
    let mut out = String::new();
    // Neither a label nor a header can be empty.
    let least = u64::from(location != Location::Body);
    for _ in 0..least + random.below(6) {
        out.push_str(random.pick(alphabet));
    }
    out
}

fn blob(random: &mut Random) -> Bytes {
    (0..1 + random.below(20)).map(|_| random.next() as u8).collect()
}

fn timestamp(model: &Model, random: &mut Random, member: Option<&Member>, shape: ShapeId) -> Instant {
    let seconds = random.pick(&[0, 1_500_000_000, 253_402_300_799, 1_795_487_748]);
    let of_shape = match &model.shape(shape).kind {
        Kind::Timestamp(format) => *format,
        _ => None,
    };
    let format = member.and_then(|member| member.timestamp).or(of_shape);
    let whole = format == Some(TimestampFormat::HttpDate)
        || member.is_some_and(|member| matches!(member.location, Location::Header | Location::Headers));
    Instant::from_millis(seconds * 1000 + if whole { 0 } else { random.below(1000) as i64 })
}

fn document(random: &mut Random, depth: usize) -> Document {
    match random.below(if depth == 0 { 4 } else { 6 }) {
        0 => Document::Null,
        1 => Document::Bool(true),
        2 => Document::Integer(random.next() as i64),
        3 => Document::String(text(random, Location::Body)),
        4 => Document::List((0..random.below(3)).map(|_| document(random, depth - 1)).collect()),
        _ => Document::Map(
            (0..random.below(3)).map(|i| (format!("k{i}"), document(random, depth - 1))).collect(),
        ),
    }
}
