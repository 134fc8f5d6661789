//! Writes files in every way that the shim has to notice, for its test: `scribble DIR SEED`.

use std::fs::{self, File, OpenOptions};
use std::io::{IoSlice, Result, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use haneul_env::{Fs, Rng};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().expect("scribble DIR SEED");
    let rng = Rng::seeded(arguments.next().and_then(|seed| seed.parse().ok()).expect("scribble DIR SEED"));
    let dir = Path::new(&dir);
    let real = Fs::real();
    fs::create_dir_all(dir.join("deep/er"))?;
    for round in 0..40 {
        real.replace(&dir.join("counter"), format!("{round}").as_bytes())?;
        noise(dir, &rng)?;
    }
    Ok(())
}

fn noise(dir: &Path, rng: &Rng) -> Result<()> {
    let name = |n: u64| dir.join(if n < 3 { format!("n{n}") } else { format!("deep/er/n{n}") });
    let path = name(rng.below(6));
    let bytes = vec![rng.below(256) as u8; rng.below(3000) as usize];
    match rng.below(10) {
        0 => fs::write(&path, &bytes)?,
        1 => OpenOptions::new().append(true).create(true).open(&path)?.write_all(&bytes)?,
        2 => {
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
            file.write_all_at(&bytes, rng.below(5000))?;
            file.sync_data()?;
        }
        3 => {
            let mut file = File::create(&path)?;
            file.seek(SeekFrom::Start(rng.below(100)))?;
            let done = file.write_vectored(&[IoSlice::new(b"one"), IoSlice::new(&bytes)])?;
            assert!(done > 0);
            file.try_clone()?.write_all(b"clone")?;
        }
        4 => OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?
            .set_len(rng.below(4000))?,
        5 if path.exists() => fs::rename(&path, name(rng.below(6)))?,
        6 if path.exists() => fs::remove_file(&path)?,
        7 if path.exists() && !dir.join("linked").exists() => fs::hard_link(&path, dir.join("linked"))?,
        // It renames without libc.
        9 => {
            let mut file = tempfile::NamedTempFile::new_in(dir)?;
            file.write_all(&bytes)?;
            file.persist(&path).map_err(|error| error.error)?;
        }
        8 if dir.join("copy").exists() => fs::remove_dir_all(dir.join("copy"))?,
        8 => {
            fs::create_dir(dir.join("copy"))?;
            fs::copy(dir.join("counter"), dir.join("copy/counter"))?;
        }
        _ => File::open(dir)?.sync_all()?,
    }
    Ok(())
}
