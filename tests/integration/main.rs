//! Integration tests: real git, real processes, throw-away directories.
//!
//! Every provision runs in a process of its own (see [`support::child`]), because its environment is part of what is
//! tested and the environment of this process is shared by all test threads.

#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests run git and plant files as anybody on the machine may")]
#![expect(clippy::print_stderr, reason = "a test that cannot run here says so")]

mod bases;
mod broken_git;
mod content;
mod environment;
mod filters_and_hooks;
#[cfg(target_os = "linux")]
mod full_disk;
mod hooks;
mod leftovers;
mod links;
mod names;
mod paths;
mod projects;
mod refusals;
mod removal;
mod repositories;
mod restoring;
mod shared_dirs;
mod standing;
mod standing_lock;
mod statuses;
mod support;
mod survey_facts;
mod survey_proof;
#[cfg(target_os = "linux")]
mod taking_back;
