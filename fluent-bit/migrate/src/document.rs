//! A file, and what is in it of task definitions and configurations.

use std::collections::BTreeSet;
use std::path::Path;

use crate::classic::Section;
use crate::edit::{self, Change};
use crate::environment;
use crate::follow;
use crate::forms;
use crate::needs::Caller;
use crate::report::Part;
use crate::source::{Files, Source};
use crate::task::TaskDefinition;
use crate::tree::{Choice, Format, Node, hcl, json, line_of, yaml};
use crate::{classic, functions};

/// A file that was read.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// Its name.
    pub name: String,
    /// Its text, and the texts inside it.
    pub layers: Vec<Layer>,
    /// What was found, in its order.
    pub found: Vec<Found>,
    /// Names by which its parts include each other.
    pub names: Vec<String>,
    /// Paths of other files in it, and the task that their containers belong to.
    pub paths: Vec<(String, Option<Node>)>,
    /// The files that it leads to.
    pub followed: Vec<Document>,
    /// Files whose values are a part of it: other files of a Terraform module, files of variables.
    pub used: BTreeSet<String>,
    /// What was decided where it leaves a choice, each once.
    pub notes: Vec<Note>,
    /// What makes the router's requests.
    pub caller: Caller,
}

/// A decision, in a sentence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    /// The place, what was read, and what to check.
    pub text: String,
    /// Whether a part that may matter was not read.
    pub is_partial: bool,
}

/// A text, which may be a value inside another one.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The text.
    pub text: String,
    /// Its language.
    pub format: Format,
    /// The layer that has it, and where.
    pub inside: Option<(usize, Node)>,
}

/// Something to report of.
#[derive(Clone, Debug)]
pub enum Found {
    /// A task definition, or containers.
    Task(Box<TaskDefinition>),
    /// A configuration of Fluent Bit.
    Config(Configuration),
    /// Something that its form knows what to say of, with the changes of the first layer.
    Part(Part, Vec<(usize, Change)>),
    /// What could not be read, and what to do.
    Unread(String),
}

/// Sections, and where they are.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// Its sections.
    pub sections: Vec<Section>,
    /// The text that its places are in.
    pub layer: usize,
    /// What it is a part of, put before every title; empty for a file of its own.
    pub place: String,
    /// Whether lines are those of the file.
    pub has_lines: bool,
}

impl Document {
    /// Reads a text that stands for itself.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what to do.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::read(&Source::unnamed(text), &Files::default())
    }

    /// Reads a file, and the files that it leads to as far as they are there.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what to do.
    pub fn read(source: &Source, files: &Files) -> Result<Self, String> {
        Self::following(source, files, &mut vec![source.name.clone()])
    }

    pub(crate) fn following(
        source: &Source,
        files: &Files,
        seen: &mut Vec<String>,
    ) -> Result<Self, String> {
        let mut document = Self {
            name: source.name.clone(),
            ..Self::default()
        };
        if source.text.trim().is_empty() {
            return Err(format!("it is empty: {WHAT_TO_GIVE}"));
        }
        forms::read(&mut document, source, files)?;
        if document.found.is_empty() {
            return Err(format!("{NOTHING}: {WHAT_TO_GIVE}"));
        }
        environment::add(&mut document, source, files);
        document.follow(source, files, seen);
        Ok(document)
    }

    /// Reads the files that it leads to, as far as they are there.
    fn follow(&mut self, source: &Source, files: &Files, seen: &mut Vec<String>) {
        let mut paths = self.paths.clone();
        paths.extend(follow::paths(self).into_iter().map(|path| (path, None)));
        for (path, task) in paths {
            let near = files.near(source, &path);
            if near.is_empty() && task.is_some() {
                self.found.push(Found::Unread(format!(
                    "`{path}` has the containers, and is not here: give that file too, or {WHAT_TO_GIVE}"
                )));
            }
            for near in near {
                if seen.contains(&near.name) || seen.len() > MOST_FOLLOWED {
                    continue;
                }
                seen.push(near.name.clone());
                match Self::following(&near, files, seen) {
                    Ok(other) => self.followed.push(other.in_task(task.as_ref())),
                    Err(why) => self
                        .found
                        .push(Found::Unread(format!("{}: {why}", near.name))),
                }
            }
        }
    }

    /// Its containers as those of a task that another file has.
    fn in_task(mut self, task: Option<&Node>) -> Self {
        for found in &mut self.found {
            if let (Found::Task(containers), Some(node)) = (found, task) {
                forms::around(containers, node);
            }
        }
        self
    }

    /// Keeps what was decided in a text, with its place.
    pub(crate) fn note(&mut self, layer: usize, choice: &Choice) {
        let file = self.name.rsplit('/').next().unwrap_or(&self.name);
        let file = match file {
            "-" => String::new(),
            file => format!("{file}, "),
        };
        let text = &self.layers[layer].text;
        let place = match layer {
            0 => format!("{file}line {}", line_of(text, choice.at.start)),
            // A text inside another has lines of its own.
            _ => format!(
                "{file}in a text in it, line {}",
                line_of(text, choice.at.start)
            ),
        };
        let note = Note {
            text: format!("{place}: {}", choice.text),
            is_partial: choice.is_partial,
        };
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Keeps what was decided anywhere in a value.
    pub(crate) fn note_all(&mut self, layer: usize, node: &Node) {
        let mut choices = Vec::new();
        node.all_choices(&mut choices);
        choices.iter().for_each(|choice| self.note(layer, choice));
    }

    /// Adds a text inside another.
    pub(crate) fn layer(
        &mut self,
        text: &str,
        format: Format,
        inside: Option<(usize, Node)>,
    ) -> usize {
        self.layers.push(Layer {
            text: text.to_owned(),
            format,
            inside,
        });
        self.layers.len() - 1
    }

    /// The file's text with changes of any of its layers; the number of those that cannot be written.
    #[must_use]
    pub fn changed(&self, changes: &[(usize, Change)]) -> (String, usize) {
        let mut of_layers: Vec<Vec<Change>> = vec![Vec::new(); self.layers.len().max(1)];
        for (layer, change) in changes {
            if let Some(all) = of_layers.get_mut(*layer) {
                all.push(change.clone());
            }
        }
        let mut lost = 0;
        for index in (1..self.layers.len()).rev() {
            let changes = std::mem::take(&mut of_layers[index]);
            let Some((outer, node)) = self.layers[index]
                .inside
                .as_ref()
                .filter(|_| !changes.is_empty())
            else {
                continue;
            };
            let new = edit::applied(&self.layers[index].text, &changes);
            match edit::outward(
                &self.layers[*outer].text,
                node,
                &new,
                self.layers[*outer].format,
            ) {
                Some(change) => of_layers[*outer].push(change),
                None => lost += changes.len(),
            }
        }
        let text = self.layers.first().map_or("", |layer| &layer.text);
        (edit::applied(text, &of_layers[0]), lost)
    }

    /// All sections, with those of the files that it leads to.
    #[must_use]
    pub fn sections(&self) -> Vec<&Section> {
        let own = self.found.iter().filter_map(|found| match found {
            Found::Config(config) => Some(&config.sections),
            _ => None,
        });
        let own = own.flatten();
        own.chain(self.followed.iter().flat_map(Self::sections))
            .collect()
    }

    /// The whole task definitions and containers in it.
    pub fn tasks(&self) -> impl Iterator<Item = &TaskDefinition> {
        self.found.iter().filter_map(|found| match found {
            Found::Task(task) => Some(&**task),
            _ => None,
        })
    }
}

/// A text as a tree, by its file's name and by how it begins.
pub(crate) fn trees(
    source: &Source,
    files: &Files,
    used: &mut BTreeSet<String>,
) -> Option<Result<(Vec<Node>, Format), String>> {
    let text = source.text.trim_start();
    let name = source.file_name();
    let extension = Path::new(&name)
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let is_hcl = ["tf", "hcl", "tofu", "tfvars"].contains(&&*extension)
        || (extension.is_empty() && begins_like_hcl(text));
    if is_hcl {
        let others = files.of_module(source);
        return Some(hcl::parse_among(source, &others).map(|(node, names)| {
            used.extend(names);
            (vec![node], Format::Hcl)
        }));
    }
    if is_json(text) {
        let node = json::parse(&source.text).map(functions::everywhere);
        return Some(
            node.map(|node| (vec![node], Format::Json))
                .map_err(|why| format!("no JSON: {why}")),
        );
    }
    if is_classic(&source.text) {
        return None;
    }
    Some(yaml::parse(&source.text).map(|nodes| (nodes, Format::Yaml)))
}

/// `{`, a text, or a list whose first item is a mapping, a list or a text.
fn is_json(text: &str) -> bool {
    let inner = text.strip_prefix('[').map(str::trim_start);
    text.starts_with(['{', '"'])
        || inner.is_some_and(|inner| inner.starts_with(['{', '"', '[', ']', '$']))
}

/// Whether the first line that says something is a section, a command or a key in a section's form.
pub(crate) fn is_classic(text: &str) -> bool {
    let lines = text.lines().map(str::trim);
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.next().is_some_and(|line| {
        let is_section =
            line.starts_with('[') && line.ends_with(']') && !line.contains(['"', '{', ',']);
        is_section || line.starts_with('@')
    })
}

fn begins_like_hcl(text: &str) -> bool {
    let blocks = [
        "resource \"",
        "module \"",
        "locals {",
        "terraform {",
        "variable \"",
        "data \"",
        "provider \"",
    ];
    text.lines()
        .any(|line| blocks.iter().any(|block| line.starts_with(block)))
}

/// The sections of a classic text.
pub(crate) fn classic_sections(text: &str) -> Result<Vec<Section>, String> {
    classic::sections(text)
}

const NOTHING: &str = "no task definition and no configuration of Fluent Bit was found in it";
/// What to do about what is not understood.
pub const WHAT_TO_GIVE: &str = "give a configuration of Fluent Bit, or what `aws ecs describe-task-definition --task-definition FAMILY` prints";
const MOST_FOLLOWED: usize = 200;
