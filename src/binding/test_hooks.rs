//! Exports that panic, so that a test can see that Node survives. Only built with the feature `test-hooks`.

use napi::Env;
use napi::bindgen_prelude::{Object, Unknown};
use napi_derive::napi;

use super::background;
use super::error::guarded;
use crate::cancel::Cancel;
use crate::error::Result;

/// Panics on the JavaScript thread.
#[napi]
pub fn panic_sync(env: Env) -> napi::Result<()> {
    guarded(&env, || panic!("on purpose"))
}

/// Panics on the thread of an asynchronous call.
#[napi]
pub fn panic_async<'env>(env: &'env Env, signal: Unknown<'env>) -> napi::Result<Object<'env>> {
    background::run(env, "panicking", signal, || {
        Ok((|| -> Result<()> { panic!("on purpose") }, Cancel::default()))
    })
}
