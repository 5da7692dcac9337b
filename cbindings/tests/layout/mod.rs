//! Sizes and offsets, as Rust has them and as a C compiler prints them.

use std::mem::{offset_of, size_of};
use std::path::Path;
use std::process::Command;
use std::{fmt::Write, fs};

use cbindings::abi::{Api, Context, Definition, InitArguments};

/// One structure: its size, and the offset of each field in order.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Layout {
    size: usize,
    offsets: Vec<usize>,
}

impl Layout {
    pub(crate) fn offsets(layouts: &[Self]) -> Vec<&[usize]> {
        layouts.iter().map(|layout| &layout.offsets[..]).collect()
    }
}

/// A structure's name in C and those of its fields.
pub(crate) type Structure = (&'static str, &'static [&'static str]);

macro_rules! layout {
    ($structure:ty: $($field:ident)*) => {
        Layout {
            size: size_of::<$structure>(),
            offsets: vec![$(offset_of!($structure, $field)),*],
        }
    };
}

/// The structures of `abi.rs`.
pub(crate) fn rust() -> Vec<Layout> {
    vec![
        layout!(Definition: kind proxy flags name description),
        layout!(InitArguments: name api instance context),
        layout!(Context: remote),
        layout!(Api: output_get_property input_get_property output_get_cmt_instance
            input_get_cmt_instance log_print input_log_check output_log_check),
    ]
}

/// The same structures as the C header names them.
pub(crate) const HEADER: [Structure; 4] = [
    (
        "fbp_definition",
        &["kind", "proxy", "flags", "name", "description"],
    ),
    (
        "fbp_init_arguments",
        &["name", "api", "instance", "context"],
    ),
    ("fbp_context", &["remote"]),
    ("fbp_api", API),
];

/// The same structures as Fluent Bit names them.
pub(crate) const FLUENT_BIT: [Structure; 4] = [
    (
        "flb_plugin_proxy_def",
        &["type", "proxy", "flags", "name", "description"],
    ),
    ("flbgo_output_plugin", &["name", "api", "o_ins", "context"]),
    ("flb_plugin_proxy_context", &["remote_context"]),
    ("flb_api", API),
];

const API: &[&str] = &[
    "output_get_property",
    "input_get_property",
    "output_get_cmt_instance",
    "input_get_cmt_instance",
    "log_print",
    "input_log_check",
    "output_log_check",
];

/// Compiles `definitions` and has the structures' layouts printed.
pub(crate) fn measured(name: &str, definitions: &str, structures: &[Structure]) -> Vec<Layout> {
    let expressions = structures.iter().flat_map(|(structure, fields)| {
        let offset = move |field: &&str| format!("offsetof(struct {structure}, {field})");
        [format!("sizeof(struct {structure})")]
            .into_iter()
            .chain(fields.iter().map(offset))
    });
    let mut printed = printed(name, definitions, expressions).into_iter();
    let mut next = || usize::try_from(printed.next().expect("a number each")).expect("no negative");
    let layout = |(_, fields): &Structure| Layout {
        size: next(),
        offsets: fields.iter().map(|_| next()).collect(),
    };
    structures.iter().map(layout).collect()
}

/// Compiles `definitions` and has some constants printed.
pub(crate) fn numbers(name: &str, definitions: &str, constants: &[&str]) -> Vec<i32> {
    let printed = printed(name, definitions, constants.iter().map(ToString::to_string));
    printed
        .into_iter()
        .map(|number| i32::try_from(number).expect("an int"))
        .collect()
}

/// The structures' definitions, cut out of a header whose other parts need a configured tree.
pub(crate) fn extracted(header: &Path, structures: &[&str]) -> String {
    let text = fs::read_to_string(header).unwrap_or_else(|p| panic!("{}: {p}", header.display()));
    let definition = |name: &&str| {
        let start = text.find(&format!("struct {name} {{")).expect(name);
        let end = text[start..].find("\n};").expect("the end of a structure");
        format!("{}\n}};\n", &text[start..start + end])
    };
    structures.iter().map(definition).collect()
}

fn printed(name: &str, definitions: &str, expressions: impl Iterator<Item = String>) -> Vec<i64> {
    let source = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(name)
        .with_extension("c");
    let program = source.with_extension("");
    fs::write(&source, c_program(definitions, expressions)).expect("a source file");
    let mut compiler = Command::new(std::env::var_os("TEST_CC").unwrap_or("cc".into()));
    compiler
        .args(["-std=c99", "-w", "-o"])
        .arg(&program)
        .arg(&source);
    assert!(
        compiler.status().expect("a C compiler is needed").success(),
        "{}",
        source.display()
    );
    let output = Command::new(&program)
        .output()
        .expect("the compiled program runs");
    let numbers = String::from_utf8(output.stdout).expect("digits");
    numbers
        .lines()
        .map(|line| line.parse().expect("a number"))
        .collect()
}

fn c_program(definitions: &str, expressions: impl Iterator<Item = String>) -> String {
    let mut program = format!("#include <stddef.h>\n#include <stdio.h>\n{definitions}\n");
    program.push_str("int main(void)\n{\n");
    for expression in expressions {
        writeln!(
            program,
            "    printf(\"%lld\\n\", (long long) {expression});"
        )
        .expect("memory");
    }
    program.push_str("    return 0;\n}\n");
    program
}
