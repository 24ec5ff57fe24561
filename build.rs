//! Lets the linker leave the Node-API symbols open where the platform needs it; does nothing for the plain core.

fn main() {
    #[cfg(feature = "napi")]
    napi_build::setup();
}
