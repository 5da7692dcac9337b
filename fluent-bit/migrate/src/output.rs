//! Sections of a configuration -> what each output needs.

use crate::classic::Section;
use crate::iam;
use crate::options::{Options, is_of_the_environment};
use crate::peers::{Family, Peer, kept_by_the_host};
use crate::plugin::{Plugin, Verdict};
use crate::report::{Part, Remark, Report};

/// What a configuration needs.
#[must_use]
pub fn report(sections: &[Section]) -> Report {
    let mut report = Report::default();
    for section in sections {
        let line = section.line;
        match section.kind.as_str() {
            "OUTPUT" => {
                let name = section.options.get("name").unwrap_or_default();
                let title = format!("line {line}: output `{name}`");
                add(&mut report, title, name, &section.options);
            }
            "@" => report.parts.extend(included(section)),
            _ => {}
        }
    }
    if report.parts.is_empty() {
        let nothing = "no output: there is nothing to change";
        report.parts.push(Part::new(nothing));
    }
    report
}

fn included(section: &Section) -> Option<Part> {
    let (_, path) = section
        .options
        .0
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("include"))?;
    let title = format!("line {}: `{path}` is included", section.line);
    let advice = "run this tool on that file too: it is not read from here";
    Some(Part::new(title).with(Remark::Edit(advice.to_owned())))
}

/// Adds what an output of that name needs.
pub fn add(report: &mut Report, title: String, name: &str, options: &Options) {
    let Some(peer) = Peer::named(name) else {
        let part = Part::new(title);
        report.parts.push(match of_another(name) {
            Some(remark) => part.with(remark),
            None => part.with(Remark::Keep("it is none of the plugins here".to_owned())),
        });
        return;
    };
    let part = Part {
        title,
        remarks: remarks(peer, options),
    };
    report.parts.push(part);
    report.actions.extend(iam::actions(peer.plugin, options));
}

/// What is to be said of an output that this router has no plugin for.
fn of_another(name: &str) -> Option<Remark> {
    match name.to_ascii_lowercase().as_str() {
        "kinesis" => Some(Remark::Edit(
            "AWS's Go plugin `kinesis` is not in this router: use Fluent Bit's own `kinesis_streams`"
                .to_owned(),
        )),
        "" => Some(Remark::Problem("it has no `Name`".to_owned())),
        _ => None,
    }
}

fn remarks(peer: &Peer, options: &Options) -> Vec<Remark> {
    let plugin = peer.plugin;
    let verdict = plugin.verdict(options);
    let mut remarks = Vec::new();
    if peer.name != plugin.name() {
        let (old, new) = (peer.name, plugin.name());
        remarks.push(Remark::Edit(format!("write `Name {new}` for `Name {old}`")));
    }
    let keys = options.0.iter();
    let keys = keys.map(|(key, value)| of_key(peer, &verdict, key, value));
    let (kept, other): (Vec<Remark>, _) = keys.partition(|it| matches!(it, Remark::Keep(_)));
    remarks.extend(together(&kept));
    remarks.extend(other);
    remarks.extend(peer.differences(options));
    remarks.extend(verdict.problems.into_iter().map(Remark::Problem));
    remarks.extend(not_known(plugin, options));
    remarks
}

/// What becomes of one key.
fn of_key(peer: &Peer, verdict: &Verdict, key: &str, value: &str) -> Remark {
    if let Some(remark) = kept_by_the_host(key, value, peer.family) {
        return remark;
    }
    if let Some(spec) = peer.plugin.spec(key) {
        if let Some(why) = verdict.idle_line(spec.key) {
            return Remark::Change(why.to_owned());
        }
        return of_option(peer, spec.key, spec.form == "switch", value);
    }
    Remark::Edit(verdict.why_idle(peer.plugin, key))
}

fn of_option(peer: &Peer, key: &str, is_switch: bool, value: &str) -> Remark {
    let is_go = peer.family == Family::Go;
    let known_to_go = ["true", "false"];
    let mut known_to_go = known_to_go.iter();
    if is_go && !peer.has(key) {
        return Remark::Change(format!(
            "`{key}` counts, where the Go plugin has no such option"
        ));
    }
    if is_go && is_switch && !known_to_go.any(|word| value.eq_ignore_ascii_case(word)) {
        return Remark::Change(format!(
            "`{key} {value}` counts, where the Go plugin took its default for it"
        ));
    }
    Remark::Keep(key.to_owned())
}

/// All that stays as it is in one line.
fn together(kept: &[Remark]) -> Option<Remark> {
    let names = kept.iter().filter_map(|remark| match remark {
        Remark::Keep(name) => Some(name.as_str()),
        _ => None,
    });
    let names: Vec<&str> = names
        .filter(|name| !["name", "match", "match_regex"].contains(name))
        .collect();
    (!names.is_empty()).then(|| Remark::Keep(names.join(", ")))
}

/// Options whose values come from the router's environment.
pub(crate) fn not_known(plugin: Plugin, options: &Options) -> Vec<Remark> {
    let options = options.0.iter();
    let unknown =
        options.filter(|(key, value)| plugin.spec(key).is_some() && is_of_the_environment(value));
    let unknown = unknown.map(|(key, value)| {
        Remark::Change(format!("`{key}` is `{value}`: its value is not known here"))
    });
    unknown.collect()
}
