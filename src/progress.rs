//! Telling how far a long piece of work has come.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The shortest time between two reports: more often than anybody reads.
const INTERVAL: Duration = Duration::from_millis(100);

type Listener = dyn Fn(usize, usize) + Send + Sync;

/// Somebody who wants to know how far a piece of work is, or nobody. Clones report to the same one.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<Inner>>);

struct Inner {
    listener: Box<Listener>,
    last: Mutex<Option<Instant>>,
}

impl Progress {
    /// Reports to `listener`: how many files are done, and of how many. It is called at most ten times a second, from
    /// the threads that do the work.
    #[must_use]
    pub fn to(listener: impl Fn(usize, usize) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(Inner { listener: Box::new(listener), last: Mutex::new(None) })))
    }

    /// Reports, unless the last report is too fresh.
    pub fn report(&self, done: usize, total: usize) {
        let Some(inner) = &self.0 else { return };
        let now = Instant::now();
        {
            let mut last = inner.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if last.is_some_and(|last| now.duration_since(last) < INTERVAL) {
                return;
            }
            *last = Some(now);
        }
        (inner.listener)(done, total);
    }

    /// Reports the end, however fresh the last report is.
    pub fn finish(&self, total: usize) {
        if let Some(inner) = &self.0 {
            (inner.listener)(total, total);
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Progress(listener)" } else { "Progress(nobody)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_few_and_the_end_is_always_told() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let progress = Progress::to({
            let told = Arc::clone(&told);
            move |done, total| told.lock().unwrap().push((done, total))
        });
        for done in 0..1000 {
            progress.report(done, 1000);
        }
        progress.finish(1000);
        let told = told.lock().unwrap();
        assert!(told.len() < 100 && told.first() == Some(&(0, 1000)) && told.last() == Some(&(1000, 1000)));
    }
}
