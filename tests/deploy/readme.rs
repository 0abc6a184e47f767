//! The README's way to install the guard is that of docs/install.md.

use std::fs;

use harness::binaries::workspace;

use crate::documented::{commands, page};

#[test]
fn the_readme_installs_it_as_the_documentation_does() {
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    let readme = commands(&readme, "Install it in a cluster");
    let page = page();
    let of_page = ["With Helm", "Where it is in effect"].map(|heading| commands(&page, heading));
    assert_eq!(readme, of_page.concat());
}
