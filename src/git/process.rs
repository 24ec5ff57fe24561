//! A started process until its end: its pipes, its time limit, and how it is stopped.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::path::Path;
use std::process::ExitStatus;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::cancel::{Cancel, NOTICE_WITHIN};
use crate::error::{Error, IoContext, Result};

use super::stderr::{Kept, Listener, Updates, shorten};

/// How long a stopped process group may take to clean up before it is killed. git removes its lock files on SIGTERM.
const GRACE: Duration = Duration::from_secs(5);
/// How long output may still come after the process has ended: a daemon that a hook left behind keeps the pipe open.
const DRAIN: Duration = Duration::from_millis(200);

/// Writes what a process reads.
pub(super) type Input = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()> + Send>;

/// What a finished process left.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// All of its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error as text; of a long one the beginning and the end.
    pub stderr: String,
}

impl Output {
    /// The error that a failed call is: git's own message is kept.
    #[must_use]
    pub fn into_error(self, command: &str, directory: &Path) -> Error {
        let stderr = shorten(&self.stderr);
        if stderr.contains("dubious ownership") {
            return Error::DubiousOwnership { path: directory.to_owned(), message: stderr };
        }
        let stderr = if stderr.is_empty() { "it said nothing".to_owned() } else { stderr };
        Error::GitFailed {
            command: command.to_owned(),
            directory: directory.to_owned(),
            status: describe(self.status),
            stderr,
        }
    }
}

fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("killed by signal {signal}");
    }
    status.code().map_or_else(|| status.to_string(), |code| format!("exit code {code}"))
}

/// A process that was started, and the ends of its pipes.
pub(super) struct Started {
    pub(super) stdin: Option<PipeWriter>,
    pub(super) stdout: PipeReader,
    pub(super) stderr: PipeReader,
    pub(super) process: Process,
}

/// How a process ended.
pub(super) enum Ended {
    Output(Output),
    TimedOut,
    Cancelled,
}

/// Waits for the end of a process, for its time to be over, or for a request to stop. With `answer` its standard output
/// matters: a call whose output does not end within that time after it has failed. Else what came counts. `told` hears the
/// progress that git tells.
pub(super) fn supervise(
    started: Started,
    told: Option<Listener>,
    limit: Duration,
    answer: Option<Duration>,
    cancel: Option<&Cancel>,
) -> Result<Ended> {
    let Started { mut process, stdout, stderr, .. } = started;
    let stdout = drain(stdout);
    let stderr = listen(stderr, told);
    let end = process.watch();
    let deadline = Instant::now() + limit;
    let mut verdict = None;
    loop {
        match end.recv_timeout(NOTICE_WITHIN.min(deadline.saturating_duration_since(Instant::now()))) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        #[cfg(not(unix))]
        if matches!(process.0.try_wait(), Ok(Some(_))) {
            break;
        }
        if Instant::now() >= deadline {
            verdict = Some(Ended::TimedOut);
        } else if cancel.is_some_and(Cancel::is_cancelled) {
            verdict = Some(Ended::Cancelled);
        }
        if verdict.is_some() {
            process.stop(&end);
            break;
        }
    }
    let status = process.wait();
    super::started::ended(process.id());
    let status = status.context("wait for", "a child process")?;
    if let Some(verdict) = verdict {
        return Ok(verdict);
    }
    let stdout = match answer {
        None => stdout.recv_timeout(DRAIN).unwrap_or_default(),
        Some(patience) => stdout
            .recv_timeout(patience)
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "it did not end"))
            .context("read the output of", "a child process")?,
    };
    let stderr = stderr.recv_timeout(DRAIN).unwrap_or_default();
    Ok(Ended::Output(Output { status, stdout, stderr }))
}

/// Fills a pipe in a thread and closes it; when the writing fails half-way, what reads it must notice by itself.
pub(super) fn feed(pipe: Option<impl Write + Send + 'static>, input: Option<Input>) {
    if let Some((mut pipe, write)) = pipe.zip(input) {
        thread::spawn(move || write(&mut pipe));
    }
}

/// Reads a pipe to its end in a thread.
fn drain(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut all = Vec::new();
        let mut chunk = [0; 16 * 1024];
        while let Ok(count @ 1..) = pipe.read(&mut chunk) {
            all.extend_from_slice(&chunk[..count]);
        }
        let _ = sender.send(all);
    });
    receiver
}

/// Reads standard error to its end in a thread.
fn listen(mut pipe: impl Read + Send + 'static, told: Option<Listener>) -> Receiver<String> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let (mut kept, mut updates) = (Kept::default(), told.map(Updates::told_to));
        let mut chunk = [0; 16 * 1024];
        while let Ok(count @ 1..) = pipe.read(&mut chunk) {
            match &mut updates {
                Some(updates) => updates.add(&chunk[..count], &mut kept),
                None => kept.add(&chunk[..count]),
            }
        }
        if let Some(updates) = &mut updates {
            updates.end(&mut kept);
        }
        let _ = sender.send(kept.into_text());
    });
    receiver
}

/// A child that has not been waited for.
#[cfg(unix)]
#[derive(Debug)]
pub(super) struct Process(rustix::process::Pid);

#[cfg(unix)]
impl Process {
    /// The child with this process id, unless that is none.
    pub(super) fn of_id(id: i32) -> Option<Self> {
        rustix::process::Pid::from_raw(id).map(Self)
    }

    /// The child of the standard library, which does not wait for it by itself.
    pub(super) fn of(child: std::process::Child) -> Self {
        Self(rustix::process::Pid::from_child(&child))
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.0.as_raw_nonzero().get().unsigned_abs()
    }

    /// Tells when it has ended, without reaping it: until then its process id cannot belong to another one, so that
    /// stopping its group is safe.
    fn watch(&self) -> Receiver<()> {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        let (sender, receiver) = mpsc::sync_channel(1);
        let pid = self.0;
        thread::spawn(move || {
            while let Err(rustix::io::Errno::INTR) =
                waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            {}
            let _ = sender.send(());
        });
        receiver
    }

    fn wait(&mut self) -> io::Result<ExitStatus> {
        use rustix::process::{WaitOptions, waitpid};
        loop {
            match waitpid(Some(self.0), WaitOptions::empty()) {
                Ok(Some((_, status))) => {
                    return Ok(std::os::unix::process::ExitStatusExt::from_raw(status.as_raw()));
                }
                Ok(None) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn stop(&mut self, end: &Receiver<()>) {
        use rustix::process::{Signal, kill_process_group};
        let _ = kill_process_group(self.0, Signal::TERM);
        let ended = end.recv_timeout(GRACE);
        // Also when the leader ended in time: a child of it may have ignored the request.
        let _ = kill_process_group(self.0, Signal::KILL);
        if matches!(ended, Err(RecvTimeoutError::Timeout)) {
            let _ = end.recv();
        }
    }
}

/// Windows: std has no wait that leaves the child usable from another thread, so supervise() looks at it in slices.
#[cfg(not(unix))]
#[derive(Debug)]
pub(super) struct Process(std::process::Child);

#[cfg(not(unix))]
impl Process {
    pub(super) const fn of(child: std::process::Child) -> Self {
        Self(child)
    }

    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }

    fn watch(&self) -> Receiver<()> {
        let (sender, receiver) = mpsc::sync_channel(1);
        std::mem::forget(sender);
        receiver
    }

    fn wait(&mut self) -> io::Result<ExitStatus> {
        self.0.wait()
    }

    fn stop(&mut self, _end: &Receiver<()>) {
        let _ = self.0.kill();
    }
}
