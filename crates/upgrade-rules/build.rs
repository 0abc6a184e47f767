//! Lists the data files of the release lines, so that a new line needs no new code.

use std::{env, fmt::Write, fs, io, path::Path};

const LINES: &str = "lines";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={LINES}");
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let mut files: Vec<_> = fs::read_dir(Path::new(&root).join(LINES))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    files.sort();
    let mut list = String::from("&[\n");
    for file in files {
        writeln!(list, "    include_str!({file:?}),").map_err(io::Error::other)?;
    }
    list.push(']');
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("release_lines.rs"), list)
}
