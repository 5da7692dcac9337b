//! Whether a configuration keeps chunks in files as the image's own file for that does.
//!
//! An output's `resume_path` belongs to the same volume. FireLens writes the outputs, and Fluent Bit has
//! no defaults for them, so the path is given to the plugins in the environment.

use std::fs;
use std::path::{Path, PathBuf};

use crate::image::Image;

/// The plugins' default of `resume_path`, if the configuration includes the image's
/// `filesystem-buffering.conf`.
#[must_use]
pub fn resume_path(
    configuration: Option<PathBuf>,
    image: &Image,
) -> Option<(&'static str, String)> {
    let buffering = image.filesystem_buffering();
    let includes = includes(&configuration?, &buffering, MAX_DEPTH);
    includes.then(|| (VARIABLE, image.resume_directory().display().to_string()))
}

/// Whether a file includes another one, by itself or by those that it includes.
fn includes(file: &Path, wanted: &Path, depth: usize) -> bool {
    let Ok(text) = fs::read_to_string(file) else {
        return false;
    };
    let folder = file.parent().unwrap_or(Path::new("/"));
    let included = text.lines().filter_map(|line| {
        let (word, path) = line.trim().split_once(char::is_whitespace)?;
        let is_include = word.eq_ignore_ascii_case("@include");
        is_include.then(|| folder.join(path.trim()))
    });
    let mut included = included.filter(|path| path != file);
    included.any(|path| path == wanted || (depth > 0 && includes(&path, wanted, depth - 1)))
}

/// What the plugins take for `resume_path` where a section has none.
pub const VARIABLE: &str = "FLUENT_BIT_RESUME_PATH";
/// Fluent Bit itself does not bound how deep files include each other.
const MAX_DEPTH: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn image(name: &str) -> Image {
        let root = std::env::temp_dir().join(format!("buffering-{name}-{}", std::process::id()));
        fs::create_dir_all(root.join("fluent-bit/etc")).expect("made");
        Image::below(root)
    }

    fn found(image: &Image, text: &str) -> Option<String> {
        fs::write(image.configuration(), text).expect("written");
        let found = resume_path(Some(image.configuration()), image);
        found.map(|(name, value)| format!("{name}={value}"))
    }

    #[test]
    fn a_configuration_that_includes_the_file_has_a_resume_path() {
        let image = image("direct");
        let wanted = image.filesystem_buffering().display().to_string();
        let expected = format!("{VARIABLE}={}", image.resume_directory().display());
        let text = format!("[SERVICE]\n    Flush 1\n\n  @INCLUDE {wanted}\n");
        assert_eq!(found(&image, &text), Some(expected.clone()));
        let other = image.configuration().with_file_name("other.conf");
        fs::write(&other, text).expect("written");
        assert_eq!(found(&image, "@include other.conf\n"), Some(expected));
    }

    #[test]
    fn any_other_configuration_has_none() {
        let image = image("other");
        let wanted = image.filesystem_buffering().display().to_string();
        for text in [
            String::new(),
            format!("# @INCLUDE {wanted}\n"),
            format!("@INCLUDE {wanted}.old\n"),
            "@INCLUDE fluent-bit.conf\n@INCLUDE missing.conf\n".to_owned(),
        ] {
            assert_eq!(found(&image, &text), None, "{text}");
        }
        assert_eq!(resume_path(None, &image), None);
    }
}
