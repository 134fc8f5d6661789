//! Where the objects' bytes are: in the data directory, or in storage pools.
//!
//! That is settled at the first start, as nothing could be read afterwards from any other place. The file `pools` of the data
//! directory says how many storage pools there are (for who reads it: each pool's own marker is what decides), the name of
//! their set and, until they are made, that they are new.
//!
//! What must never happen here: empty pools made, or those of another data directory used, where there were some.

use std::path::{Path, PathBuf};

use haneul_blob::Blobs;
use haneul_blob::pools::{Set, set_of};
use haneul_env::Env;

/// Opens the blobs, in the data directory `dir` or in `pools`. Blocks.
pub(crate) fn open_blobs(env: &Env, dir: &Path, pools: &[PathBuf]) -> Result<Blobs, String> {
    let (own, note) = (dir.join("blobs"), dir.join("pools"));
    let said = |error: std::io::Error| error.to_string();
    let noted = env.fs.read(&note, 256).map_err(said)?;
    let noted = noted.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let words: Option<Vec<&str>> = noted.as_deref().map(|text| text.split_whitespace().collect());
    let is_new = words.as_ref().is_none_or(|words| words.get(2) == Some(&"new"));
    if pools.is_empty() {
        if !is_new {
            return Err(format!("{} has its objects in storage pools; give them with --pool", dir.display()));
        }
        if noted.is_some() {
            env.fs.remove_file(&note).map_err(said)?;
        }
        return Blobs::open(env, &own).map_err(|error| error.to_string());
    }
    if noted.is_none() && env.fs.list(&own).is_ok_and(|entries| !entries.is_empty()) {
        return Err(format!("{} has its objects in itself; storage pools are for a new one", dir.display()));
    }
    let set = match words.as_ref().and_then(|words| words.get(1)) {
        Some(set) => (*set).to_owned(),
        None if is_new => env.rng.uuid(),
        // Of before sets were noted here.
        None => set_of(env, pools)
            .map_err(|error| error.to_string())?
            .ok_or_else(|| format!("none of the storage pools of {} is there", dir.display()))?,
    };
    let text = format!("{} {set}", pools.len());
    if noted.is_none() {
        env.fs.replace(&note, format!("{text} new\n").as_bytes()).map_err(said)?;
    }
    let set = if is_new { Set::New(set) } else { Set::Made(set) };
    let blobs = Blobs::open_pools(env, pools, &set).map_err(|error| error.to_string())?;
    let text = format!("{text}\n");
    if noted.as_ref() != Some(&text) {
        env.fs.replace(&note, text.as_bytes()).map_err(said)?;
    }
    Ok(blobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        env: Env,
        pools: Vec<PathBuf>,
    }

    impl World {
        fn new(env: &Env, name: &str) -> World {
            let pools = (0..3).map(|index| PathBuf::from(format!("/mnt/{name}{index}"))).collect();
            World { env: env.clone(), pools }
        }

        /// Nothing is mounted: the places are there, or not.
        fn unmount(&self, places: bool) {
            for pool in &self.pools {
                self.env.fs.remove_dir_all(pool).unwrap();
                if places {
                    self.env.fs.create_dir_all_synced(pool).unwrap();
                }
            }
        }

        fn open(&self, dir: &str) -> Result<Blobs, String> {
            open_blobs(&self.env, Path::new(dir), &self.pools)
        }

        fn has_pool(&self, index: usize) -> bool {
            self.env.fs.read(&self.pools[index].join("pool"), 4096).unwrap().is_some()
        }
    }

    fn note(env: &Env, dir: &str) -> Option<String> {
        let bytes = env.fs.read(&Path::new(dir).join("pools"), 256).unwrap()?;
        Some(String::from_utf8(bytes).unwrap())
    }

    #[tokio::test]
    async fn no_start_without_them_makes_new_pools() {
        for places in [false, true] {
            let env = Env::simulated(1);
            env.fs.create_dir_all_synced(Path::new("/data")).unwrap();
            let world = World::new(&env, "a");
            drop(world.open("/data").unwrap());
            drop(world.open("/data").unwrap());
            let noted = note(&env, "/data").unwrap();
            world.unmount(places);
            let refused = world.open("/data").err().unwrap();
            assert!(refused.contains("storage pools"), "{refused}");
            assert!(!world.has_pool(0) && !world.has_pool(2));
            assert!(open_blobs(&env, Path::new("/data"), &[]).is_err());
            assert_eq!(note(&env, "/data").unwrap(), noted);
        }
    }

    #[tokio::test]
    async fn pools_of_another_data_directory_are_refused() {
        let env = Env::simulated(1);
        for dir in ["/data", "/other"] {
            env.fs.create_dir_all_synced(Path::new(dir)).unwrap();
        }
        let (ours, theirs) = (World::new(&env, "a"), World::new(&env, "b"));
        drop(ours.open("/data").unwrap());
        drop(theirs.open("/other").unwrap());
        for dir in ["/data", "/new"] {
            env.fs.create_dir_all_synced(Path::new(dir)).unwrap();
            let refused = theirs.open(dir).err().unwrap();
            assert!(refused.contains("another data directory"), "{refused}");
        }
        ours.open("/data").unwrap();
        theirs.open("/other").unwrap();
    }

    #[tokio::test]
    async fn a_first_start_that_was_cut_short_is_made_whole() {
        let env = Env::simulated(1);
        env.fs.create_dir_all_synced(Path::new("/data")).unwrap();
        let world = World::new(&env, "a");
        // A file is in the way of the last pool.
        env.fs.create_dir_all_synced(Path::new("/mnt")).unwrap();
        let file = env.fs.open(&world.pools[2], haneul_env::fs::Open::CreateNew);
        drop(file.unwrap());
        assert!(world.open("/data").is_err());
        assert!(note(&env, "/data").unwrap().ends_with(" new\n"));
        env.fs.remove_file(&world.pools[2]).unwrap();
        drop(world.open("/data").unwrap());
        let noted = note(&env, "/data").unwrap();
        assert!(!noted.contains("new") && (0..3).all(|index| world.has_pool(index)), "{noted}");
    }

    #[tokio::test]
    async fn the_note_of_an_older_version_is_completed() {
        let env = Env::simulated(1);
        env.fs.create_dir_all_synced(Path::new("/data")).unwrap();
        let world = World::new(&env, "a");
        drop(world.open("/data").unwrap());
        let noted = note(&env, "/data").unwrap();
        env.fs.replace(Path::new("/data/pools"), b"3\n").unwrap();
        drop(world.open("/data").unwrap());
        assert_eq!(note(&env, "/data").unwrap(), noted);
        env.fs.replace(Path::new("/data/pools"), b"3\n").unwrap();
        world.unmount(true);
        assert!(world.open("/data").is_err());
    }
}
