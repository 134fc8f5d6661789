//! The trace header, and loops: what a function causes carries its lineage, `Lineage=HASH:COUNT|…`, which counts how often
//! each function has been in the chain.
//!
//! The SDKs hand the header on from a function's environment to the calls that it makes. Source: Developer Guide, "Use Lambda
//! recursive loop detection to prevent infinite loops".

use haneul_kit::{Env, Result};
use sha2::{Digest, Sha256};

use super::Target;
use crate::{Lambda, error};

/// A function may be in one chain about so often.
const LOOPS_MAX: u32 = 16;

/// Functions of one chain that are counted.
const LINEAGE_MAX: usize = 16;

const HEADER_LENGTH_MAX: usize = 1024;

pub(crate) const HEADER: &str = "x-amzn-trace-id";

/// A trace header taken apart.
#[derive(Default)]
struct Trace {
    root: Option<String>,
    sampled: Option<String>,
    lineage: Vec<(String, u32)>,
}

impl Trace {
    fn read(header: &str) -> Trace {
        let mut trace = Trace::default();
        for part in header.get(..HEADER_LENGTH_MAX.min(header.len())).unwrap_or_default().split(';') {
            let Some((key, value)) = part.trim().split_once('=') else { continue };
            let plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-:|".contains(&b));
            match key {
                "Root" if plain => trace.root = Some(value.to_owned()),
                "Sampled" if plain => trace.sampled = Some(value.to_owned()),
                "Lineage" => {
                    trace.lineage = value
                        .split('|')
                        .take(LINEAGE_MAX)
                        .filter_map(|one| {
                            let (hash, count) = one.rsplit_once(':')?;
                            let hash = hash.rsplit(':').next()?;
                            Some((hash.to_owned(), count.parse().ok()?))
                        })
                        .collect();
                }
                _ => {}
            }
        }
        trace
    }
}

impl Lambda {
    /// The header for a run, with this function added to its lineage.
    ///
    /// # Errors
    /// RecursiveInvocationException, unless the function allows loops.
    pub(crate) fn traced(&self, target: &Target, header: Option<&str>) -> Result<String> {
        let mut trace = header.map(Trace::read).unwrap_or_default();
        let env = &self.platform.env;
        let own = hex(&Sha256::digest(target.known.name.arn().as_str())[..4]);
        let count = match trace.lineage.iter_mut().find(|(hash, _)| *hash == own) {
            Some((_, count)) => {
                *count = count.saturating_add(1);
                *count
            }
            None => {
                trace.lineage.truncate(LINEAGE_MAX - 1);
                trace.lineage.push((own, 0));
                0
            }
        };
        if count > LOOPS_MAX && !target.known.record.recursion_allowed {
            return Err(error::recursive(
                "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services \
                 resources and stopped your function's invocation.",
            ));
        }
        let root = trace.root.unwrap_or_else(|| root_id(env));
        let sampled = trace
            .sampled
            .unwrap_or_else(|| String::from(if target.version.tracing_active { "1" } else { "0" }));
        let lineage: Vec<String> =
            trace.lineage.iter().map(|(hash, count)| format!("{hash}:{count}")).collect();
        let parent = hex(&env.rng.bytes::<8>());
        Ok(format!("Root={root};Parent={parent};Sampled={sampled};Lineage={}", lineage.join("|")))
    }
}

/// The header of a trace that begins here.
pub(crate) fn root(env: &Env, sampled: bool) -> String {
    format!("Root={};Sampled={}", root_id(env), u8::from(sampled))
}

fn root_id(env: &Env) -> String {
    let secs = u32::try_from(env.now().secs()).unwrap_or(u32::MAX);
    format!("1-{secs:08x}-{}", hex(&env.rng.bytes::<12>()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_far_as_they_make_sense() {
        let trace = Trace::read(
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0|68fd508a:5|x",
        );
        assert_eq!(trace.root.as_deref(), Some("1-5759e988-bd862e3fe1be46a994272793"));
        assert_eq!(trace.sampled.as_deref(), Some("1"));
        assert_eq!(trace.lineage, [("a87bd80c".to_owned(), 0), ("68fd508a".to_owned(), 5)]);
        for hostile in
            ["", ";;;", "Root=\r\nX: y", "Lineage=||||:::", &"Lineage=a:1|".repeat(1000), "Lineage=é:1"]
        {
            let _ = Trace::read(hostile);
        }
    }
}
