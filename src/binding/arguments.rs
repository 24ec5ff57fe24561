//! Reading arguments field by field, so that whatever is wrong with one is said with its name and our own code.

use std::path::{Path, PathBuf};
use std::time::Duration;

use napi::bindgen_prelude::{
    FromNapiValue, Function, JsObjectValue, JsValue, JsValuesTupleIntoVec, Object, Unknown,
};
use napi::{JsString, ValueType};

use super::error::Outcome;
use crate::error::Error;
use crate::lock::Patience;

/// The largest number that JavaScript counts to without gaps.
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// An options object whose fields are read one by one.
pub(super) struct Fields<'env>(Option<Object<'env>>);

impl<'env> Fields<'env> {
    /// Takes a value that must be an object.
    pub(super) fn required(what: &'static str, value: Unknown<'env>) -> Outcome<Self> {
        match value.get_type()? {
            // SAFETY: the type was just seen to be an object.
            ValueType::Object => Ok(Self(Some(unsafe { value.cast() }?))),
            other => Err(mistyped(what, other, "an object").into()),
        }
    }

    /// Takes a value that must be an object or absent.
    pub(super) fn optional(what: &'static str, value: Unknown<'env>) -> Outcome<Self> {
        if is_absent(value)? { Ok(Self(None)) } else { Self::required(what, value) }
    }

    fn value(&self, name: &'static str) -> Outcome<Option<Unknown<'env>>> {
        let Some(object) = &self.0 else { return Ok(None) };
        let value: Unknown<'env> = object.get_named_property_unchecked(name)?;
        Ok(if is_absent(value)? { None } else { Some(value) })
    }

    /// A text that must be there.
    pub(super) fn text(&self, name: &'static str) -> Outcome<String> {
        match self.value(name)? {
            Some(value) => text(name, value),
            None => Err(missing(name).into()),
        }
    }

    /// A text, or nothing.
    pub(super) fn optional_text(&self, name: &'static str) -> Outcome<Option<String>> {
        self.value(name)?.map(|value| text(name, value)).transpose()
    }

    /// Texts in an array; none when it is absent.
    pub(super) fn optional_texts(&self, name: &'static str) -> Outcome<Vec<String>> {
        let Some(value) = self.value(name)? else { return Ok(Vec::new()) };
        if value.get_type()? != ValueType::Object || !value.is_array()? {
            return Err(mistyped(name, value.get_type()?, "an array of strings").into());
        }
        // SAFETY: the type was just seen to be an object, and an array is one.
        let array: Object<'env> = unsafe { value.cast() }?;
        (0..array.get_array_length()?)
            .map(|index| text(name, array.get_element::<Unknown<'env>>(index)?))
            .collect()
    }

    /// A switch; off when it is absent.
    pub(super) fn optional_flag(&self, name: &'static str) -> Outcome<bool> {
        let Some(value) = self.value(name)? else { return Ok(false) };
        match value.get_type()? {
            // SAFETY: the type was just seen to be a boolean.
            ValueType::Boolean => Ok(unsafe { value.cast() }?),
            other => Err(mistyped(name, other, "a boolean").into()),
        }
    }

    /// Whether a field is given.
    pub(super) fn has(&self, name: &'static str) -> Outcome<bool> {
        Ok(self.value(name)?.is_some())
    }

    /// A function, or nothing.
    pub(super) fn optional_function<Args: JsValuesTupleIntoVec, Return: FromNapiValue>(
        &self,
        name: &'static str,
    ) -> Outcome<Option<Function<'env, Args, Return>>> {
        let Some(value) = self.value(name)? else { return Ok(None) };
        if value.get_type()? != ValueType::Function {
            return Err(mistyped(name, value.get_type()?, "a function").into());
        }
        // SAFETY: the type was just seen to be a function.
        Ok(Some(unsafe { value.cast() }?))
    }

    /// A path that must be there, made absolute now: the working directory may change while a call is under way.
    pub(super) fn path(&self, name: &'static str) -> Outcome<PathBuf> {
        absolute(name, &self.text(name)?)
    }

    /// A path made absolute, or nothing.
    pub(super) fn optional_path(&self, name: &'static str) -> Outcome<Option<PathBuf>> {
        self.optional_text(name)?.map(|path| absolute(name, &path)).transpose()
    }

    /// A whole number that is not negative, or nothing. Read as a double: Node-API's own integers turn -1 and 1.5 into
    /// other numbers without a word.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a whole number in range"
    )]
    pub(super) fn optional_count(&self, name: &'static str) -> Outcome<Option<u64>> {
        let Some(value) = self.value(name)? else { return Ok(None) };
        if value.get_type()? != ValueType::Number {
            return Err(mistyped(name, value.get_type()?, "a number").into());
        }
        // SAFETY: the type was just seen to be a number.
        let number: f64 = unsafe { value.cast() }?;
        if (0.0..=MAX_SAFE_INTEGER).contains(&number) && number.fract() == 0.0 {
            Ok(Some(number as u64))
        } else {
            let reason = "it is no whole number from 0 to 2^53 - 1";
            Err(Error::invalid(name, number.to_string(), reason).into())
        }
    }

    /// How long to wait for locks: what the field says (milliseconds), else what the environment says.
    pub(super) fn patience(&self, name: &'static str) -> Outcome<Patience> {
        let mut patience = Patience::from_env()?;
        if let Some(milliseconds) = self.optional_count(name)? {
            patience.timeout = Duration::from_millis(milliseconds);
        }
        Ok(patience)
    }
}

/// Whether a value stands for "not given". `null` does: much JSON says it.
pub(super) fn is_absent(value: Unknown<'_>) -> Outcome<bool> {
    Ok(matches!(value.get_type()?, ValueType::Undefined | ValueType::Null))
}

/// A text. Lone surrogates are refused: they would reach files and git as another text.
pub(super) fn text(name: &'static str, value: Unknown<'_>) -> Outcome<String> {
    match value.get_type()? {
        ValueType::String => {}
        ValueType::Undefined | ValueType::Null => return Err(missing(name).into()),
        other => return Err(mistyped(name, other, "a string").into()),
    }
    // SAFETY: the type was just seen to be a string.
    let units = unsafe { value.cast::<JsString>() }?.into_utf16()?;
    // napi's slice ends with the terminating null.
    let units = units.as_slice().split_last().map_or(&[][..], |(_, units)| units);
    String::from_utf16(units).map_err(|_| {
        let shown = String::from_utf16_lossy(units);
        Error::invalid(name, shown, "it holds half a surrogate pair, which is no character").into()
    })
}

/// A path for JavaScript, whose strings cannot hold every path.
pub(super) fn path_text(path: &Path) -> Result<String, Error> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Error::invalid(
            "path",
            path.to_string_lossy(),
            "it is no valid UTF-8, so a JavaScript string cannot hold it",
        )
    })
}

/// A path made absolute.
pub(super) fn absolute(name: &'static str, path: &str) -> Outcome<PathBuf> {
    if path.is_empty() {
        return Err(Error::invalid(name, path, "it is empty").into());
    }
    if path.contains('\0') {
        return Err(Error::invalid(name, path, "it holds a null character").into());
    }
    std::path::absolute(path)
        .map_err(|source| Error::Io { action: "make absolute", path: path.into(), source }.into())
}

fn missing(name: &'static str) -> Error {
    Error::invalid(name, "undefined", "it is required")
}

fn mistyped(name: &'static str, found: ValueType, wanted: &str) -> Error {
    let found = match found {
        ValueType::Undefined => "undefined",
        ValueType::Null => "null",
        ValueType::Boolean => "a boolean",
        ValueType::Number => "a number",
        ValueType::String => "a string",
        ValueType::Symbol => "a symbol",
        ValueType::Object => "an object",
        ValueType::Function => "a function",
        _ => "a value of another type",
    };
    Error::invalid(name, found, format!("it must be {wanted}"))
}
