//! A digest of a request, by which the repetition of one is told from another one under its token.

use haneul_shape::Shape;
use haneul_shape::value::{Ref, Value};
use sha2::{Digest, Sha256};

/// Of members, values and their order; the shapes have been through validation, so their depth is limited.
pub(crate) fn of(shapes: &[impl Value]) -> String {
    let mut hasher = Sha256::new();
    for shape in shapes {
        add(&mut hasher, shape.get());
        hasher.update([0xFE]);
    }
    hex::encode(hasher.finalize())
}

fn add(hasher: &mut Sha256, value: Ref<'_>) {
    let mut text = |kind: u8, bytes: &[u8]| {
        hasher.update([kind]);
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    match value {
        Ref::Null => hasher.update([0]),
        Ref::Bool(value) => hasher.update([1, u8::from(value)]),
        Ref::I32(value) => text(2, &value.to_le_bytes()),
        Ref::I64(value) => text(3, &value.to_le_bytes()),
        Ref::F32(value) => text(4, &value.to_le_bytes()),
        Ref::F64(value) => text(5, &value.to_le_bytes()),
        Ref::Str(value) => text(6, value.as_bytes()),
        Ref::Blob(value) => text(7, value),
        Ref::Timestamp(value) => text(8, &value.millis().to_le_bytes()),
        Ref::Struct(value) => structure(hasher, value),
        Ref::List(list) => {
            hasher.update([9]);
            (0..list.len()).for_each(|i| add(hasher, list.get(i)));
            hasher.update([0xFF]);
        }
        Ref::Map(map) => {
            hasher.update([10]);
            // Maps have no order.
            let mut entries: Vec<_> = (0..map.len()).map(|i| map.get(i)).collect();
            entries.sort_by(|a, b| a.0.cmp(b.0));
            for (key, value) in entries {
                add(hasher, Ref::Str(key));
                add(hasher, value);
            }
            hasher.update([0xFF]);
        }
        Ref::Document(_) | Ref::Stream(_) | Ref::Events(_) => {}
    }
}

/// No structure of DynamoDB has as many members.
const MEMBERS_MAX: usize = 32;

fn structure(hasher: &mut Sha256, value: &dyn Shape) {
    hasher.update([11]);
    for member in 0..MEMBERS_MAX {
        let value = value.get(member);
        if !matches!(value, Ref::Null) {
            hasher.update([member as u8]);
            add(hasher, value);
        }
    }
    hasher.update([0xFF]);
}
