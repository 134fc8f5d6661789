//! Every implemented operation asks for permission, and for one that AWS has: an action of the Service Authorization
//! Reference, on a resource of a type that the action knows, with condition keys that it has.
//!
//! The handlers are asked in a cloud that has something of everything ([`world`]), with inputs made from the model and with
//! those of `world.json`. What does not fit is listed in `access_exempt.txt`, each line with its reason, and may only
//! shrink: a line that is no longer needed fails the test too. After a change:
//! `HANEUL_BLESS=1 cargo nextest run -p haneul-harness access`, and look at the diff; `HANEUL_SHOW=1` prints what was asked.

mod inputs;
mod reference;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use haneul_kit::Principal;
use inputs::Words;
use reference::Known;
use world::World;

/// Operations whose resource is not there before them.
const MAKE: &[&str] = &["AcquireRole", "Create", "RestoreTableFromBackup", "UploadServerCertificate"];

#[tokio::test]
async fn every_operation_asks_for_a_permission_that_aws_has() {
    let world = World::make().await;
    let known = Known::read();
    let show = std::env::var_os("HANEUL_SHOW").is_some();
    let caller = Principal::User { path: "/".into(), name: "thing".into(), id: "AIDATHING".into() };
    let mut found = BTreeSet::new();
    let mut unused: BTreeSet<&str> = world.with_inputs().collect();
    let mut asked = 0;
    for entry in world.cloud.inside().catalog().entries() {
        let Some(service) = &entry.service else { continue };
        let model = haneul_wire::model(entry.model);
        let prefixes = [entry.name(), entry.facts.signing_name];
        for name in service.implemented() {
            let Some(handler) = service.operation(name) else { continue };
            let what = format!("{} {name}", entry.name());
            unused.remove(what.as_str());
            let arn = known.arn(&prefixes, name).map(|form| world.filled(form));
            let arn = arn.unwrap_or_else(|| format!("arn:aws:{}:us-east-1:000000000000:thing", prefixes[1]));
            let words = Words { of: &|name| world.word(entry.name(), name), arn: &arn };
            // What the file gives has to be taken; of what is made up, with everything and with what is required, one.
            let mut inputs = world.inputs(entry.name(), name, model, handler);
            let given = inputs.len();
            for all in [true, false] {
                let mut input = handler.new_input();
                inputs::fill(model, &mut *input, &words, all, 0);
                inputs.push(input);
            }
            let cx = world.cx(name, caller.clone());
            let mut problems: BTreeSet<String> = BTreeSet::new();
            let (mut taken, mut all) = (0, Vec::new());
            for (at, input) in inputs.iter().enumerate() {
                match handler.access(&cx, &**input).await {
                    Ok(accesses) => {
                        taken += 1;
                        // What is made up may be empty where it matters.
                        let none =
                            (accesses.is_empty() && (at < given || given == 0)).then(|| "none".to_owned());
                        all.extend(accesses.iter().cloned().flat_map(haneul_kit::Access::into_all));
                        for access in accesses.into_iter().flat_map(haneul_kit::Access::into_all) {
                            let problem = known.problem(&access);
                            if show && problem.is_some() {
                                println!("{what} #{at} {problem:?}: {}", known.details(&access));
                            }
                            problems.extend(problem);
                        }
                        problems.extend(none);
                    }
                    Err(error) if at < given => panic!("{what} refuses input {at} of world.json: {error}"),
                    Err(error) if show => println!("{what} #{at}: {error}"),
                    Err(_) => {}
                }
            }
            asked += 1;
            let input = handler.new_input();
            let members = &model.structure(input.id()).members;
            let takes_tags = members.iter().any(|member| member.name.eq_ignore_ascii_case("tags"));
            let makes = MAKE.iter().any(|verb| name.starts_with(verb));
            problems.extend(known.untagged(&all, takes_tags, makes));
            if taken == 0 {
                problems.insert("refused".to_owned());
            }
            found.extend(problems.into_iter().map(|problem| format!("{what} {problem}")));
        }
    }
    assert!(asked > 200, "only {asked} operations");
    assert!(unused.is_empty(), "inputs in world.json of what is not implemented: {unused:?}");
    compare(&found);
}

/// Compares what was found with the list, or writes it anew.
fn compare(found: &BTreeSet<String>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/access_exempt.txt");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let said: BTreeMap<&str, &str> = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| (line.split(" # ").next().unwrap_or(line), line))
        .collect();
    if let Some(bless) = std::env::var_os("HANEUL_BLESS") {
        let path = if bless == "1" { path } else { bless.into() };
        let comments = text.lines().filter(|line| line.starts_with('#'));
        let lines = found.iter().map(|line| said.get(line.as_str()).copied().unwrap_or(line));
        let all: Vec<&str> = comments.chain(lines).collect();
        std::fs::write(&path, all.join("\n") + "\n").expect("the list is written");
        return;
    }
    let new: Vec<&String> = found.iter().filter(|line| !said.contains_key(line.as_str())).collect();
    let gone: Vec<&&str> = said.keys().filter(|line| !found.contains(**line)).collect();
    assert!(new.is_empty(), "asks for what AWS does not have, or for nothing: {new:#?}");
    assert!(gone.is_empty(), "no longer needed in access_exempt.txt: {gone:#?}");
    let bare: Vec<&&str> = said.values().filter(|line| !line.contains(" # ")).collect();
    assert!(bare.is_empty(), "without a reason in access_exempt.txt: {bare:#?}");
}
