//! Asynchronous calls: each on a thread of its own, with a promise, and with an `AbortSignal` where one is given.
//!
//! Node's own pool has four threads. Four calls that wait for a lock would stop every file access of the program, so
//! it is not used.

use napi::Env;
use napi::bindgen_prelude::{
    FnArgs, Function, FunctionRef, JsObjectValue, JsValue, Object, ObjectRef, ToNapiValue, Unknown,
};
use napi::{ValueType, sys};

use super::arguments::{Fields, is_absent};
use super::error::{Failure, Outcome, aborted, as_is, catching, thrown};
use crate::cancel::Cancel;
use crate::error::{Error, Result};

type OnAbort<'a> = Function<'a, (), ()>;
type AddListener<'a> = Function<'a, FnArgs<(&'a str, OnAbort<'a>, Object<'a>)>, ()>;
type RemoveListener<'a> = Function<'a, FnArgs<(&'a str, OnAbort<'a>)>, ()>;

/// Prepares a call on the JavaScript thread and runs it on its own.
///
/// `prepare` reads the arguments and the environment, and gives what to do and the flag that stops it. Everything that
/// fails, also in `prepare`, rejects the promise; nothing is thrown.
pub(super) fn run<'env, T, Work>(
    env: &'env Env,
    what: &'static str,
    signal: Unknown<'env>,
    prepare: impl FnOnce() -> Outcome<(Work, Cancel)>,
) -> napi::Result<Object<'env>>
where
    T: ToNapiValue + Send + 'static,
    Work: FnOnce() -> Result<T> + Send + 'static,
{
    let (deferred, promise) = env.create_deferred()?;
    let started = catching(|| {
        let signal = Signal::read(signal)?;
        let (work, cancel) = prepare()?;
        Ok(match signal {
            Some(signal) if signal.is_aborted()? => {
                let error = Error::Aborted { what: what.to_owned() };
                return Err(Failure::Js(signal.rejection(env, &error)));
            }
            Some(signal) => (work, Some(signal.listen(env, cancel)?)),
            None => (work, None),
        })
    });
    let (work, listener) = match started {
        Ok(started) => started,
        Err(Failure::Core(error)) => {
            deferred.reject(thrown(env, &error));
            return Ok(promise);
        }
        Err(Failure::Js(error)) => {
            deferred.reject(caught(env, error));
            return Ok(promise);
        }
    };
    let thread = std::thread::Builder::new().name("okstra call".into());
    let settle = deferred.clone();
    let spawned = thread.spawn(move || {
        let result = catching(work);
        settle.resolve(Box::new(move |env: Env| {
            let reason = listener.map(|listener| listener.end(&env)).transpose()?;
            result.map_err(|error| match (&error, reason) {
                (Error::Aborted { .. }, Some(signal)) => signal.rejection(&env, &error),
                _ => thrown(&env, &error),
            })
        }) as Box<dyn FnOnce(Env) -> napi::Result<T>>);
    });
    if let Err(source) = spawned {
        let error = Error::Io { action: "start a thread for", path: what.into(), source };
        deferred.reject(thrown(env, &error));
    }
    Ok(promise)
}

/// An `AbortSignal`, or what behaves like one.
struct Signal<'env>(Object<'env>);

impl<'env> Signal<'env> {
    fn read(value: Unknown<'env>) -> Outcome<Option<Self>> {
        if is_absent(value)? {
            return Ok(None);
        }
        Fields::required("signal", value)?;
        // SAFETY: the value was just seen to be an object.
        let object: Object<'env> = unsafe { value.cast() }?;
        for method in ["addEventListener", "removeEventListener"] {
            let found: Unknown<'_> = object.get_named_property_unchecked(method)?;
            if found.get_type()? != ValueType::Function {
                return Err(Error::invalid("signal", "an object", "it must be an AbortSignal").into());
            }
        }
        Ok(Some(Self(object)))
    }

    fn is_aborted(&self) -> napi::Result<bool> {
        let aborted: Unknown<'_> = self.0.get_named_property_unchecked("aborted")?;
        aborted.coerce_to_bool()
    }

    /// Sets the flag when the signal fires. A listener, because `onabort` belongs to the caller.
    fn listen(&self, env: &'env Env, cancel: Cancel) -> napi::Result<Listener> {
        let listener: OnAbort<'_> = env.create_function_from_closure("okstraAbort", move |_| {
            cancel.cancel();
            Ok(())
        })?;
        let function = listener.create_ref()?;
        let mut once = Object::new(env)?;
        once.set_named_property("once", true)?;
        let add: AddListener<'_> = self.0.get_named_property_unchecked("addEventListener")?;
        add.apply(self.0, ("abort", listener, once).into())?;
        Ok(Listener { signal: self.0.create_ref()?, function })
    }

    /// What a call rejects with that was stopped by this signal.
    fn rejection(&self, env: &Env, error: &Error) -> napi::Error {
        let object = self.0.get_named_property_unchecked("reason").and_then(|reason: Unknown<'_>| {
            aborted(env, error, reason).map(|object| as_is(object.to_unknown()))
        });
        object.unwrap_or_else(|refused| caught(env, refused))
    }
}

/// A listener that is registered with a signal, carried through the thread of the call without being touched there.
struct Listener {
    signal: ObjectRef<false>,
    function: FunctionRef<(), ()>,
}

impl Listener {
    /// Takes the listener away again; gives the signal back.
    fn end(self, env: &Env) -> napi::Result<Signal<'_>> {
        let signal = self.signal.get_value(env)?;
        self.signal.unref(env)?;
        let remove: RemoveListener<'_> = signal.get_named_property_unchecked("removeEventListener")?;
        remove.apply(signal, ("abort", self.function.borrow_back(env)?).into())?;
        Ok(Signal(signal))
    }
}

/// What JavaScript threw while we read its values: it stays pending in the environment, and must be taken from there
/// before a promise can be rejected with it. (The status does not tell: a getter that throws gives a generic failure.)
fn caught(env: &Env, error: napi::Error) -> napi::Error {
    let mut pending = false;
    let mut exception = std::ptr::null_mut();
    // SAFETY: the environment is live on this thread, and a value that it hands out on success is valid in this scope.
    unsafe {
        if sys::napi_is_exception_pending(env.raw(), &raw mut pending) != sys::Status::napi_ok
            || !pending
            || sys::napi_get_and_clear_last_exception(env.raw(), &raw mut exception) != sys::Status::napi_ok
        {
            return error;
        }
        as_is(Unknown::from_raw_unchecked(env.raw(), exception))
    }
}
