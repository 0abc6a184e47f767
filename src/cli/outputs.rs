//! `-o FORMAT` and `-o FORMAT=FILE`: what goes to standard output, and what into files.

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::{self, Write},
    marker::PhantomData,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::{
    Arg, Args, Command, Error, ValueEnum,
    builder::{EnumValueParser, PossibleValue, TypedValueParser},
    error::ErrorKind,
};
use clap_lex::OsStrExt;

use super::written::{self, Existing};
use crate::look::Look;

/// The mode of a file: it holds no more than a terminal shows.
const MODE: u32 = 0o666;

/// All that a run puts out.
#[derive(Args, Debug)]
pub(super) struct Outputs<F: ValueEnum + Clone + Send + Sync + 'static> {
    /// How to print it; FORMAT=FILE writes a file instead. May be repeated
    #[arg(short, long = "output", value_name = "FORMAT[=FILE]", value_parser = OutputParser::<F>::default(), default_value = "text")]
    outputs: Vec<Output<F>>,
}

/// One of them.
#[derive(Clone, Debug)]
struct Output<F> {
    format: F,
    /// The file; None is standard output.
    file: Option<PathBuf>,
}

impl<F: ValueEnum + Clone + Send + Sync + 'static> Outputs<F> {
    /// Parses what stands after `-o` of a command that takes something else there, too; nothing is text to standard output.
    pub(super) fn of(typed: &[OsString]) -> anyhow::Result<Self>
    where
        F: Default,
    {
        let outputs = typed.iter().map(|typed| {
            let text = typed.to_string_lossy();
            let (format, file) = match text.split_once('=') {
                Some((format, file)) => (format, Some(file)),
                None => (text.as_ref(), None),
            };
            let Ok(format) = F::from_str(format, false) else {
                let known = F::value_variants().iter();
                let known: Vec<_> = known
                    .filter_map(ValueEnum::to_possible_value)
                    .map(|value| value.get_name().to_owned())
                    .collect();
                bail!(
                    "no format is called {format}; there are {}",
                    known.join(", ")
                );
            };
            let file = match file {
                Some("") => bail!("{text} names no file: FORMAT=FILE"),
                None | Some("-") => None,
                Some(file) => Some(PathBuf::from(file)),
            };
            Ok(Output { format, file })
        });
        let mut outputs = outputs.collect::<anyhow::Result<Vec<_>>>()?;
        if outputs.is_empty() {
            outputs.push(Output {
                format: F::default(),
                file: None,
            });
        }
        Ok(Self { outputs })
    }

    /// Finds before any work is done what can't be written after it.
    pub(super) fn look_at(&self) -> anyhow::Result<()> {
        let mut seen: Vec<Option<PathBuf>> = Vec::new();
        for Output { file, .. } in &self.outputs {
            let file = file.as_deref().map(target).transpose()?;
            if seen.contains(&file) {
                match file {
                    None => bail!(
                        "only one format can go to standard output: give the others files, -o FORMAT=FILE"
                    ),
                    Some(file) => bail!("two formats go to {}", file.display()),
                }
            }
            seen.push(file);
        }
        Ok(())
    }

    /// Puts out each format. One that fails keeps none of the others from being put out.
    pub(super) fn write(
        &self,
        print: impl Fn(&F, Look) -> anyhow::Result<Vec<u8>>,
    ) -> anyhow::Result<()> {
        let mut failed = None;
        for Output { format, file } in &self.outputs {
            let written = match file {
                None => to_stdout(|look| print(format, look)),
                Some(file) => print(format, Look::default()).and_then(|text| to_file(file, &text)),
            };
            if let Err(error) = written {
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

fn to_stdout(print: impl Fn(Look) -> anyhow::Result<Vec<u8>>) -> anyhow::Result<()> {
    let out = io::stdout();
    let text = print(Look::of(&out))?;
    let mut out = out.lock();
    let written = out.write_all(&text).and_then(|()| out.flush());
    written.context("writing to standard output")
}

fn to_file(file: &Path, text: &[u8]) -> anyhow::Result<()> {
    let target = target(file)?;
    let written = match fs::metadata(&target) {
        Ok(found) if !found.is_file() => written::write_through(&target, text),
        _ => written::write(&target, text, MODE, Existing::Replaced),
    };
    written.with_context(|| cannot(file))
}

/// Returns the file that a path leads to, so that a link stays one; fails where no file can be written.
fn target(file: &Path) -> anyhow::Result<PathBuf> {
    let target = match fs::canonicalize(file) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = fs::canonicalize(written::folder(file)).with_context(|| cannot(file))?;
            let name = file.file_name().with_context(|| cannot(file))?;
            folder.join(name)
        }
        Err(error) => return Err(error).with_context(|| cannot(file)),
    };
    match fs::metadata(&target) {
        Ok(found) if found.is_dir() => bail!("{}: it is a folder", cannot(file)),
        Ok(found) if !found.is_file() => {}
        // A file without a name shows whether the folder takes one.
        _ => drop(tempfile::tempfile_in(written::folder(&target)).with_context(|| cannot(file))?),
    }
    Ok(target)
}

fn cannot(file: &Path) -> String {
    format!("can't write {}", file.display())
}

/// Parses `FORMAT` and `FORMAT=FILE`; shells complete the format.
#[derive(Clone)]
struct OutputParser<F>(PhantomData<fn() -> F>);

impl<F> Default for OutputParser<F> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<F: ValueEnum + Clone + Send + Sync + 'static> TypedValueParser for OutputParser<F> {
    type Value = Output<F>;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Output<F>, Error> {
        let (format, file) = match value.split_once("=") {
            Some((format, file)) => (format, Some(file)),
            None => (value, None),
        };
        let format = EnumValueParser::<F>::new().parse_ref(command, arg, format)?;
        let file = match file {
            Some(file) if file.is_empty() => {
                let message = format!("{} names no file: FORMAT=FILE\n", value.to_string_lossy());
                return Err(Error::raw(ErrorKind::InvalidValue, message).with_cmd(command));
            }
            Some(file) if file != "-" => Some(PathBuf::from(file)),
            _ => None,
        };
        Ok(Output { format, file })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let values = F::value_variants().iter();
        let values: Vec<_> = values.filter_map(ValueEnum::to_possible_value).collect();
        Some(Box::new(values.into_iter()))
    }
}
