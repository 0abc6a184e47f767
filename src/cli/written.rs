//! Writes a file that is never there by half.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// It stays, and the new text is not written.
    Kept,
    /// The new one takes its place once it is complete.
    Replaced,
}

/// Writes a file of a mode, from which the umask takes what it forbids. Windows has no modes: there a file has the rights
/// that its folder hands down.
pub(super) fn write(file: &Path, text: &[u8], mode: u32, existing: Existing) -> io::Result<()> {
    let mut new = new_in(&folder(file), mode)?;
    new.write_all(text)?;
    new.as_file().sync_all()?;
    match existing {
        Existing::Kept => new.persist_noclobber(file)?,
        Existing::Replaced => new.persist(file)?,
    };
    Ok(())
}

#[cfg(unix)]
fn new_in(folder: &Path, mode: u32) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;

    let permissions = fs::Permissions::from_mode(mode);
    tempfile::Builder::new()
        .permissions(permissions)
        .tempfile_in(folder)
}

#[cfg(not(unix))]
fn new_in(folder: &Path, _mode: u32) -> io::Result<NamedTempFile> {
    NamedTempFile::new_in(folder)
}

/// Makes a folder, and those above it, for nobody but its owner; Windows has its own rules, as for files.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The folder of a file.
pub(super) fn folder(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Writes into what takes the place of standard output: a pipe or a device, which stays what it is.
pub(super) fn write_through(file: &Path, text: &[u8]) -> io::Result<()> {
    fs::OpenOptions::new()
        .write(true)
        .open(file)?
        .write_all(text)
}
