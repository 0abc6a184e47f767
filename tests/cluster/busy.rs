//! Somebody who may only create Secrets keeps the guard busy with records that are dear to judge, and somebody else tries to get past it meanwhile.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use camunda_upgrade_guard::webhooks::IGNORE;
use harness::{Kubectl, hostile, record};

use crate::{opting_out::landlord, release::Release, stage::guarded};

/// How many records are written at once.
const AT_ONCE: usize = 8;

#[test]
fn a_label_that_needs_a_right_is_not_set_while_hostile_records_are_judged() {
    let Some((cluster, guard)) = guarded() else {
        return;
    };
    let open = cluster.namespace("open").unwrap();
    for args in [
        &[
            "create",
            "role",
            "writer",
            "--verb=create",
            "--resource=secrets",
        ][..],
        &[
            "create",
            "rolebinding",
            "writer",
            "--role=writer",
            "--user=mallory",
        ],
    ] {
        let args = [args, &["-n", &open]].concat();
        cluster.kubectl(args).ok().unwrap();
    }
    let mallory = cluster.kubeconfig_of_user("mallory", &[]).unwrap();
    let mallory = cluster.kubectl_as(&mallory);
    let landlord = landlord(cluster);
    let prod = Release::new(cluster, "prod").namespace;
    let label = ["label", "namespace", &prod, &format!("{IGNORE}=true")];

    let over = AtomicBool::new(false);
    let (over, mallory) = (&over, &mallory);
    let open = &*open;
    thread::scope(|scope| {
        let writers: Vec<_> = (0..AT_ONCE)
            .map(|number| scope.spawn(move || write(mallory, open, number)))
            .collect();
        let labels = scope.spawn(move || {
            let mut tried = 0;
            while !over.load(Ordering::Relaxed) || tried == 0 {
                let text = landlord.run(label).refused().unwrap().text();
                let told = ["may not ignore", "failed calling webhook"];
                assert!(told.iter().any(|told| text.contains(told)), "{text}");
                tried += 1;
            }
        });
        for writer in writers {
            writer.join().unwrap();
        }
        over.store(true, Ordering::Relaxed);
        labels.join().unwrap();
    });
    let namespace = cluster.get("namespace", "", &prod).unwrap().unwrap();
    assert!(
        namespace["metadata"]["labels"].get(IGNORE).is_none(),
        "{namespace}"
    );
    assert!(!guard.log().contains("panicked"), "{}", guard.log());
}

/// Writes each kind of hostile record. Whether it is refused is up to its own rules; here it only has to end.
fn write(mallory: &Kubectl, namespace: &str, number: usize) {
    for (kind, hostile) in hostile::records()
        .iter()
        .enumerate()
        .skip(number)
        .step_by(AT_ONCE)
    {
        let mut secret = record::secret(&hostile.release, "pending-upgrade").unwrap();
        secret["metadata"]["namespace"] = namespace.into();
        secret["metadata"]["name"] = format!("sh.helm.release.v1.evil{kind}.v2").into();
        let args = ["create", "-n", namespace, "-f", "-"];
        let output = mallory.run_with_input(args, &secret.to_string());
        assert!(!output.text().contains("forbidden"), "{}", output.report());
    }
}
