//! Certificates that the guard makes by itself: exchanged under load, shared by replicas, put right whatever happens to them.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use camunda_upgrade_guard::{
    admission::{AdmissionMetrics, Guard},
    certificates::{Keeper, SelfManagedArgs},
    cluster::{Cluster, LiveCluster},
    events::Events,
    mutations::volume_reclaim_policy::RetainScope,
    policy::follow,
    server::{Admin, Limits, Served, ServerArgs, Shutdown},
};
use harness::{Endpoints, machine_address, wait_until};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::{
    load::{Load, client},
    replicas::{
        DNS_NAME, ENFORCE, NAME, Replicas, SECRET, bundles, cluster, options, until_called,
    },
};

/// Of a minute and a half, mostly.
const PATIENCE: Duration = Duration::from_secs(300);
const PER_SECOND: u32 = 40;

fn pem(bundle: &str) -> String {
    String::from_utf8(STANDARD.decode(bundle).unwrap()).unwrap()
}

#[test]
fn no_review_is_lost_while_certificates_and_authorities_are_exchanged() {
    let Some(cluster) = cluster() else {
        return;
    };
    let replicas = Replicas::start(&cluster, &options(&cluster, "15s", "90s"), 2);
    let first = bundles(&cluster);
    assert_eq!(first.len(), 1, "the webhooks trust one and the same");
    let load = Load::start(&cluster, &replicas.namespace, PER_SECOND);
    let mut seen = first.clone();
    let exchanged = || {
        let (name, ok) = (
            "camunda_upgrade_guard_certificate_reloads_total",
            ("outcome", "ok"),
        );
        replicas.metric(name, &[ok])
    };
    wait_until(
        "20 certificates, and the first authority gone",
        PATIENCE,
        || {
            for bundle in bundles(&cluster) {
                if !seen.contains(&bundle) {
                    seen.push(bundle);
                }
            }
            let exchanged = exchanged();
            let gone = !pem(&bundles(&cluster)[0]).contains(pem(&first[0]).trim());
            match exchanged >= 20.0 && gone {
                true => Ok(Some(())),
                false => anyhow::bail!("{exchanged} certificates, {} bundles", seen.len()),
            }
        },
    )
    .unwrap();
    let connections = replicas.metric("camunda_upgrade_guard_connections_total", &[]);
    let failures = replicas.metric("camunda_upgrade_guard_handshake_failures_total", &[]);
    let tally = load.end();
    eprintln!("{connections} connections");
    assert!(tally.wrong.is_empty(), "{:#?}", tally.wrong);
    assert!(tally.admitted > 0 && tally.refused > 0);
    assert!(failures < 1.0, "{failures} handshakes failed");
    assert!(connections >= seen.len() as f64);
    let several = |bundle: &String| pem(bundle).matches("BEGIN CERTIFICATE").count() > 1;
    assert!(
        seen.iter().any(several),
        "the old and the new were trusted together"
    );
}

#[test]
fn what_somebody_breaks_is_put_right() {
    let Some(cluster) = cluster() else {
        return;
    };
    let options = options(&cluster, "24h", "720h");
    let replicas = Replicas::start(&cluster, &options, 2);
    let load = Load::start(&cluster, &replicas.namespace, 50);
    let bundle = bundles(&cluster);

    // The Secret is written over, or emptied: those that run know what was in it.
    for data in [json!({"ca.crt": "bm9uc2Vuc2U="}), json!(null)] {
        let patch = json!({"data": data}).to_string();
        let name = "camunda-upgrade-guard-ca";
        let args = [
            "patch",
            "secret",
            name,
            "-n",
            "camunda-upgrade-guard",
            "--type=merge",
            "-p",
            &patch,
        ];
        cluster.kubectl(args).ok().unwrap();
        wait_until("the Secret to be right", PATIENCE, || {
            let secret = replicas.secret();
            let written = secret["data"]["ca.crt"].as_str();
            Ok((written == bundle.first().map(String::as_str)).then_some(()))
        })
        .unwrap();
    }
    assert_eq!(bundles(&cluster), bundle);
    // Nothing of this was noticed.
    let tally = load.end();
    assert!(tally.wrong.is_empty(), "{:#?}", tally.wrong);

    // A webhook is made to trust somebody else.
    let kind = "validatingwebhookconfiguration";
    let patch =
        r#"[{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": "Cg=="}]"#;
    let args = [
        "patch",
        kind,
        "camunda-upgrade-guard",
        "--type=json",
        "-p",
        patch,
    ];
    cluster.kubectl(args).ok().unwrap();
    wait_until("the webhooks to be right", PATIENCE, || {
        Ok((bundles(&cluster) == bundle).then_some(()))
    })
    .unwrap();

    // Gone altogether: those that run go on, and say what is wrong.
    let args = [
        "delete",
        "secret",
        "camunda-upgrade-guard-ca",
        "-n",
        "camunda-upgrade-guard",
    ];
    cluster.kubectl(args).ok().unwrap();
    let said = "Secret camunda-upgrade-guard/camunda-upgrade-guard-ca is not there";
    wait_until("the guard to say it", PATIENCE, || {
        Ok(replicas
            .guards
            .iter()
            .all(|guard| guard.log().contains(said))
            .then_some(()))
    })
    .unwrap();
    assert!(replicas.guards.iter().all(|guard| guard.ready()));
    let mut starting = options.clone();
    starting.wait_ready = false;
    let starting = cluster.guard(starting).unwrap();
    wait_until("a starting one to say it", PATIENCE, || {
        let (status, text) = starting.get("/readyz")?;
        Ok((status == 503 && text.contains(said)).then_some(()))
    })
    .unwrap();
    for guard in &replicas.guards {
        assert!(!guard.log().contains("PRIVATE KEY"));
    }
}

static AHEAD: AtomicU64 = AtomicU64::new(0);

fn clock() -> SystemTime {
    SystemTime::now() + Duration::from_secs(AHEAD.load(Ordering::Relaxed))
}

/// As after a machine was asleep: no timer has run, and everything has expired. The API server's clock stays, so what is
/// made now has to suit it, too.
#[test]
fn a_clock_two_days_ahead_is_recovered_from() {
    let Some(cluster) = cluster() else {
        return;
    };
    let runtime = Runtime::new().unwrap();
    let admin = Admin::default();
    let (trigger, shutdown) = Shutdown::by_hand();
    let mut endpoints = Endpoints::of(cluster.admin(), NAME, NAME);
    let namespace = cluster.namespace_with_labels("load", &ENFORCE).unwrap();
    runtime.block_on(async {
        let anywhere = SocketAddr::from((machine_address().unwrap(), 0));
        let server = ServerArgs {
            listen: anywhere,
            admin_listen: anywhere,
            files: None,
            drain_delay: Duration::ZERO,
            drain_timeout: Duration::ZERO,
            limits: Limits::default(),
        };
        let served = Arc::<Served>::default();
        let bound = server.bind_with(Arc::clone(&served)).await.unwrap();
        endpoints.add(bound.local_addr(), bound.admin_addr());
        let client = client(&cluster).await;
        let hours = |count: u64| Duration::from_secs(count * 60 * 60);
        let args = SelfManagedArgs {
            tls_secret: SECRET.parse().unwrap(),
            tls_name: vec![DNS_NAME.to_owned()],
            tls_webhooks: NAME.to_owned(),
            tls_life: hours(6),
            tls_ca_life: hours(24),
        };
        let keeper = Keeper::new(args, client.clone(), served, &admin);
        tokio::spawn(keeper.with_clock(clock).run());
        let guard = Guard::new(
            Cluster::Live(LiveCluster::new(client)),
            RetainScope::default(),
            follow(None, &admin.metrics),
            AdmissionMetrics::new(&admin.metrics),
            Events::off(&admin.metrics),
        );
        tokio::spawn(bound.serve(guard.router(), admin.clone(), shutdown));
    });
    until_called(&cluster, &namespace);
    let before = bundles(&cluster);

    AHEAD.store(2 * 24 * 60 * 60, Ordering::Relaxed);
    wait_until("a certificate that has not expired", PATIENCE, || {
        let page = admin.metrics.encode()?;
        let name = "camunda_upgrade_guard_certificate_expiry_timestamp_seconds ";
        let expiry = page.lines().find_map(|line| line.strip_prefix(name));
        let now = clock().duration_since(UNIX_EPOCH)?.as_secs();
        Ok((expiry.unwrap_or("0").parse::<u64>()? > now).then_some(()))
    })
    .unwrap();
    assert!(admin.readiness.is_ready());
    assert_ne!(bundles(&cluster), before);
    until_called(&cluster, &namespace);
    let load = Load::start(&cluster, &namespace, PER_SECOND);
    wait_until("reviews", PATIENCE, || {
        Ok((load.refused() > 100).then_some(()))
    })
    .unwrap();
    let tally = load.end();
    assert!(tally.wrong.is_empty(), "{:#?}", tally.wrong);
    trigger.stop();
}
