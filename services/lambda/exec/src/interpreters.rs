use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Family, Runtime};

/// An interpreter of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interpreter {
    /// The program, by its path on the host.
    pub(crate) program: PathBuf,
    /// What to show at `/var/lang`, when it is not in `/usr`, which is there anyway.
    pub(crate) prefix: Option<PathBuf>,
    /// As it calls itself, as far as known.
    pub(crate) version: String,
}

impl Interpreter {
    /// Its path inside.
    pub(crate) fn inside(&self) -> PathBuf {
        match &self.prefix {
            Some(prefix) => {
                let rest = self.program.strip_prefix(prefix).unwrap_or(&self.program);
                Path::new("/var/lang").join(rest)
            }
            None => self.program.clone(),
        }
    }

    fn at(program: &Path, version: &str) -> Option<Interpreter> {
        let program = program.canonicalize().ok().filter(|program| is_elf(program))?;
        let prefix = program.parent()?.parent()?.to_owned();
        let prefix = (!prefix.starts_with("/usr")).then_some(prefix);
        Some(Interpreter { program, prefix, version: version.to_owned() })
    }
}

/// Looks for the interpreter of `runtime`: in `PATH`, and where version managers keep theirs.
pub(crate) fn find(runtime: &Runtime) -> Result<Option<Interpreter>, String> {
    let version = runtime.version();
    let found = match runtime.family() {
        Family::Provided => return Ok(None),
        Family::Python => python(version),
        Family::Node => node(version),
        Family::Java => java(version),
        Family::Ruby => ruby(version),
        Family::DotNet => {
            return Err(format!("{runtime} is not supported yet: there is no bootstrap for .NET"));
        }
    };
    found.map(Some).ok_or_else(|| hint(runtime))
}

fn hint(runtime: &Runtime) -> String {
    let version = runtime.version();
    match runtime.family() {
        Family::Python => format!(
            "{runtime} needs Python {version} on this host: apt-get install python{version}, or pyenv install {version}"
        ),
        Family::Node => {
            format!(
                "{runtime} needs Node.js {version} on this host: nvm install {version}, or apt-get install nodejs"
            )
        }
        Family::Java => format!(
            "{runtime} needs a JDK {version} on this host (with javac): apt-get install openjdk-{version}-jdk-headless"
        ),
        Family::Ruby => {
            format!(
                "{runtime} needs Ruby {version} on this host: rbenv install {version}, or apt-get install ruby"
            )
        }
        _ => format!("{runtime} cannot be run on this host"),
    }
}

fn python(version: &str) -> Option<Interpreter> {
    let name = format!("python{version}");
    let mut candidates: Vec<PathBuf> = path_folders().map(|folder| folder.join(&name)).collect();
    for folder in versions(".pyenv/versions").into_iter().chain(versions(".local/share/uv/python")) {
        candidates.push(folder.join("bin").join(&name));
    }
    candidates.push(PathBuf::from(format!("/opt/python{version}/bin/{name}")));
    candidates.iter().find_map(|program| Interpreter::at(program, version))
}

fn node(version: &str) -> Option<Interpreter> {
    let managed = versions(".nvm/versions/node").into_iter().map(|folder| folder.join("bin/node"));
    let candidates = path_folders().map(|folder| folder.join("node")).chain(managed);
    candidates.into_iter().find_map(|program| {
        let found = Interpreter::at(&program, version)?;
        let said = said(&found.program, "--version")?;
        let number = said.trim_start_matches('v').to_owned();
        (number.split('.').next() == Some(version)).then_some(Interpreter { version: number, ..found })
    })
}

fn ruby(version: &str) -> Option<Interpreter> {
    let names = [format!("ruby{version}"), "ruby".to_owned()];
    let own = path_folders().flat_map(|folder| names.each_ref().map(|name| folder.join(name)));
    let managed = versions(".rbenv/versions").into_iter().chain(versions(".local/share/mise/installs/ruby"));
    let candidates: Vec<PathBuf> = own.chain(managed.map(|folder| folder.join("bin/ruby"))).collect();
    candidates.iter().find_map(|program| {
        let found = Interpreter::at(program, version)?;
        // `ruby 3.3.4 (2024-07-09 revision …)`
        let said = said(&found.program, "--version")?;
        let number = said.strip_prefix("ruby ")?.split([' ', 'p']).next()?.to_owned();
        let is_wanted = number.strip_prefix(version).is_some_and(|rest| rest.starts_with('.'));
        is_wanted.then_some(Interpreter { version: number, ..found })
    })
}

fn java(version: &str) -> Option<Interpreter> {
    let mut homes: Vec<PathBuf> = std::env::var_os("JAVA_HOME").map(PathBuf::from).into_iter().collect();
    for folder in ["/usr/lib/jvm", "/opt/java", "/opt/jdk"] {
        homes.extend(sorted(Path::new(folder)));
    }
    homes.extend(versions(".sdkman/candidates/java"));
    homes.iter().find_map(|home| {
        let release = std::fs::read_to_string(home.join("release")).ok()?;
        let number = release.lines().find_map(|line| line.strip_prefix("JAVA_VERSION="))?.trim_matches('"');
        let major = number.strip_prefix("1.").unwrap_or(number).split(['.', '+']).next()?;
        let complete = major == version && home.join("bin/javac").exists();
        let found = Interpreter::at(&home.join("bin/java"), number)?;
        complete.then_some(found)
    })
}

/// Folders with the SDKs that AWS's runtimes come with; without them, where the interpreter keeps its packages.
#[derive(Clone, Debug, Default)]
pub struct Sdks {
    /// One in which `boto3` lies.
    pub python: Option<PathBuf>,
    /// One in which `@aws-sdk` lies.
    pub node: Option<PathBuf>,
}

impl Sdks {
    /// From `HANEUL_LAMBDA_PYTHON_PACKAGES` and `HANEUL_LAMBDA_NODE_MODULES`.
    pub fn of_environment() -> Sdks {
        let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Sdks { python: folder("HANEUL_LAMBDA_PYTHON_PACKAGES"), node: folder("HANEUL_LAMBDA_NODE_MODULES") }
    }
}

/// The folder with the SDK for `runtime`, if there is one.
pub(crate) fn sdk(runtime: &Runtime, interpreter: &Interpreter, sdks: &Sdks) -> Option<PathBuf> {
    match runtime.family() {
        Family::Python => {
            let given = sdks.python.clone();
            let prefix = interpreter.program.parent()?.parent()?;
            let own = prefix.join(format!("lib/python{}/site-packages", runtime.version()));
            let debian = PathBuf::from("/usr/lib/python3/dist-packages");
            given.into_iter().chain([own, debian]).find(|folder| folder.join("botocore").is_dir())
        }
        Family::Node => {
            let given = sdks.node.clone();
            let prefix = interpreter.program.parent()?.parent()?;
            let own = [prefix.join("lib/node_modules"), PathBuf::from("/usr/local/lib/node_modules")];
            given.into_iter().chain(own).find(|folder| folder.join("@aws-sdk").is_dir())
        }
        _ => None,
    }
}

/// What belongs to boto3 in a folder of packages.
pub(crate) const BOTO: &[&str] =
    &["boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six.py", "awscrt"];

fn path_folders() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/bin", "/usr/bin"].map(PathBuf::from);
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    system.into_iter().chain(folders)
}

/// The folders that a version manager keeps under the home directory, newest last name first.
fn versions(folder: &str) -> Vec<PathBuf> {
    let Some(home) = std::env::var_os("HOME") else { return Vec::new() };
    sorted(&Path::new(&home).join(folder))
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    found.sort();
    found.reverse();
    found
}

/// Not a script that would look for the real one outside.
fn is_elf(program: &Path) -> bool {
    let mut head = [0; 4];
    let read =
        std::fs::File::open(program).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut head));
    read.is_ok() && head == *b"\x7fELF"
}

fn said(program: &Path, argument: &str) -> Option<String> {
    let shown = Command::new(program).arg(argument).env_clear().output().ok()?;
    let text = String::from_utf8(shown.stdout).ok()?;
    text.lines().next().map(|line| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_says_what_to_install() {
        let dotnet = Runtime::parse("dotnet8").unwrap();
        assert!(find(&dotnet).is_err());
        assert_eq!(find(&Runtime::parse("provided.al2023").unwrap()), Ok(None));
        for runtime in Runtime::all() {
            match find(&runtime) {
                Ok(Some(found)) => assert!(found.inside().is_absolute(), "{found:?}"),
                Ok(None) => assert_eq!(runtime.family(), Family::Provided),
                Err(why) => assert!(why.contains(runtime.identifier()), "{why}"),
            }
        }
    }
}
