//! A started process until its end: its pipes, its time limit, and how it is stopped.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::cancel::{Cancel, NOTICE_WITHIN};
use crate::error::{Error, IoContext, Result};

/// How long a stopped process group may take to clean up before it is killed. git removes its lock files on SIGTERM.
const GRACE: Duration = Duration::from_secs(5);
/// How long output may still come after the process has ended: a daemon that a hook left behind keeps the pipe open.
const DRAIN: Duration = Duration::from_millis(200);
/// How much of standard error is kept for messages (its end).
const KEPT_STDERR: usize = 16 * 1024;

/// Writes what a process reads.
pub(super) type Input = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()> + Send>;

/// What a finished process left.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// All of its standard output.
    pub stdout: Vec<u8>,
    /// The end of its standard error, as text.
    pub stderr: String,
}

impl Output {
    /// The error that a failed call is: git's own message is kept.
    #[must_use]
    pub fn into_error(self, command: &str, directory: &Path) -> Error {
        let stderr = self.stderr.trim().to_owned();
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

/// How a process ended.
pub(super) enum Ended {
    Output(Output),
    TimedOut,
    Cancelled,
}

/// Waits for the end of a process, for its time to be over, or for a request to stop. With `answer` its standard output
/// matters: a call whose output does not end within that time after it has failed. Else what came counts.
pub(super) fn supervise(
    mut child: Child,
    limit: Duration,
    answer: Option<Duration>,
    cancel: Option<&Cancel>,
) -> Result<Ended> {
    let stdout = drain(child.stdout.take(), usize::MAX);
    let stderr = drain(child.stderr.take(), KEPT_STDERR);
    let end = watch(&child);
    let deadline = Instant::now() + limit;
    let mut verdict = None;
    loop {
        match end.recv_timeout(NOTICE_WITHIN.min(deadline.saturating_duration_since(Instant::now()))) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        #[cfg(not(unix))]
        if matches!(child.try_wait(), Ok(Some(_))) {
            break;
        }
        if Instant::now() >= deadline {
            verdict = Some(Ended::TimedOut);
        } else if cancel.is_some_and(Cancel::is_cancelled) {
            verdict = Some(Ended::Cancelled);
        }
        if verdict.is_some() {
            stop(&mut child, &end);
            break;
        }
    }
    let status = child.wait().context("wait for", "a child process")?;
    let collect = |receiver: Receiver<Vec<u8>>| receiver.recv_timeout(DRAIN).unwrap_or_default();
    if let Some(verdict) = verdict {
        return Ok(verdict);
    }
    let stdout = match answer {
        None => collect(stdout),
        Some(patience) => stdout
            .recv_timeout(patience)
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "it did not end"))
            .context("read the output of", "a child process")?,
    };
    let stderr = collect(stderr);
    Ok(Ended::Output(Output { status, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() }))
}

/// Fills a pipe in a thread and closes it; when the writing fails half-way, what reads it must notice by itself.
pub(super) fn feed(pipe: Option<impl Write + Send + 'static>, input: Option<Input>) {
    if let Some((mut pipe, write)) = pipe.zip(input) {
        thread::spawn(move || write(&mut pipe));
    }
}

/// Reads a pipe to its end in a thread, keeping the last `kept` bytes.
fn drain(pipe: Option<impl Read + Send + 'static>, kept: usize) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    if let Some(mut pipe) = pipe {
        thread::spawn(move || {
            let mut all = Vec::new();
            let mut chunk = [0; 16 * 1024];
            while let Ok(count @ 1..) = pipe.read(&mut chunk) {
                all.extend_from_slice(&chunk[..count]);
                if all.len() > kept.saturating_mul(2) {
                    all.drain(..all.len() - kept);
                }
            }
            let _ = sender.send(all);
        });
    }
    receiver
}

/// Tells when the process has ended, without reaping it: until then its process id cannot belong to another one, so
/// that stopping its group is safe.
#[cfg(unix)]
fn watch(child: &Child) -> Receiver<()> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let (sender, receiver) = mpsc::sync_channel(1);
    let pid = Pid::from_child(child);
    thread::spawn(move || {
        while let Err(rustix::io::Errno::INTR) =
            waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
        {}
        let _ = sender.send(());
    });
    receiver
}

// Windows: std has no wait that leaves the child usable from another thread, so supervise() looks at it in slices.
#[cfg(not(unix))]
fn watch(_child: &Child) -> Receiver<()> {
    let (sender, receiver) = mpsc::sync_channel(1);
    std::mem::forget(sender);
    receiver
}

#[cfg(unix)]
fn stop(child: &mut Child, end: &Receiver<()>) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let group = Pid::from_child(child);
    let _ = kill_process_group(group, Signal::TERM);
    let ended = end.recv_timeout(GRACE);
    // Also when the leader ended in time: a child of it may have ignored the request.
    let _ = kill_process_group(group, Signal::KILL);
    if matches!(ended, Err(RecvTimeoutError::Timeout)) {
        let _ = end.recv();
    }
}

#[cfg(not(unix))]
fn stop(child: &mut Child, _end: &Receiver<()>) {
    let _ = child.kill();
}
