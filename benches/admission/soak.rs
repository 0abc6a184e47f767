//! `soak`: millions of reviews, half of them records, against two replicas whose certificate changes meanwhile.
//!
//! Each answer is compared with the first one of its kind. So a review that is lost, or judged by half, ends the run.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use futures::future::try_join_all;

use crate::{
    load::{Pattern, Post},
    release::Releases,
    reviews::{self, Case},
    server::{GUARD, Place, Server},
};

/// How long, and how often the certificate changes.
#[derive(Args)]
pub struct Soak {
    /// Reviews in all
    #[arg(long, default_value = "5000000")]
    reviews: usize,

    /// How often the certificate is exchanged on the way
    #[arg(long, default_value = "20")]
    rotations: usize,
}

/// So long one kind of record after the other.
const ROUND: Duration = Duration::from_secs(2);

const PATTERNS: [Pattern; 2] = [
    Pattern {
        connections: 4,
        kept: true,
    },
    Pattern {
        connections: 1,
        kept: false,
    },
];

/// What is held is looked at after every round. A single look may land right after a record, so the lowest of a twentieth of them counts:
/// of the second one, as caches fill in the first, and of the last one.
const PARTS: usize = 20;

/// One replica, with the requests that it gets.
struct Replica {
    server: Server,
    claims: Vec<Post>,
    records: Vec<Post>,
    answered: [usize; 2],
    held: Vec<Held>,
}

/// What a replica held after a round.
struct Held {
    resident: u64,
    descriptors: usize,
}

impl Soak {
    pub async fn run(&self) -> Result<()> {
        let releases = Releases::find()?
            .context("records need the cluster's programs: make cluster-binaries")?;
        let place = Place::new()?;
        let bare = releases.without_templates();
        let facts = place.facts("facts.json", &reviews::facts(Some(&bare))?)?;
        let [admitted, refused] = reviews::records(&bare)?;
        let [large, _] = reviews::records(&releases)?;
        let records = [admitted, refused, large];
        let mut replicas = Vec::new();
        for name in ["guard-1", "guard-2"] {
            let server = place.guard(name, GUARD.as_ref(), &facts)?;
            replicas.push(Replica::new(server, &reviews::claims(), &records).await?);
        }
        // Whoever stops it gets what was measured until then.
        let interrupted = tokio::spawn(tokio::signal::ctrl_c());
        let (started, mut rotated) = (Instant::now(), 0);
        loop {
            try_join_all(replicas.iter_mut().map(Replica::round)).await?;
            let done: usize = replicas.iter().map(Replica::all).sum();
            // The last exchange has to be seen, too.
            let due = done * (self.rotations + 1) / self.reviews.max(1);
            if rotated < due.min(self.rotations) {
                place.exchange()?;
                rotated += 1;
            }
            let held = replicas.iter().filter_map(|replica| replica.held.last());
            let held: Vec<_> = held.map(|it| format!("{:.1}", mib(it.resident))).collect();
            eprintln!(
                "{done} reviews, {rotated} certificates, {:.0} s, {} MiB",
                started.elapsed().as_secs_f64(),
                held.join(" and ")
            );
            let all = done >= self.reviews && rotated >= self.rotations;
            if all || interrupted.is_finished() {
                break;
            }
        }
        println!(
            "| replica | claims | records | certificates | RSS MiB warm | at the end | at peak | descriptors warm | at the end |"
        );
        println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
        for (number, replica) in replicas.iter().enumerate() {
            replica.print(number + 1, rotated)?;
        }
        println!(
            "\n{:.0} s, no review lost.",
            started.elapsed().as_secs_f64()
        );
        Ok(())
    }
}

impl Replica {
    async fn new(server: Server, claims: &[Case], records: &[Case]) -> Result<Self> {
        let mut posts = [Vec::new(), Vec::new()];
        for (posts, cases) in posts.iter_mut().zip([claims, records]) {
            for case in cases {
                reviews::check(&server.client, case).await?;
                posts.push(server.client.prepare(case.path, &case.body).await?);
            }
        }
        let [claims, records] = posts;
        Ok(Self {
            server,
            claims,
            records,
            answered: [0; 2],
            held: Vec::new(),
        })
    }

    fn all(&self) -> usize {
        self.answered.iter().sum()
    }

    /// Records of each kind, then claims until there are as many of them.
    async fn round(&mut self) -> Result<()> {
        let client = &self.server.client;
        for pattern in PATTERNS {
            for record in &self.records {
                let some = client.run(record, pattern, ROUND).await?;
                self.answered[1] += some.requests;
            }
            while self.answered[0] < self.answered[1] {
                for claim in &self.claims {
                    let some = client
                        .run(claim, pattern, Duration::from_millis(50))
                        .await?;
                    ensure!(some.requests > 0, "no claim was answered");
                    self.answered[0] += some.requests;
                }
            }
        }
        self.held.push(Held {
            resident: self.server.memory()?.resident,
            descriptors: self.server.descriptors()?,
        });
        Ok(())
    }

    fn print(&self, number: usize, rotated: usize) -> Result<()> {
        let part = self.held.len() / PARTS;
        let mut parts = self.held.chunks_exact(part.max(1)).skip(1);
        let warm = Held::lowest(parts.next().context("it was never warm")?);
        let last = Held::lowest(&self.held[self.held.len() - part.max(1)..]);
        let [claims, records] = self.answered;
        let peak = self.server.memory()?.peak;
        println!(
            "| {number} | {claims} | {records} | {rotated} | {:.1} | {:.1} | {:.1} | {} | {} |",
            mib(warm.resident),
            mib(last.resident),
            mib(peak),
            warm.descriptors,
            last.descriptors,
        );
        Ok(())
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

impl Held {
    fn lowest(looks: &[Self]) -> Self {
        let resident = looks.iter().map(|look| look.resident).min();
        let descriptors = looks.iter().map(|look| look.descriptors).min();
        Self {
            resident: resident.unwrap_or_default(),
            descriptors: descriptors.unwrap_or_default(),
        }
    }
}
