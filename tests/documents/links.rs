//! Links between the documents, and paths that they name.

use crate::{place, read};

#[test]
fn every_link_to_a_file_of_the_project_leads_there() {
    for document in DOCUMENTS {
        let folder = place(document);
        let folder = folder.parent().unwrap();
        let text = read(document);
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let path = link.split('#').next().unwrap_or_default();
            assert!(folder.join(path).exists(), "{document} links to {link}");
        }
    }
}

#[test]
fn every_path_of_the_project_that_a_document_names_exists() {
    let mut found = 0;
    for document in DOCUMENTS {
        let text = read(document);
        let words = text
            .lines()
            .flat_map(|line| line.split('`').skip(1).step_by(2));
        let paths = words.filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)));
        for path in paths.filter(|path| !MADE.contains(path)) {
            found += 1;
            let path = path.split([' ', '*']).next().unwrap_or_default();
            assert!(place(path).exists(), "{document} names {path}");
        }
    }
    assert!(found > 40, "{found} paths");
}

/// Folders that a command makes.
const MADE: [&str; 1] = ["tests/fuzz/artifacts"];

const FOLDERS: [&str; 6] = [
    "src/",
    "cbindings/",
    "fluent-bit/",
    "tests/",
    "benches/",
    "docs/",
];

const DOCUMENTS: [&str; 16] = [
    "ARCHITECTURE.md",
    "README.md",
    "CONTRIBUTING.md",
    "RELEASING.md",
    "SECURITY.md",
    ".github/ISSUE_TEMPLATE/problem.md",
    "docs/dockerfiles.md",
    "docs/image.md",
    "docs/migration.md",
    "docs/operations.md",
    "docs/options.md",
    "docs/pains.md",
    "docs/performance.md",
    "docs/reliability.md",
    "examples/README.md",
    "tests/support/README.md",
];
