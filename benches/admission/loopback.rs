//! The guard over TLS on this machine, beside the same server without a guard in it.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result};

use crate::{
    Plan,
    against::Against,
    load::{Pattern, Sample},
    release::Releases,
    reviews::{self, Case},
    server::{GUARD, Memory, Place, Server},
};

const PATTERNS: [Pattern; 4] = [
    Pattern {
        connections: 1,
        kept: true,
    },
    Pattern {
        connections: 8,
        kept: true,
    },
    Pattern {
        connections: 1,
        kept: false,
    },
    Pattern {
        connections: 8,
        kept: false,
    },
];

/// All that was measured of one kind of request.
pub struct Measured {
    pub case: Case,
    pub cells: Vec<Cell>,
    pub guard: Footprint,
    pub bare: Footprint,
}

/// What was measured with one pattern of connections.
pub struct Cell {
    pub pattern: Pattern,
    pub guard: Side,
    pub bare: Side,
}

/// One server's rounds.
#[derive(Default)]
pub struct Side {
    pub rounds: Vec<Sample>,
    pub cpu: Duration,
}

/// A server's memory before the first request, after the last, and at its peak.
#[derive(Clone, Copy)]
pub struct Footprint {
    pub idle: Memory,
    pub after: Memory,
}

/// Both servers of one kind of request.
struct Pair {
    guard: Watched,
    bare: Watched,
}

/// A server and what it held before the first request.
struct Watched {
    server: Server,
    idle: Memory,
}

/// Measures all that was asked for.
pub async fn measure(plan: &Plan, releases: Option<&Releases>) -> Result<Vec<Measured>> {
    let place = Place::new()?;
    let facts = place.facts("facts.json", &reviews::facts(releases)?)?;
    let mut cases = reviews::claims();
    if let Some(releases) = releases {
        let [good, bad] = reviews::records(releases)?;
        // That rules object where they should is seen once; what is timed is what they let through.
        let server = place.guard("guard-check", GUARD.as_ref(), &facts)?;
        reviews::check(&server.client, &bad).await?;
        cases.push(good);
    }
    let mut all = Vec::new();
    for case in cases.into_iter().filter(|case| plan.wants(case.id)) {
        let pair = Pair {
            guard: Watched::new(place.guard(
                &format!("guard-{}", case.id),
                GUARD.as_ref(),
                &facts,
            )?)?,
            bare: Watched::new(other(&place, plan, case.id, &facts)?)?,
        };
        reviews::check(&pair.guard.server.client, &case).await?;
        all.push(pair.measure(plan, case).await?);
    }
    Ok(all)
}

/// What the guard is compared with.
fn other(place: &Place, plan: &Plan, id: &str, facts: &Path) -> Result<Server> {
    let name = format!("bare-{id}");
    match &plan.against {
        Some(Against::Build(program)) => place.guard(&name, program, facts),
        Some(Against::Webhook(uri)) => {
            let ca = plan
                .ca
                .as_ref()
                .context("--ca is missing: the authority of that webhook")?;
            Server::elsewhere(uri, &fs::read_to_string(ca)?)
        }
        None => place.bare(&name),
    }
}

impl Side {
    /// The round with the most requests: what else ran on the machine can only take away.
    pub fn best(&self) -> Option<&Sample> {
        self.rounds
            .iter()
            .max_by(|a, b| a.per_second.total_cmp(&b.per_second))
    }

    pub fn median_per_second(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.per_second))
    }

    /// The processor time that one request takes of the server.
    pub fn cpu_per_request(&self) -> Duration {
        let requests: usize = self.rounds.iter().map(|round| round.requests).sum();
        self.cpu.div_f64(requests.max(1) as f64)
    }
}

impl Cell {
    /// Requests per second of the guard by those of the bare server, the median of neighbouring rounds.
    pub fn ratio(&self) -> f64 {
        let rounds = self.guard.rounds.iter().zip(&self.bare.rounds);
        median(rounds.map(|(guard, bare)| guard.per_second / bare.per_second))
    }
}

impl Measured {
    pub fn cell(&self, connections: usize, kept: bool) -> Option<&Cell> {
        let pattern = Pattern { connections, kept };
        self.cells.iter().find(|cell| cell.pattern == pattern)
    }

    /// What a connection of its own adds to a request.
    pub fn new_connection(&self, side: impl Fn(&Cell) -> &Side) -> Option<Duration> {
        let p50 = |kept| Some(side(self.cell(1, kept)?).best()?.p50);
        Some(p50(false)?.saturating_sub(p50(true)?))
    }
}

impl Watched {
    fn new(server: Server) -> Result<Self> {
        let idle = server.memory()?;
        Ok(Self { server, idle })
    }

    fn footprint(&self) -> Result<Footprint> {
        Ok(Footprint {
            idle: self.idle,
            after: self.server.memory()?,
        })
    }
}

impl Pair {
    async fn measure(&self, plan: &Plan, case: Case) -> Result<Measured> {
        let mut cells = Vec::new();
        for pattern in PATTERNS {
            eprintln!("{}: {pattern}", case.id);
            cells.push(self.cell(plan, &case, pattern).await?);
        }
        Ok(Measured {
            case,
            cells,
            guard: self.guard.footprint()?,
            bare: self.bare.footprint()?,
        })
    }

    /// Round by round one server after the other, so that what else the machine does meets both.
    async fn cell(&self, plan: &Plan, case: &Case, pattern: Pattern) -> Result<Cell> {
        let servers = [&self.guard.server, &self.bare.server];
        let mut sides = [Side::default(), Side::default()];
        for round in 0..=plan.rounds {
            for (server, side) in servers.iter().zip(&mut sides) {
                let path = server.path.as_deref().unwrap_or(case.path);
                let post = server.client.prepare(path, &case.body).await?;
                let before = server.cpu()?;
                let time = if round == 0 {
                    plan.round / 4
                } else {
                    plan.round
                };
                let sample = server.client.run(&post, pattern, time).await?;
                // The first round only warms up.
                if round > 0 {
                    side.cpu += server.cpu()?.saturating_sub(before);
                    side.rounds.push(sample);
                }
            }
        }
        let [guard, bare] = sides;
        Ok(Cell {
            pattern,
            guard,
            bare,
        })
    }
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
