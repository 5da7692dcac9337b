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

const DOCUMENTS: [&str; 14] = [
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
    "docs/reliability.md",
    "examples/README.md",
    "tests/support/README.md",
];
