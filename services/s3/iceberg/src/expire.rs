//! Old snapshots are forgotten, and with them what only they need.
//!
//! Source: the Iceberg table specification, "Snapshot Retention Policy".

use std::collections::BTreeSet;

use crate::change::{Change, Commit, Hand, Object, Objects};
use crate::error::{Error, Result};
use crate::manifest::{ENTRIES_MAX, Manifest, each_entry, parse_list};
use crate::metadata::{Snapshot, TableMetadata};

/// Which snapshots are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Milliseconds since the epoch: those before it go.
    pub before_ms: i64,
    /// So many of a branch, its newest, are kept whatever their age; the newest one always is.
    pub keep_at_least: usize,
}

impl TableMetadata {
    /// Forgets snapshots; none if there are none to forget. Needs the lists of manifests of all snapshots, and the manifests
    /// of those that are forgotten, and of the others, too, if data files may have become unreferenced.
    ///
    /// What tags and other branches than `main` point to is kept, with all that such a branch is made of.
    pub fn expire(&self, commit: &Commit<'_>, expiry: Expiry, objects: &Objects) -> Result<Option<Change>> {
        let kept = self.kept(expiry);
        let (kept, gone): (Vec<&Snapshot>, Vec<_>) =
            self.snapshots.iter().partition(|snapshot| kept.contains(&snapshot.snapshot_id));
        if gone.is_empty() {
            return Ok(None);
        }
        let (mut next, mut unreferenced) = self.follow(commit);
        unreferenced.extend(only_in(&gone, &kept, objects)?);
        let ids: BTreeSet<i64> = gone.iter().map(|snapshot| snapshot.snapshot_id).collect();
        unreferenced.extend(next.forget(&ids));
        unreferenced.retain(|location| self.is_own(location));
        let manifests = self.manifests(objects)?.len();
        let metadata_location = next.next_location(commit.metadata_location, commit.uuid);
        let object = Object { location: metadata_location.clone(), bytes: next.to_json()? };
        Ok(Some(Change { metadata: next, metadata_location, objects: vec![object], unreferenced, manifests }))
    }

    /// The ids of snapshots that are kept.
    fn kept(&self, expiry: Expiry) -> BTreeSet<i64> {
        let mut kept = BTreeSet::new();
        let mut of_branches = BTreeSet::new();
        for (name, reference) in &self.refs {
            let (mut next, mut count) = (Some(reference.snapshot_id), 0);
            // A chain that leads back to itself ends there.
            let mut seen = BTreeSet::new();
            while let Some(snapshot) = next.and_then(|id| self.snapshot(id)) {
                if !seen.insert(snapshot.snapshot_id) {
                    break;
                }
                let is_kept = reference.is_other_branch(name)
                    || count < expiry.keep_at_least.max(1)
                    || (reference.is_branch() && snapshot.timestamp_ms >= expiry.before_ms);
                if is_kept {
                    kept.insert(snapshot.snapshot_id);
                }
                // A tag is one snapshot.
                next = if reference.is_branch() { snapshot.parent_snapshot_id } else { None };
                count += 1;
            }
            of_branches.append(&mut seen);
        }
        let loose = self.snapshots.iter().filter(|snapshot| !of_branches.contains(&snapshot.snapshot_id));
        kept.extend(loose.filter(|s| s.timestamp_ms >= expiry.before_ms).map(|s| s.snapshot_id));
        kept
    }
}

/// The objects that snapshots need which are to go, and none of those that stay.
fn only_in(gone: &[&Snapshot], kept: &[&Snapshot], objects: &Objects) -> Result<BTreeSet<String>> {
    let mut hand = Hand::new(objects);
    let gone_lists: Vec<_> = gone.iter().map(|snapshot| hand.get(&snapshot.manifest_list)).collect();
    let kept_lists: Vec<_> = kept.iter().map(|snapshot| hand.get(&snapshot.manifest_list)).collect();
    hand.check()?;
    let lists: BTreeSet<&str> = kept.iter().map(|snapshot| snapshot.manifest_list.as_str()).collect();
    let mut unreferenced: BTreeSet<String> = gone.iter().map(|s| s.manifest_list.clone()).collect();
    unreferenced.retain(|list| !lists.contains(list.as_str()));

    let kept_manifests = locations(&kept_lists)?;
    let mut gone_manifests = locations(&gone_lists)?;
    gone_manifests.retain(|manifest| !kept_manifests.contains(manifest));
    let mut files = live_files(&gone_manifests, &mut hand)?;
    if !files.is_empty() {
        for_each_live(&kept_manifests, &mut hand, |file| {
            files.remove(file.as_str());
            Ok(())
        })?;
    }
    unreferenced.extend(gone_manifests);
    unreferenced.extend(files);
    Ok(unreferenced)
}

/// Of the manifests in lists.
fn locations(lists: &[Option<&[u8]>]) -> Result<BTreeSet<String>> {
    let mut locations = BTreeSet::new();
    for list in lists.iter().flatten() {
        locations.extend(parse_list(list)?.into_iter().map(|manifest: Manifest| manifest.location));
    }
    Ok(locations)
}

fn live_files(manifests: &BTreeSet<String>, hand: &mut Hand<'_>) -> Result<BTreeSet<String>> {
    let mut files = BTreeSet::new();
    for_each_live(manifests, hand, |file| {
        files.insert(file);
        if files.len() > ENTRIES_MAX { Err(Error::TooLarge("data files of old snapshots")) } else { Ok(()) }
    })?;
    Ok(files)
}

fn for_each_live(
    manifests: &BTreeSet<String>,
    hand: &mut Hand<'_>,
    mut take: impl FnMut(String) -> Result<()>,
) -> Result<()> {
    let found: Vec<_> = manifests.iter().map(|manifest| hand.get(manifest)).collect();
    hand.check()?;
    for bytes in found.into_iter().flatten() {
        each_entry(bytes, |entry| if entry.is_live() { take(entry.file.location) } else { Ok(()) })?;
    }
    Ok(())
}
