//! One contract in three languages: `abi.rs`, the C header, and Fluent Bit's own headers.

mod layout;

use std::env;
use std::path::{Path, PathBuf};

use cbindings::Level::{Debug, Error, Info, Warn};
use cbindings::abi::{FLB_ERROR, FLB_OK, FLB_RETRY, GO_PROXY, OUTPUT_PLUGIN};
use layout::{Layout, extracted, measured, rust};

#[test]
fn the_c_header_describes_the_same_structures_as_abi_rs() {
    let header = include_str!("../include/fluent_bit_proxy.h");
    assert_eq!(measured("header", header, &layout::HEADER), rust());
}

#[test]
fn the_c_header_names_the_same_numbers_as_abi_rs() {
    let header = include_str!("../include/fluent_bit_proxy.h");
    let names = [
        "FBP_OUTPUT_PLUGIN",
        "FBP_GO_PROXY",
        "FBP_ERROR",
        "FBP_OK",
        "FBP_RETRY",
    ];
    let levels = [
        "FBP_LOG_ERROR",
        "FBP_LOG_WARN",
        "FBP_LOG_INFO",
        "FBP_LOG_DEBUG",
    ];
    let codes = [OUTPUT_PLUGIN, GO_PROXY, FLB_ERROR, FLB_OK, FLB_RETRY];
    let expected = codes
        .into_iter()
        .chain([Error, Warn, Info, Debug].map(|level| level as i32));
    let numbers = layout::numbers("numbers", header, &[&names[..], &levels[..]].concat());
    assert_eq!(numbers, expected.collect::<Vec<_>>());
}

/// Sizes are left out: Fluent Bit's structures go on where ours end.
#[test]
fn fluent_bits_own_headers_begin_with_the_same_fields() {
    let Some(source) = env::var_os("FLUENT_BIT_SOURCE").map(PathBuf::from) else {
        return println!("not compared: FLUENT_BIT_SOURCE names no Fluent Bit source tree");
    };
    let definitions = FILES.map(|(file, names)| extracted(&source.join(Path::new(file)), names));
    let theirs = measured("fluent-bit", &definitions.concat(), &layout::FLUENT_BIT);
    assert_eq!(Layout::offsets(&theirs), Layout::offsets(&rust()));
}

const FILES: [(&str, &[&str]); 3] = [
    (
        "include/fluent-bit/flb_plugin_proxy.h",
        &["flb_plugin_proxy_def", "flb_plugin_proxy_context"],
    ),
    ("include/fluent-bit/flb_api.h", &["flb_api"]),
    ("src/proxy/go/go.h", &["flbgo_output_plugin"]),
];
