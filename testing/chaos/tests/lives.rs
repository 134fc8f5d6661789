//! Many lives of one cloud, each ended without warning.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use haneul_chaos::client::Client;
use haneul_chaos::disk::{Disk, read_log};
use haneul_chaos::moment::Moments;
use haneul_chaos::program::{Program, binary};
use haneul_chaos::world::World;
use haneul_chaos::{number, shim};
use haneul_env::Rng;

/// One log gives as many ends as we like; each is a restart.
const CUTS_PER_LIFE: u64 = 4;

struct Run {
    binary: PathBuf,
    scratch: tempfile::TempDir,
    output: PathBuf,
    seed: u64,
    rng: Rng,
}

impl Run {
    fn new(what: &str) -> Option<Run> {
        let Some(binary) = binary() else {
            println!(
                "SKIPPED {what}: haneul is not built; `cargo build --package haneul`, or set HANEUL_BIN"
            );
            return None;
        };
        let seed = number("HANEUL_CHAOS_SEED").unwrap_or_else(|| Rng::real().u64());
        println!("HANEUL_CHAOS_SEED={seed}");
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let output = scratch.path().join("output");
        Some(Run { binary, scratch, output, seed, rng: Rng::seeded(seed) })
    }

    fn start(&self, dir: &Path) -> Program {
        match Program::start(&self.binary, dir, &self.output, |_| {}) {
            Ok(program) => program,
            Err(error) => self.fail(dir, &[error]),
        }
    }

    /// A cloud with a bucket and queues, ended as soon as it has said so.
    fn create(&self, dir: &Path) -> World {
        let program = self.start(dir);
        let world = World::create(&mut Client::new(&program.address)).expect("it stays up");
        program.kill();
        world
    }

    fn check(&self, dir: &Path, world: &mut World, end: u64) {
        let program = self.start(dir);
        let mut client = Client::new(&program.address);
        let mut faults = world.check(&mut client, end, &self.rng).expect("it stays up");
        faults.extend(world.check_blobs(dir));
        if !faults.is_empty() {
            self.fail(dir, &faults);
        }
        program.kill();
    }

    fn finish(&self, dir: &Path, world: World) {
        let program = self.start(dir);
        let faults = world.finish(&mut Client::new(&program.address), dir).expect("it stays up");
        if !faults.is_empty() {
            self.fail(dir, &faults);
        }
    }

    fn fail(&self, dir: &Path, faults: &[String]) -> ! {
        if let Some(keep) = std::env::var_os("HANEUL_CHAOS_KEEP") {
            let to = Path::new(&keep).join(format!("{}", self.seed));
            copy(dir, &to);
            println!("kept in {}", to.display());
        }
        let output = fs::read_to_string(&self.output).unwrap_or_default();
        panic!("HANEUL_CHAOS_SEED={}\n{}\nthe program said: {output}", self.seed, faults.join("\n"));
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder to copy to");
    for entry in fs::read_dir(from).expect("a folder to copy") {
        let path = entry.expect("an entry").path();
        let to = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, to).expect("a copy");
        }
    }
}

#[test]
fn killed() {
    let Some(run) = Run::new("kill -9") else { return };
    let kills = number("HANEUL_CHAOS_KILLS").unwrap_or(5);
    let dir = run.scratch.path().join("data");
    let mut world = run.create(&dir);
    let moments = Moments::counted();
    for life in 0..kills {
        world.work_until_killed(run.start(&dir), &moments, &run.rng, run.rng.below(700));
        // Now and then it is killed again while it recovers, or right after.
        while run.rng.below(4) == 0 {
            let delay = run.rng.below(60);
            let again = run.start(&dir);
            std::thread::sleep(std::time::Duration::from_millis(delay));
            again.kill();
        }
        run.check(&dir, &mut world, u64::MAX);
        println!("kill {} of {kills}", life + 1);
    }
    run.finish(&dir, world);
}

#[test]
fn without_power() {
    let Some(run) = Run::new("power cuts") else { return };
    let Some(library) = shim::build(run.scratch.path()) else {
        println!("SKIPPED power cuts: there is no C compiler, or this is not x86-64");
        return;
    };
    let cuts = number("HANEUL_CHAOS_CUTS").unwrap_or(4);
    let mut dir = run.scratch.path().join("data");
    let mut world = run.create(&dir);
    let mut cut = 0;
    while cut < cuts {
        let log = run.scratch.path().join("log");
        let mut disk = Disk::of(&dir).expect("the data directory can be read");
        let program = Program::start(&run.binary, &dir, &run.output, |command| {
            shim::preload(command, &library, &dir, &log);
        });
        let program = program.unwrap_or_else(|error| run.fail(&dir, &[error]));
        let moments = Moments::Log(Arc::new(File::open(&log).expect("the shim made it")));
        world.work_until_killed(program, &moments, &run.rng, 100 + run.rng.below(700));
        let ops = read_log(&fs::read(&log).expect("the shim made it"));
        let was = world.clone();
        let mut ends: Vec<usize> =
            (0..CUTS_PER_LIFE).map(|_| run.rng.below(ops.len() as u64 + 1) as usize).collect();
        ends.sort_unstable();
        let mut done = 0;
        for end in ends {
            ops[done..end].iter().for_each(|(_, op)| disk.apply(op));
            done = end;
            let at = end.checked_sub(1).map_or(1, |last| ops[last].0);
            dir = run.scratch.path().join(format!("cut{cut}"));
            fs::create_dir(&dir).expect("a new folder");
            disk.after_power_cut(&run.rng, &dir).expect("there is room");
            world = was.clone();
            run.check(&dir, &mut world, at);
            cut += 1;
            println!("cut {cut} of {cuts}, at {end} of {} operations", ops.len());
        }
        for old in fs::read_dir(run.scratch.path()).expect("our folder").flatten() {
            if old.path().is_dir() && old.path() != dir {
                fs::remove_dir_all(old.path()).expect("it is ours");
            }
        }
        fs::remove_file(log).expect("it is ours");
    }
    run.finish(&dir, world);
}
