//! Sections of a configuration -> what each output needs.

use crate::classic::Section;
use crate::document::{Configuration, Document, Note};
use crate::edit::Change;
use crate::editor::Editor;
use crate::flags;
use crate::metrics::{Reached, reached};
use crate::options::{Options, is_of_the_environment};
use crate::peers::{Family, Peer, is_on, kept_by_the_host};
use crate::plugin::{Plugin, Verdict};
use crate::report::{Part, Remark, Report};

/// Adds what a configuration needs.
pub fn configuration(
    report: &mut Report,
    document: &Document,
    config: &Configuration,
    all: &[&Section],
) {
    let before = report.parts.len();
    for section in &config.sections {
        let line = section.line;
        let place = match config.place.is_empty() {
            true => format!("line {line}"),
            false => format!("{}, line {line}", config.place),
        };
        match section.kind.as_str() {
            "OUTPUT" => {
                let name = section.options.get("name").unwrap_or_default();
                let title = format!("{place}: output `{name}`");
                let mut editor = editor(document, config, section);
                add(
                    report,
                    title,
                    name,
                    &section.options,
                    &reached(&section.options, all),
                    &mut editor,
                );
                let changes = editor.finish();
                // Of a chart's values only keys can be left out: it makes the names of others itself.
                let is_chart = of_chart(report, section);
                let can_be = |(_, change): &(usize, Change)| !is_chart || change.text.is_empty();
                report.changes.extend(changes.into_iter().filter(can_be));
            }
            "@" => report.parts.extend(included(document, section, &place)),
            _ => {}
        }
    }
    if report.parts.len() == before && config.place.is_empty() {
        let nothing = "no output: there is nothing to change";
        report.parts.push(Part::new(nothing));
    }
}

fn editor(document: &Document, config: &Configuration, section: &Section) -> Editor {
    let layer = &document.layers[config.layer];
    Editor::new(
        section.fields.clone(),
        &layer.text,
        layer.format,
        config.layer,
    )
}

/// In a chart's values an output's name is that of a key; whether it is one of those.
fn of_chart(report: &mut Report, section: &Section) -> bool {
    let key = section.chart_key.as_deref();
    if key == Some("cloudWatchLogs") {
        let advice = "in the values: write these under `cloudWatch`, with what that key lacks in its `extraOutputs`, and `enabled: false` under `cloudWatchLogs`";
        if let Some(part) = report.parts.last_mut() {
            part.remarks.push(Remark::Edit(advice.to_owned()));
        }
    }
    key.is_some()
}

fn included(document: &Document, section: &Section, place: &str) -> Option<Part> {
    let path = section.options.get("include")?;
    let file = path.rsplit('/').next().unwrap_or(path);
    let is_here = |name: &str| name.rsplit('/').next() == Some(file);
    let is_part = document.names.iter().any(|name| is_here(name));
    let is_followed = document
        .followed
        .iter()
        .any(|other| is_here(&other.name) || file.contains('*'));
    if is_part || is_followed {
        return None;
    }
    let title = format!("{place}: `{path}` is included");
    let remark = match path.contains("/fluent-bit/configs/") {
        true => Remark::Keep("the image has a file for it: see docs/image.md".to_owned()),
        false => Remark::Edit("it is not read, as it is not here: give that file too".to_owned()),
    };
    Some(Part::new(title).with(remark))
}

/// Adds what an output of that name needs.
pub fn add(
    report: &mut Report,
    title: String,
    name: &str,
    options: &Options,
    reached: &Reached,
    editor: &mut Editor,
) {
    if is_of_the_environment(name) {
        let text = format!("{title}: which plugin that is, is not known here: check it by hand");
        report.parts.push(Part::new(title));
        report.notes.push(Note {
            text,
            is_partial: true,
        });
        return;
    }
    let Some(peer) = Peer::named(name) else {
        let part = Part::new(title);
        report.parts.push(match of_another(name) {
            Some(remark) => part.with(remark),
            None => part.with(Remark::Keep("it is none of the plugins here".to_owned())),
        });
        return;
    };
    if let Some(remark) = of_metrics(peer, reached) {
        report.parts.push(Part::new(title).with(remark));
        return;
    }
    let mut remarks = remarks(peer, options, editor);
    if peer.family == Family::C
        && peer.plugin == Plugin::CloudWatch
        && options.get("metric_namespace").is_none()
        && makes_gauges(reached)
    {
        remarks.push(Remark::Change(GAUGES.to_owned()));
    }
    if peer.family == Family::C && peer.plugin == Plugin::CloudWatch && *reached == Reached::Unknown
    {
        let metrics = "Fluent Bit's own metrics are not taken: keep the C plugin for the inputs that make them";
        remarks.push(Remark::Change(metrics.to_owned()));
    }
    report.parts.push(Part { title, remarks });
    let account = report.account.clone();
    report
        .needs
        .output(peer.plugin, &flags::corrected(options), account.as_deref());
}

/// An output that carries metrics stays with the C plugin.
fn of_metrics(peer: &Peer, reached: &Reached) -> Option<Remark> {
    if peer.plugin != Plugin::CloudWatch {
        return None;
    }
    match reached {
        Reached::Metrics(inputs) if peer.family == Family::C => Some(Remark::Keep(format!(
            "it carries the metrics of {}, which the plugin here does not take",
            listed(inputs)
        ))),
        Reached::Metrics(inputs) => Some(Remark::Edit(format!(
            "write `Name cloudwatch_logs`: it carries the metrics of {}, which only Fluent Bit's own plugin takes",
            listed(inputs)
        ))),
        Reached::Both(inputs, _) if peer.family == Family::C => Some(Remark::Edit(format!(
            "metrics of {} and logs reach it: leave `cloudwatch_logs` for the metrics, with a `Match` of their tags alone, and add an output `Name cloudwatch` for the logs",
            listed(inputs)
        ))),
        _ => None,
    }
}

/// Whether records of the inputs that measure the machine may reach it.
fn makes_gauges(reached: &Reached) -> bool {
    match reached {
        Reached::Logs(inputs) | Reached::Both(_, inputs) => {
            inputs.iter().any(|name| name == "cpu" || name == "mem")
        }
        Reached::Unknown => true,
        Reached::Metrics(_) => false,
    }
}

const GAUGES: &str =
    "records of the inputs cpu and mem stay as they are; `metric_namespace` makes metrics of them";

fn listed(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(" and ")
}

/// What is to be said of an output that this router has no plugin for.
fn of_another(name: &str) -> Option<Remark> {
    match name.to_ascii_lowercase().as_str() {
        "" => Some(Remark::Problem("it has no `Name`".to_owned())),
        quoted if quoted.starts_with(['"', '\'']) => Some(Remark::Problem(
            "there is no plugin of that name: leave out the quotes, which are a part of the value"
                .to_owned(),
        )),
        _ => None,
    }
}

fn remarks(peer: &Peer, options: &Options, editor: &mut Editor) -> Vec<Remark> {
    let plugin = peer.plugin;
    let verdict = plugin.verdict(options);
    let mut remarks = Vec::new();
    if peer.name != plugin.name() {
        let (old, new) = (peer.name, plugin.name());
        remarks.push(Remark::Edit(format!("write `Name {new}` for `Name {old}`")));
        editor.set("name", new);
    }
    let keys = options.0.iter();
    let keys: Vec<Remark> = keys
        .map(|(key, value)| of_key(peer, &verdict, key, value, editor))
        .collect();
    let (kept, other): (Vec<Remark>, _) = keys
        .into_iter()
        .partition(|it| matches!(it, Remark::Keep(_)));
    remarks.extend(together(&kept));
    remarks.extend(other);
    remarks.extend(peer.differences(options));
    of_time(peer, options, editor);
    let quoted = |problem: &String| {
        options
            .0
            .iter()
            .any(|(_, value)| value.starts_with(['"', '\'']) && problem.contains(value.as_str()))
    };
    let problems = verdict
        .problems
        .into_iter()
        .filter(|problem| !quoted(problem));
    remarks.extend(problems.map(Remark::Problem));
    remarks.extend(flags::of(options, editor));
    remarks.extend(not_known(plugin, options));
    remarks
}

/// The edits of [`Peer::differences`].
fn of_time(peer: &Peer, options: &Options, editor: &mut Editor) {
    if peer.family == Family::Go {
        return;
    }
    if options.get("time_key").is_some() && options.get("time_key_zone").is_none() {
        editor.add("time_key_zone", "utc");
    }
    if let Some(format) = options
        .get("time_key_format")
        .filter(|it| it.contains("%L"))
    {
        editor.set("time_key_format", &format.replace("%L", "%9N"));
    }
    let is_joined = || options.get("simple_aggregation").is_some_and(is_on);
    if peer.plugin == Plugin::Kinesis && options.get("append_newline").is_none() && !is_joined() {
        editor.add("append_newline", "true");
    }
}

/// What becomes of one key.
fn of_key(peer: &Peer, verdict: &Verdict, key: &str, value: &str, editor: &mut Editor) -> Remark {
    if let Some(remark) = kept_by_the_host(key, value, peer.family) {
        if matches!(remark, Remark::Edit(_) | Remark::Problem(_)) {
            editor.remove(key);
        }
        return remark;
    }
    if let Some(spec) = peer.plugin.spec(key) {
        if let Some(why) = verdict.idle_line(spec.key) {
            editor.remove(key);
            let reason = why.split_once(": ").map_or(why, |(_, reason)| reason);
            return Remark::Edit(format!(
                "leave out `{key}`, which has no effect here: {reason}"
            ));
        }
        return of_option(peer, spec.key, spec.form == "switch", value);
    }
    let why = verdict.why_idle(peer.plugin, key);
    // A key that is like an option's may be that one misspelt.
    if !why.contains(" meant?") {
        editor.remove(key);
    }
    Remark::Edit(why)
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
