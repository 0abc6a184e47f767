//! An upgrade whose chart fails before anything is rendered: the chart's own words, and what the rules foretell of it.

use std::path::PathBuf;

use anyhow::Context;

use super::values_files;
use crate::{
    change::ChartVersion,
    check::Check,
    cli::{
        connect::ConnectArgs,
        standing::{self, Looked},
    },
    helm::values::Values,
    report::Report,
};

const FORETOLD: &str = "The chart was not rendered. All else is foretold from the release that runs, from the values files and from what is known of the chart's line: once the chart renders, check again.";

/// What the rules foretell of an upgrade of a release to a chart, beside what Helm says against it.
pub(super) async fn report(
    check: &Check,
    connect: &ConnectArgs,
    release: &str,
    chart: &str,
    values: &[PathBuf],
    said: &str,
) -> anyhow::Result<Report> {
    let Looked {
        standing, reader, ..
    } = &standing::look(connect, release, None, false).await?;
    let values = Values::of_files(values_files(values)?, standing.rendered.values.root());
    let forecast = standing.upgraded(&ChartVersion::new(chart), &values);
    let change = forecast.context("nothing is known of the chart")?.change;
    let mut facts = reader.standing_facts(standing, Some(change.clone())).await;
    facts.insert_gap(format!("chart {chart}"), format!("helm says: {said}"));
    let mut report = check.foretold(reader, change, &facts).await;
    report.notes.push(FORETOLD.to_owned());
    Ok(report)
}
