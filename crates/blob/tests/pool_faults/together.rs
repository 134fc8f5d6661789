//! None of the pools has everything.

use haneul_blob::BlobId;
use haneul_blob::pools::Status;

use super::{World, block_on, put, reads};

/// Of three pools two lack something, each something else.
fn two_behind(world: &World) -> Vec<(BlobId, usize)> {
    let (_, blobs) = world.make();
    block_on(async {
        let kept = put(&blobs, 1).await.unwrap();
        world.take(1);
        let first = put(&blobs, 2).await.unwrap();
        world.give_back(1);
        let (pools, blobs) = world.open().unwrap();
        assert_eq!(pools.statuses(), [Status::Online, Status::Behind, Status::Online]);
        world.take(2);
        let second = put(&blobs, 3).await.unwrap();
        world.give_back(2);
        assert_eq!((world.has(first), world.has(second)), (vec![0, 2], vec![0, 1]));
        vec![(kept, 1), (first, 2), (second, 3)]
    })
}

#[test]
fn pools_that_have_everything_together_need_no_whole_one() {
    for (new_disk, restarted) in [(false, true), (true, true), (false, false)] {
        let world = World::new(3);
        let kept = two_behind(&world);
        block_on(async {
            let running = (!restarted).then(|| world.open().unwrap());
            world.take(0);
            if new_disk {
                std::fs::create_dir(&world.roots[0]).unwrap();
            }
            let (pools, blobs) = running.unwrap_or_else(|| world.open().unwrap());
            for (id, seed) in &kept {
                assert!(reads(&blobs, *id, *seed).await);
            }
            (0..2).for_each(|_| _ = pools.tend());
            if !new_disk {
                assert_eq!(pools.statuses(), [Status::Offline, Status::Online, Status::Online]);
                assert!(kept.iter().all(|(id, _)| world.has(*id) == [1, 2]));
                std::fs::create_dir(&world.roots[0]).unwrap();
                (0..2).for_each(|_| _ = pools.tend());
            }
            assert_eq!(pools.statuses(), [Status::Online; 3]);
            assert!(kept.iter().all(|(id, _)| world.has(*id) == [0, 1, 2]));
        });
    }
}

/// A disk that was not filled has not what its pool acknowledged: without the whole one something may be missing.
#[test]
fn a_new_disk_is_none_of_those_that_have_everything_together() {
    for old in [false, true] {
        let world = World::new(3);
        let kept = two_behind(&world);
        block_on(async {
            // The first one is only in pools 0 and 2.
            std::fs::rename(&world.roots[2], world.away(2)).unwrap();
            std::fs::create_dir(&world.roots[2]).unwrap();
            let (pools, _) = world.open().unwrap();
            assert_eq!(pools.statuses(), [Status::Online, Status::Behind, Status::Behind]);
            drop(pools);
            if old {
                // Nor is the old one, which has come back, once there was another.
                std::fs::rename(&world.roots[2], world.away(3)).unwrap();
                std::fs::rename(world.away(2), &world.roots[2]).unwrap();
                drop(world.open().unwrap());
            }
            world.take(0);
            for _ in 0..2 {
                let refused = world.open().err().unwrap().to_string();
                assert!(refused.contains("/p0") && refused.contains("as it was"), "{refused}");
                assert!(!refused.contains("/p1") && !refused.contains("/p2"), "{refused}");
            }
            std::fs::create_dir(&world.roots[0]).unwrap();
            assert!(world.open().is_err());
            std::fs::remove_dir(&world.roots[0]).expect("nothing was written there");
            world.give_back(0);
            let (pools, _) = world.open().unwrap();
            pools.tend();
            assert_eq!(pools.statuses(), [Status::Online; 3]);
            assert!(kept.iter().all(|(id, _)| world.has(*id) == [0, 1, 2]));
        });
    }
}
