//! `docs/options.md`: its tables are made from those that the code reads.

use router::PLUGINS;
use router::options::Spec;

use crate::assert_has_parts;

#[test]
fn the_tables_of_options_are_those_of_the_code() {
    let parts = PLUGINS.iter().flat_map(|plugin| {
        let name = plugin.name;
        [
            (name.to_owned(), table(plugin.options)),
            (format!("{name} without effect"), list(plugin.foreign)),
        ]
    });
    let parts: Vec<_> = parts.collect();
    assert_has_parts(DOCUMENT, &parts);
}

fn table(options: &[Spec]) -> String {
    let rows = options.iter().map(|option| {
        let Spec {
            key,
            form,
            default,
            help,
        } = option;
        let default = if default.is_empty() {
            String::new()
        } else {
            format!("`{default}`")
        };
        format!("| `{key}` | {form} | {default} | {help} |\n")
    });
    let head = "| Option | Value | Default | Meaning |\n|---|---|---|---|\n";
    head.to_owned() + &rows.collect::<String>()
}

fn list(keys: &[(&str, &str)]) -> String {
    keys.iter()
        .map(|(key, advice)| format!("- `{key}`: {advice}\n"))
        .collect()
}

const DOCUMENT: &str = "docs/options.md";
