//! A real browser without a window, which has no network: what a page looks like, what it complains of, and whom it keeps out.

use std::{
    cmp::Reverse,
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use zune_png::{PngDecoder, zune_core::bytestream::ZCursor};

use crate::{
    Run,
    binaries::{found_or_skip, on_path, workspace},
};

/// What the browser may be called.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Looks at the page once it is there, and leaves what it finds as an attribute.
const LOOK: &str = r#"
// axe can't tell what lies behind a text of a drawing.
const parts = colour => colour.match(/[\d.]+/g).map(Number);
const linear = part => part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4;
const luminance = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
const contrast = (one, other) => {
  const [dark, light] = [one, other].map(colour => luminance(parts(colour))).sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};
const faint = text => {
  const behind = text.parentNode.querySelector(":scope > rect");
  const fill = behind ? getComputedStyle(behind).fill : "none";
  const ground = fill === "none" ? getComputedStyle(document.body).backgroundColor : fill;
  return contrast(getComputedStyle(text).fill, ground) < 4.5;
};
addEventListener("load", async () => {
  const found = await axe.run(document);
  const told = rule => rule.nodes.map(node => `${rule.id}: ${node.html}: ${node.failureSummary}`);
  const texts = [...document.querySelectorAll("svg text")];
  const all = {
    violations: found.violations.flatMap(told),
    undecided: found.incomplete.flatMap(told),
    faint: texts.filter(faint).map(text => text.outerHTML),
    drawn: texts.length,
    loaded: performance.getEntriesByType("resource").map(loaded => loaded.name).filter(name => !name.endsWith("/axe.js")),
    passes: found.passes.map(rule => rule.id),
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
  };
  const bytes = new TextEncoder().encode(JSON.stringify(all));
  document.documentElement.dataset.axe = btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(""));
});
"#;

/// What a user prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Dark letters on a light ground.
    Light,
    /// The other way round.
    Dark,
}

/// A Chromium and an axe-core.
pub struct Browser {
    program: PathBuf,
    axe: PathBuf,
}

/// What a page looks like.
pub struct Screenshot {
    /// How often each colour is in it.
    pub colours: Vec<([u8; 3], usize)>,
    /// What the browser's console says.
    pub console: Vec<String>,
}

impl Browser {
    /// Finds both.
    ///
    /// # Errors
    /// When one is missing.
    pub fn find() -> Result<Browser, String> {
        let axe = workspace().join("target/axe/axe.min.js");
        let mut lacks = Vec::new();
        let program = on_path(&NAMES);
        if program.is_none() {
            lacks.push("chromium");
        }
        if !axe.is_file() {
            lacks.push("make axe");
        }
        match program.filter(|_| lacks.is_empty()) {
            Some(program) => Ok(Browser { program, axe }),
            None => Err(format!("a look at a page needs: {}", lacks.join("; "))),
        }
    }

    /// Like [`Browser::find`], but prints that a test is skipped if something is missing.
    ///
    /// # Panics
    /// When something is missing and `CI` is set: its machine can have both.
    pub fn find_or_skip() -> Option<Browser> {
        found_or_skip(Self::find())
    }

    fn run(&self, folder: &Path, scheme: Scheme, page: &Path) -> Run {
        let scheme = match scheme {
            Scheme::Dark => "0",
            Scheme::Light => "1",
        };
        Run::new(&self.program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu"])
            .args([
                "--no-first-run",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
            ])
            .args([
                "--enable-logging=stderr",
                "--host-resolver-rules=MAP * ~NOTFOUND",
            ])
            .args([
                format!("--user-data-dir={}", folder.join("profile").display()),
                format!("--blink-settings=preferredColorScheme={scheme}"),
                format!("file://{}", page.display()),
            ])
            .timeout(Duration::from_secs(300))
    }

    /// Shows a page.
    ///
    /// # Errors
    /// When the browser makes no picture of it.
    pub fn show(&self, html: &str, scheme: Scheme) -> Result<Screenshot> {
        let folder = tempfile::tempdir()?;
        let (page, picture) = (
            folder.path().join("page.html"),
            folder.path().join("page.png"),
        );
        fs::write(&page, html)?;
        let run = self.run(folder.path(), scheme, &page);
        let run = run.args([format!("--screenshot={}", picture.display())]);
        let output = run.output()?.ok()?;
        let said = output
            .stderr
            .lines()
            .filter(|line| line.contains(":CONSOLE"));
        Ok(Screenshot {
            colours: colours(&picture).with_context(|| output.report())?,
            console: said.map(str::to_owned).collect(),
        })
    }

    /// Returns what axe-core says of a page (`violations`, `undecided`, `passes`), the `faint` ones of its `drawn` texts,
    /// what it has `loaded`, and whether it was `dark`.
    ///
    /// # Errors
    /// When it could not look.
    pub fn accessibility(&self, html: &str, scheme: Scheme) -> Result<Value> {
        let folder = tempfile::tempdir()?;
        fs::copy(&self.axe, folder.path().join("axe.js"))?;
        let page = folder.path().join("page.html");
        let looking = format!("<script src=\"axe.js\"></script><script>{LOOK}</script></body>");
        // The page itself lets no script run.
        let open = html.replace("http-equiv=\"Content-Security-Policy\"", "name=\"policy\"");
        ensure!(open.matches("</body>").count() == 1, "no page: {open}");
        fs::write(&page, open.replace("</body>", &looking))?;
        let run = self.run(folder.path(), scheme, &page);
        let output = run
            .args(["--virtual-time-budget=60000", "--dump-dom"])
            .output()?
            .ok()?;
        let found = output.stdout.split_once("data-axe=\"");
        let found = found.and_then(|(_, rest)| Some(rest.split_once('"')?.0));
        let found = STANDARD.decode(found.with_context(|| output.report())?)?;
        Ok(serde_json::from_slice(&found)?)
    }
}

/// Counts the colours of a picture, the most frequent first.
fn colours(file: &Path) -> Result<Vec<([u8; 3], usize)>> {
    let bytes = fs::read(file)?;
    let mut decoder = PngDecoder::new(ZCursor::new(&bytes));
    let pixels = decoder.decode().map_err(|error| anyhow!("{error:?}"))?;
    let (Some(pixels), Some(space)) = (pixels.u8(), decoder.colorspace()) else {
        bail!("a picture of another depth");
    };
    let samples = space.num_components();
    ensure!(samples >= 3, "a picture without colours");
    let mut counted = HashMap::<[u8; 3], usize>::new();
    for pixel in pixels.chunks_exact(samples) {
        *counted.entry([pixel[0], pixel[1], pixel[2]]).or_default() += 1;
    }
    let mut colours: Vec<_> = counted.into_iter().collect();
    colours.sort_by_key(|(_, count)| Reverse(*count));
    Ok(colours)
}
