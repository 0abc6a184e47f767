//! Writes a file that is never there by half.

use std::{
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// It stays, and the new text is not written.
    Kept,
    /// The new one takes its place once it is complete.
    Replaced,
}

/// Writes a file of a mode, from which the umask takes what it forbids.
pub(super) fn write(file: &Path, text: &[u8], mode: u32, existing: Existing) -> io::Result<()> {
    let mut new = tempfile::Builder::new()
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder(file))?;
    new.write_all(text)?;
    new.as_file().sync_all()?;
    match existing {
        Existing::Kept => new.persist_noclobber(file)?,
        Existing::Replaced => new.persist(file)?,
    };
    Ok(())
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
