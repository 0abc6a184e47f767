//! The figures as Markdown for people and as JSON for programs.

use std::{fmt::Write, time::Duration};

use serde_json::{Value, json};

use crate::{
    apiserver::Added,
    load::Sample,
    loopback::{Cell, Footprint, Measured, Side},
    machine::Machine,
};

const MIB: f64 = 1024.0 * 1024.0;

/// A busier machine than this is said to be one.
const QUIET: f64 = 0.5;

pub fn markdown(machine: &Machine, measured: &[Measured], through: &[Added]) -> String {
    let mut page = String::new();
    // Writing to a String cannot fail.
    let _ = write_page(&mut page, machine, measured, through);
    page
}

fn write_page(
    page: &mut String,
    machine: &Machine,
    measured: &[Measured],
    through: &[Added],
) -> std::fmt::Result {
    let Machine {
        date,
        processor,
        cores,
        kernel,
        load,
    } = machine;
    writeln!(
        page,
        "{date}, {processor}, {cores} cores shared with the load generator, Linux {kernel}, load {load} before."
    )?;
    if *load > QUIET {
        writeln!(
            page,
            "The machine was busy with other things: only the ratios tell much."
        )?;
    }
    for case in measured {
        writeln!(page, "\n### {}\n", case.case.title)?;
        writeln!(
            page,
            "| connections | requests/s (median) | p50 ms | p99 ms | CPU µs a request | bare: requests/s | p50 ms | p99 ms | CPU µs | guard ÷ bare |"
        )?;
        writeln!(page, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
        for cell in &case.cells {
            row(page, cell)?;
        }
        let new = |side: fn(&Cell) -> &Side| case.new_connection(side).map_or(0.0, millis);
        writeln!(
            page,
            "\nA new connection adds {:.2} ms (bare {:.2}). Memory in MiB: {}; bare: {}.",
            new(|cell| &cell.guard),
            new(|cell| &cell.bare),
            memory(case.guard),
            memory(case.bare)
        )?;
    }
    if !through.is_empty() {
        writeln!(page, "\n### Through the API server\n")?;
        writeln!(
            page,
            "| request | without ms | p99 | with the guard ms | p99 | added ms | ratio |"
        )?;
        writeln!(page, "|---|--:|--:|--:|--:|--:|--:|")?;
        for added in through {
            writeln!(
                page,
                "| {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} |",
                added.what,
                millis(added.without.p50),
                millis(added.without.p99),
                millis(added.with.p50),
                millis(added.with.p99),
                millis(added.with.p50) - millis(added.without.p50),
                millis(added.with.p50) / millis(added.without.p50),
            )?;
        }
    }
    let targets = targets(measured);
    if !targets.is_empty() {
        writeln!(
            page,
            "\n### Targets\n\n| target | measured | |\n|---|--:|---|"
        )?;
        for Target {
            what,
            measured,
            met,
            ..
        } in targets
        {
            writeln!(
                page,
                "| {what} | {measured} | {} |",
                if met { "met" } else { "**missed**" }
            )?;
        }
    }
    Ok(())
}

fn row(page: &mut String, cell: &Cell) -> std::fmt::Result {
    let (Some(guard), Some(bare)) = (cell.guard.best(), cell.bare.best()) else {
        return Ok(());
    };
    writeln!(
        page,
        "| {} | {:.0} ({:.0}) | {:.3} | {:.3} | {:.0} | {:.0} ({:.0}) | {:.3} | {:.3} | {:.0} | {:.2} |",
        cell.pattern,
        guard.per_second,
        cell.guard.median_per_second(),
        millis(guard.p50),
        millis(guard.p99),
        cell.guard.cpu_per_request().as_secs_f64() * 1e6,
        bare.per_second,
        cell.bare.median_per_second(),
        millis(bare.p50),
        millis(bare.p99),
        cell.bare.cpu_per_request().as_secs_f64() * 1e6,
        cell.ratio(),
    )
}

fn memory(footprint: Footprint) -> String {
    let mib = |bytes: u64| bytes as f64 / MIB;
    format!(
        "{:.1} idle, {:.1} after, {:.1} at peak",
        mib(footprint.idle.resident),
        mib(footprint.after.resident),
        mib(footprint.after.peak)
    )
}

/// A promise, and whether it is kept.
struct Target {
    what: String,
    measured: String,
    met: bool,
}

fn targets(measured: &[Measured]) -> Vec<Target> {
    let mut targets = Vec::new();
    for case in measured {
        let record = case.case.id == "record";
        let (id, rate, slowest) = (
            case.case.id,
            if record { 300.0 } else { 30_000.0 },
            if record { 60.0 } else { 2.0 },
        );
        let best = |connections| case.cell(connections, true)?.guard.best();
        if let Some(eight) = best(8) {
            targets.push(Target {
                what: format!("{id}: at least {rate} requests/s on 8 connections"),
                measured: format!("{:.0}", eight.per_second),
                met: eight.per_second >= rate,
            });
            targets.push(Target::time(
                &format!("{id}: p99 on 8 connections"),
                slowest,
                eight.p99,
            ));
        }
        if let (true, Some(alone)) = (record, best(1)) {
            targets.push(Target::time(&format!("{id}: p50 alone"), 6.0, alone.p50));
        }
        if let Some(new) = case.new_connection(|cell| &cell.guard) {
            targets.push(Target::time(&format!("{id}: a new connection"), 1.0, new));
        }
        for (what, limit, bytes) in [
            ("idle", 32.0, case.guard.idle.resident),
            ("at peak", 64.0, case.guard.after.peak),
        ] {
            let mib = bytes as f64 / MIB;
            targets.push(Target {
                what: format!("{id}: memory {what} within {limit} MiB"),
                measured: format!("{mib:.1} MiB"),
                met: mib <= limit,
            });
        }
    }
    targets
}

impl Target {
    fn time(what: &str, limit: f64, measured: Duration) -> Self {
        Self {
            what: format!("{what} within {limit} ms"),
            measured: format!("{:.2} ms", millis(measured)),
            met: millis(measured) <= limit,
        }
    }
}

pub fn json(machine: &Machine, measured: &[Measured], through: &[Added]) -> Value {
    let cases: Value = measured.iter().map(case).collect();
    let added: Value = through
        .iter()
        .map(|added| {
            json!({
                "request": added.what,
                "without": {"p50_ms": millis(added.without.p50), "p99_ms": millis(added.without.p99)},
                "with": {"p50_ms": millis(added.with.p50), "p99_ms": millis(added.with.p99)},
                "requests": added.with.requests,
            })
        })
        .collect();
    let targets: Value = targets(measured)
        .iter()
        .map(
            |target| json!({"target": target.what, "measured": target.measured, "met": target.met}),
        )
        .collect();
    json!({
        "date": machine.date, "processor": machine.processor, "cores": machine.cores,
        "kernel": machine.kernel, "load_before": machine.load,
        "loopback": cases, "api_server": added, "targets": targets,
    })
}

fn case(case: &Measured) -> Value {
    let cells: Value = case
        .cells
        .iter()
        .map(|cell| {
            json!({
                "connections": cell.pattern.connections, "kept": cell.pattern.kept,
                "guard": side(&cell.guard), "bare": side(&cell.bare), "ratio": cell.ratio(),
            })
        })
        .collect();
    let new = |side: fn(&Cell) -> &Side| case.new_connection(side).map(millis);
    let bytes = |footprint: Footprint| {
        json!({
            "idle": footprint.idle.resident,
            "after": footprint.after.resident,
            "peak": footprint.after.peak,
        })
    };
    json!({
        "id": case.case.id, "title": case.case.title, "body_bytes": case.case.body.len(), "cells": cells,
        "new_connection_ms": {"guard": new(|cell| &cell.guard), "bare": new(|cell| &cell.bare)},
        "memory_bytes": {"guard": bytes(case.guard), "bare": bytes(case.bare)},
    })
}

fn side(side: &Side) -> Value {
    let sample = |sample: &Sample| {
        json!({
            "requests": sample.requests, "per_second": sample.per_second,
            "p50_ms": millis(sample.p50), "p99_ms": millis(sample.p99),
        })
    };
    json!({
        "best": side.best().map(sample),
        "median_per_second": side.median_per_second(),
        "cpu_us_per_request": side.cpu_per_request().as_secs_f64() * 1e6,
        "rounds": side.rounds.iter().map(sample).collect::<Value>(),
    })
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
