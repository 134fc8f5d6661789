//! Blobs of ours whose files something changed: what is read is what was written, or an error.
//!
//! `[what, where, where, where, bytes…]`

#![no_main]

use std::cell::RefCell;
use std::path::Path;

use haneul_blob::Blobs;
use haneul_blob::local::format::Header;
use haneul_env::Env;
use haneul_env::fs::Open;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;

/// Then a new disk, since one in memory keeps what was deleted.
const BLOBS_MAX: u32 = 200;

struct World {
    made: u32,
    env: Env,
    blobs: Blobs,
    runtime: Runtime,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::new());
}

impl World {
    fn new() -> World {
        let env = Env::simulated(1);
        let blobs = Blobs::open(&env, Path::new("/blobs")).expect("a disk in memory");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        World { made: 0, env, blobs, runtime }
    }
}

fuzz_target!(|input: &[u8]| {
    let [what, rest @ ..] = input else { return };
    let Some((places, bytes)) = rest.split_first_chunk::<3>() else { return };
    WORLD.with_borrow_mut(|world| {
        world.made += 1;
        if world.made > BLOBS_MAX {
            *world = World::new();
        }
        changed(world, *what, places, bytes);
    });
});

fn changed(world: &World, what: u8, places: &[u8; 3], bytes: &[u8]) {
    let World { env, blobs, runtime, .. } = world;
    // Long enough for several blocks, now and then.
    let content =
        if what & 1 == 1 { bytes.repeat(1 + (200 << 10) / (bytes.len() + 1)) } else { bytes.to_vec() };
    let blob = runtime.block_on(blobs.put(content.clone().into())).expect("there is room");
    let _ = Header::decode(bytes, blob.id).map(|header| header.check_room(blob.id, content.len() as u64));

    let (path, _) = env
        .fs
        .sim()
        .expect("simulated")
        .files()
        .into_iter()
        .find(|(path, _)| if blob.id.is_packed() { is_pack(path) } else { is_blob(path) })
        .expect("it is there");
    let file = env.fs.open(&path, Open::Write).expect("it is there");
    let length = file.len().expect("it is there");
    let place = places.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)) % length;
    let changed = match what >> 1 & 3 {
        0 => false,
        1 => {
            let mut byte = [0];
            file.read_exact_at(&mut byte, place).expect("it is there");
            file.write_at(&[byte[0] ^ (what | 8)], place).expect("it is there");
            true
        }
        2 => {
            file.set_len(place).expect("it is there");
            true
        }
        _ => {
            file.write_at(bytes, length).expect("there is room");
            !bytes.is_empty()
        }
    };
    let from = if what & 8 == 8 { place.min(content.len() as u64) } else { 0 };
    match runtime.block_on(blobs.read(blob.id, from..content.len() as u64)) {
        // A change may lie in what was not asked for.
        Ok(read) => assert!(read == content[from as usize..], "{what} at {place} of {length}: other bytes"),
        Err(error) => assert!(changed, "{error}"),
    }
    drop(file);
    runtime.block_on(blobs.delete(vec![blob.id])).expect("it can be deleted");
}

fn is_pack(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "pack")
}

fn is_blob(path: &Path) -> bool {
    path.components().count() == 4
}
