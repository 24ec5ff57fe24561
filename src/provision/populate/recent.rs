//! What other fills of this process have just read: several worktrees of one repository that are filled at once read
//! and hash each file of the main worktree once together, not once each. That is a third of the work of a copy.
//!
//! Nothing is kept for a fill that is alone, and nothing outlives the last one that is under way.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rustix::fs::Timespec;

use crate::git::index::ObjectId;

/// Most bytes of content that are kept: fills that began together are far less apart.
const ROOM: usize = 32 * 1024 * 1024;
/// Larger files are few, and each would push many others out.
const LARGEST: usize = 256 * 1024;

/// The fills from one main worktree that are under way.
static UNDER_WAY: Mutex<Option<HashMap<PathBuf, Weak<Recent>>>> = Mutex::new(None);

/// The files of a main worktree that were read last.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    files: HashMap<Arc<[u8]>, Arc<File>>,
    /// In the order in which they came.
    order: VecDeque<Arc<[u8]>>,
    bytes: usize,
}

/// A file whose content was proven to be the blob `id`.
#[derive(Debug)]
pub(super) struct File {
    pub(super) id: ObjectId,
    pub(super) content: Box<[u8]>,
    pub(super) mtime: Timespec,
}

impl Recent {
    /// That of the main worktree, for as long as it is held.
    pub(super) fn of(main: &Path) -> Arc<Self> {
        let mut under_way = lock(&UNDER_WAY);
        let under_way = under_way.get_or_insert_default();
        under_way.retain(|_, recent| recent.strong_count() > 0);
        if let Some(recent) = under_way.get(main).and_then(Weak::upgrade) {
            return recent;
        }
        let recent = Arc::default();
        under_way.insert(main.to_owned(), Arc::downgrade(&recent));
        recent
    }

    /// The file at `path`, if another fill has just read it with this content.
    pub(super) fn find(self: &Arc<Self>, path: &[u8], id: &ObjectId) -> Option<Arc<File>> {
        if Arc::strong_count(self) == 1 {
            return None;
        }
        lock(&self.0).files.get(path).filter(|file| file.id == *id).cloned()
    }

    /// Keeps what was read for the others, where there are any.
    pub(super) fn keep(self: &Arc<Self>, path: &[u8], id: &ObjectId, content: &[u8], mtime: Timespec) {
        if Arc::strong_count(self) == 1 || content.len() > LARGEST {
            return;
        }
        let file = Arc::new(File { id: *id, content: content.into(), mtime });
        let path: Arc<[u8]> = path.into();
        let mut kept = lock(&self.0);
        kept.bytes += content.len();
        if let Some(earlier) = kept.files.insert(Arc::clone(&path), file) {
            kept.bytes -= earlier.content.len();
            return;
        }
        kept.order.push_back(path);
        while kept.bytes > ROOM {
            let Some(oldest) = kept.order.pop_front() else { break };
            let dropped = kept.files.remove(&oldest);
            kept.bytes -= dropped.map_or(0, |file| file.content.len());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use gix_index::hash::Kind;

    use super::*;

    const MTIME: Timespec = Timespec { tv_sec: 1, tv_nsec: 2 };

    fn id() -> ObjectId {
        ObjectId::empty_blob(Kind::Sha1)
    }

    #[test]
    fn one_fill_finds_what_another_one_read_and_only_with_the_content_it_wants() {
        let (one, other) = (Recent::of(Path::new("/shared")), Recent::of(Path::new("/shared")));
        one.keep(b"a", &id(), b"content", MTIME);
        let found = other.find(b"a", &id()).unwrap();
        assert_eq!((&*found.content, found.mtime), (&b"content"[..], MTIME));
        assert!(other.find(b"a", &ObjectId::null(Kind::Sha1)).is_none(), "another blob");
        assert!(other.find(b"b", &id()).is_none(), "another path");
        assert!(Recent::of(Path::new("/elsewhere")).find(b"a", &id()).is_none(), "another repository");
    }

    #[test]
    fn nothing_is_kept_for_a_fill_that_is_alone_or_after_the_last_one() {
        let alone = Recent::of(Path::new("/alone"));
        alone.keep(b"a", &id(), b"content", MTIME);
        let other = Recent::of(Path::new("/alone"));
        assert!(other.find(b"a", &id()).is_none(), "it was kept before there was another one");
        other.keep(b"a", &id(), b"content", MTIME);
        drop((alone, other));
        let (next, _with) = (Recent::of(Path::new("/alone")), Recent::of(Path::new("/alone")));
        assert!(next.find(b"a", &id()).is_none());
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_oldest_goes_first() {
        let (recent, _other) = (Recent::of(Path::new("/full")), Recent::of(Path::new("/full")));
        let content = vec![0; LARGEST];
        let count = ROOM / LARGEST;
        let name = |number: usize| number.to_string().into_bytes();
        for number in 0..=count {
            recent.keep(&name(number), &id(), &content, MTIME);
            // Again, as by a second fill that was as fast: it takes no further room.
            recent.keep(&name(number), &id(), &content, MTIME);
        }
        assert!(recent.find(&name(0), &id()).is_none());
        assert!((1..=count).all(|number| recent.find(&name(number), &id()).is_some()));
        assert_eq!(lock(&recent.0).bytes, ROOM);
        recent.keep(b"larger", &id(), &vec![0; LARGEST + 1], MTIME);
        assert!(recent.find(b"larger", &id()).is_none());
    }
}
