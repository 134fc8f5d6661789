//! GB/s of MD5 by the number of streams: `cargo run --release -p haneul-md5 --example streams`.

use std::time::Instant;

fn main() {
    let data = vec![7u8; 512 * 1024];
    for count in [1, 2, 4, 8, 16] {
        let mut digests = vec![haneul_md5::Md5::default(); count];
        #[allow(clippy::disallowed_methods)] // It measures the host.
        let started = Instant::now();
        let pieces = [&data[..]];
        for _ in 0..200 / count {
            let mut all: Vec<_> = digests.iter_mut().map(|digest| (digest, &pieces[..])).collect();
            haneul_md5::update_all(&mut all);
        }
        let bytes = (200 / count * count * data.len()) as f64;
        println!("{count} streams: {:.2} GB/s", bytes / started.elapsed().as_secs_f64() / 1e9);
    }
}
