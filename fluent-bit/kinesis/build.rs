//! Keeps the library mapped after `dlclose`: the host closes us while its own threads may still
//! have to run our thread-local destructors.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
