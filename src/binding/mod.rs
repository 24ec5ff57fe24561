//! The JavaScript face: the only code that knows Node.
//!
//! An export reads its arguments ([`arguments`]), calls one function of the core, and turns the answer into plain
//! objects ([`shapes`]). What goes wrong becomes an `Error` with a stable `code` ([`error`]), never an abort of the
//! process: every call into the core runs under `catch_unwind`. Waiting is done on threads of our own ([`background`]).

#![cfg_attr(
    test,
    allow(dead_code, reason = "napi leaves the registration of the exports out of test builds")
)]

mod adopt;
mod arguments;
mod background;
mod disk;
mod doctor;
mod error;
mod guard;
mod installation;
mod location;
mod names;
mod provision;
mod registry;
mod removal;
mod shapes;
mod spares;
mod survey;
mod survey_shapes;
mod tasks;
#[cfg(feature = "test-hooks")]
mod test_hooks;
