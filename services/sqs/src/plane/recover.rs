use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use haneul_kit::Env;
use haneul_store::StoreError;
use haneul_store::log::{Journal, Keep, LogOptions, Position};

use super::log::{self, Limits, Log};
use super::op::Op;
use super::{LiveQueue, Plane, QueueNo, checkpoint};

impl Plane {
    /// All in memory, lost at the end.
    pub(crate) fn in_memory(env: &Env, queues: Vec<Arc<LiveQueue>>) -> Plane {
        let log = Log::new(Journal::memory(Keep::Nothing), 1, None, Limits::default());
        Plane::new(env.clone(), log, queues)
    }

    /// Opens the log in `dir` and brings the messages of `queues` back. `must_exist` when the store knows that there was
    /// a log. Blocks.
    ///
    /// Records of queues that are not among `queues` are of deleted ones.
    pub(crate) fn recover(
        env: &Env,
        dir: &Path,
        queues: Vec<Arc<LiveQueue>>,
        must_exist: bool,
        limits: Limits,
    ) -> Result<Plane, StoreError> {
        let replay = Replay { queues: queues.iter().map(|queue| (queue.no, queue.clone())).collect() };
        env.fs.create_dir_all_synced(dir)?;
        let checkpoint_path = dir.join("checkpoint");
        let mut next_seq = 1;
        let loaded = checkpoint::load(&env.fs, &checkpoint_path, |op, position, length| {
            replay.apply(op, position, length);
        })?;
        let mut from = Position::START;
        if let Some((position, next)) = loaded {
            (from, next_seq) = (position, next);
        }
        let options = LogOptions { segment_bytes: limits.segment_bytes, must_exist, ..LogOptions::default() };
        let seed = env.rng.u64() as u32;
        let journal = Journal::open(&env.fs, &dir.join("log"), seed, options, from, |position, record| {
            let (op, _) = Op::decode(record).ok_or_else(|| {
                StoreError::Damaged(format!("the SQS log's record at {position:?} does not decode"))
            })?;
            next_seq = next_seq.max(op.last_seq() + 1);
            replay.apply(&op, position.to_u64(), log::length(&[record]));
            Ok(())
        })?;
        for queue in &queues {
            queue.core.lock().queue.replayed();
        }
        let log = Log::new(journal, next_seq, Some(&checkpoint_path), limits);
        Ok(Plane::new(env.clone(), log, queues))
    }
}

struct Replay {
    queues: HashMap<QueueNo, Arc<LiveQueue>>,
}

impl Replay {
    fn apply(&self, op: &Op<'_>, position: u64, length: u32) {
        if let Op::Arrive { from: Some(from), .. } = op
            && let Some(source) = self.queues.get(&from.queue)
        {
            source.core.lock().queue.replay_removal(from.slot, from.seq);
        }
        if let Some(queue) = self.queues.get(&op.queue()) {
            op.apply(&mut queue.core.lock().queue, position, length);
        }
    }
}
