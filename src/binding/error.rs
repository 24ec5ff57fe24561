//! Errors on their way to JavaScript: real `Error` objects with `code`, `hint`, and what they are about.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::bindgen_prelude::{JsObjectValue, JsValue, Object, Unknown};
use napi::{Env, Property, PropertyAttributes, Status};
use napi_derive::napi;

use super::shapes;
use crate::error::{Error, ErrorCode};

/// Why an export failed.
pub(super) enum Failure {
    /// The core says no.
    Core(Box<Error>),
    /// JavaScript threw while we read its values, or Node-API refused a call.
    Js(napi::Error),
}

/// The result of everything between an argument and an answer.
pub(super) type Outcome<T> = Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Core(Box::new(error))
    }
}

impl From<napi::Error> for Failure {
    fn from(error: napi::Error) -> Self {
        Self::Js(error)
    }
}

/// Runs the body of a synchronous export: failures are thrown as typed errors, a panic as `OKSTRA_INTERNAL`.
pub(super) fn guarded<T>(env: &Env, body: impl FnOnce() -> Outcome<T>) -> napi::Result<T> {
    match catching(body) {
        Ok(value) => Ok(value),
        Err(Failure::Core(error)) => Err(thrown(env, &error)),
        Err(Failure::Js(error)) => Err(error),
    }
}

/// Runs something and turns a panic into a failure: across the boundary it would abort Node.
pub(super) fn catching<T, F: From<Error>>(body: impl FnOnce() -> Result<T, F>) -> Result<T, F> {
    // What a panic leaves half changed is dropped with the closure; locks are released by their guards.
    catch_unwind(AssertUnwindSafe(body))
        .unwrap_or_else(|payload| Err(Error::Internal { message: panic_message(payload.as_ref()) }.into()))
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("without a message"))
}

/// The error as a value that napi throws, or rejects with, untouched.
pub(super) fn thrown(env: &Env, error: &Error) -> napi::Error {
    match to_object(env, error) {
        Ok(object) => as_is(object.to_unknown()),
        // Only an environment that is shutting down refuses to make an object; nobody will see this one either.
        Err(refused) => refused,
    }
}

/// A JavaScript value as an error that reaches JavaScript again as the same value.
pub(super) fn as_is(value: Unknown<'_>) -> napi::Error {
    napi::Error::from_unknown_without_coercion(value)
}

/// The JavaScript `Error` for an error of the core.
pub(super) fn to_object<'env>(env: &'env Env, error: &Error) -> napi::Result<Object<'env>> {
    let mut object = env.create_error(napi::Error::new(Status::GenericFailure, error.to_string()))?;
    object.set_named_property("code", error.code().as_str())?;
    object.set_named_property("hint", error.hint())?;
    if let Some(path) = error.path() {
        // An error is read by people: here, unlike in an answer, an approximate path is better than none.
        object.set_named_property("path", path.to_string_lossy().as_ref())?;
    }
    if let Some(branch) = error.branch() {
        object.set_named_property("branch", branch)?;
    }
    if let Some(key) = error.task_key() {
        object.set_named_property("taskKey", key.to_string())?;
    }
    if !error.obstacles().is_empty() {
        let obstacles: Vec<_> = error.obstacles().iter().map(shapes::Obstacle::from).collect();
        object.set_named_property("obstacles", obstacles)?;
    }
    Ok(object)
}

/// The `Error` of an aborted call, shaped like Node's own: `name` is `AbortError`, `cause` is the signal's reason.
pub(super) fn aborted<'env>(
    env: &'env Env,
    error: &Error,
    reason: Unknown<'_>,
) -> napi::Result<Object<'env>> {
    let mut object = to_object(env, error)?;
    let hidden = PropertyAttributes::Writable | PropertyAttributes::Configurable;
    let name = env.create_string("AbortError")?;
    object.define_properties(&[
        Property::new().with_utf8_name("name")?.with_value(&name).with_property_attributes(hidden),
        Property::new().with_utf8_name("cause")?.with_value(&reason).with_property_attributes(hidden),
    ])?;
    Ok(object)
}

/// Every `code` that an error of this package can carry. The list only grows, and no code changes its meaning.
#[napi(ts_return_type = "OkstraErrorCode[]")]
pub fn error_codes() -> Vec<&'static str> {
    ErrorCode::ALL.iter().map(|code| code.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_internal_error_with_its_message() {
        let literal = catching(|| -> Result<(), Error> { panic!("literal") }).unwrap_err();
        let formatted = catching(|| -> Result<(), Error> { panic!("number {}", 7) }).unwrap_err();
        assert_eq!(literal.code(), ErrorCode::Internal);
        assert!(literal.to_string().contains("literal"), "{literal}");
        assert!(formatted.to_string().contains("number 7"), "{formatted}");
    }
}
