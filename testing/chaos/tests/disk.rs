//! The shim sees everything, and a power cut takes what was not synced and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use haneul_chaos::disk::{Disk, Op, read_log};
use haneul_chaos::shim;
use haneul_env::Rng;

fn content(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut rest = vec![dir.to_owned()];
    while let Some(dir_at) = rest.pop() {
        for entry in fs::read_dir(&dir_at).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                found.insert(format!("{name}/"), Vec::new());
                rest.push(path);
            } else {
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn the_shim_sees_every_change_and_a_cut_takes_only_what_was_not_synced() {
    let scratch = tempfile::tempdir().unwrap();
    let Some(library) = shim::build(scratch.path()) else {
        println!("SKIPPED: there is no C compiler, or this is not x86-64");
        return;
    };
    let (mut lost, mut kept) = (0, 0);
    for seed in 0..4 {
        let dir = scratch.path().join(format!("data{seed}"));
        let log = scratch.path().join(format!("log{seed}"));
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("before"), "it was there").unwrap();
        let mut disk = Disk::of(&dir).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_scribble"));
        command.arg(&dir).arg(seed.to_string());
        shim::preload(&mut command, &library, &dir, &log);
        assert!(command.status().unwrap().success());

        let ops = read_log(&fs::read(&log).unwrap());
        let rng = Rng::seeded(seed);
        let (mut replaced, mut safe) = (0, 0);
        for (at, (_, op)) in ops.iter().enumerate() {
            disk.apply(op);
            match op {
                Op::Rename { to, .. } if to == "counter" => replaced += 1,
                // `replace` ends with a sync of the directory; those of others come in between and are no matter.
                Op::SyncEnd { .. } => safe = replaced,
                _ => {}
            }
            if at % 7 != 0 {
                continue;
            }
            let to = scratch.path().join("cut");
            fs::create_dir(&to).unwrap();
            disk.after_power_cut(&rng, &to).unwrap();
            assert_eq!(fs::read_to_string(to.join("before")).unwrap(), "it was there");
            let counter =
                fs::read_to_string(to.join("counter")).ok().map(|text| text.parse::<i64>().unwrap());
            let counter = counter.unwrap_or(-1) + 1;
            // A rename that a sync of some file follows is not safe yet, hence the one.
            assert!((safe - 1..=replaced).contains(&counter), "{counter} after {safe} to {replaced}");
            if counter < replaced {
                lost += 1
            } else {
                kept += 1
            }
            fs::remove_dir_all(to).unwrap();
        }
        let whole = scratch.path().join(format!("whole{seed}"));
        fs::create_dir(&whole).unwrap();
        disk.as_it_was(&whole).unwrap();
        assert_eq!(content(&whole), content(&dir));
    }
    assert!(lost > 0 && kept > 0, "{lost} lost, {kept} kept");
}
