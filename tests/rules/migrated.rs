//! What becomes of the migration on 13: it is neither cut off nor repeated, and what it leaves is told.

use camunda_upgrade_guard::{
    change::Operation,
    finding::{Action, Command},
};

use crate::{
    migration::{
        AFTER, AGAIN, IMMUTABLE, OFF, TEMPLATE, UNFINISHED, broker_claim, brokers, ended, finds,
        importer, job, text, unprepared,
    },
    scene::{Scene, claim, commands, statefulset},
};

/// A release on 13 with both migrations on the cluster.
fn migrating(to: &'static str) -> Scene {
    let mut scene = Scene::upgrade("13.12.7", to)
        .running(&brokers(TEMPLATE))
        .planned(&brokers(TEMPLATE))
        .live(&broker_claim("Bound"));
    for kind in ["data", "identity"] {
        scene = scene.running(&job(kind, "x"));
    }
    scene
}

#[test]
fn an_unfinished_migration_is_waited_for() {
    for (to, says) in [
        ("14.0.0", "Camunda 8.9 has neither 8.8's migrations"),
        ("13.12.7", "Helm deletes what the new manifest leaves out"),
    ] {
        let scene = migrating(to).live(&ended("identity", "Complete"));
        let finding = finds(&scene, &[UNFINISHED]).remove(0);
        assert_eq!(finding.title, "The data migration is not complete");
        assert!(text(&finding).contains(says), "{finding:#?}");
        assert_eq!(
            commands(&finding)[..2],
            [
                "kubectl -n prod logs -l batch.kubernetes.io/job-name=camunda-zeebe-migration-data --tail=50",
                "kubectl -n prod wait --for=condition=Complete job/camunda-zeebe-migration-data --timeout=1h",
            ]
        );
        let on = "--set orchestration.migration.data.enabled=true";
        let typed = commands(&finding);
        let stays = typed.get(2).map(String::as_str);
        assert_eq!(stays, (to == "13.12.7").then_some(on));
        let both = finds(&migrating(to), &[UNFINISHED]).remove(0);
        assert_eq!(both.title, "The migrations are not complete");
        finds(&scene.live(&ended("data", "Complete")), &[]);
    }
    // 14 would not finish what is in its manifest either.
    let kept = migrating("14.0.0").planned(&job("data", "x"));
    finds(&kept, &[UNFINISHED]);
}

#[test]
fn a_failed_migration_is_made_anew() {
    let failed = |to| {
        migrating(to)
            .live(&ended("identity", "Complete"))
            .live(&ended("data", "Failed"))
    };
    let finding = finds(&failed("14.0.0"), &[UNFINISHED]).remove(0);
    assert!(
        text(&finding).contains("Job camunda-zeebe-migration-data: failed: reached its limit."),
        "{finding:#?}"
    );
    let delete = "kubectl -n prod delete job camunda-zeebe-migration-data --ignore-not-found";
    let typed = commands(&finding);
    assert_eq!(typed[2], delete);
    assert_eq!(
        typed[3],
        "helm upgrade camunda \"$CHART\" --version 13.12.7 -n prod"
    );
    let finding = finds(&failed("13.12.7"), &[UNFINISHED]).remove(0);
    assert_eq!(
        commands(&finding)[2..],
        [delete, "--set orchestration.migration.data.enabled=true"]
    );
}

#[test]
fn migrations_that_are_not_there_hold_nothing_up() {
    let gone = Scene::upgrade("13.12.7", "14.0.0")
        .deleted(&job("data", "x"))
        .deleted(&job("identity", "x"));
    finds(&gone, &[]);
    finds(&Scene::upgrade("13.12.7", "14.0.0"), &[]);
    // Still on, or on the way back.
    let on = migrating("13.12.7")
        .planned(&job("data", "x"))
        .planned(&job("identity", "x"));
    finds(&on, &[]);
    finds(&migrating("12.13.3").rollback(), &[]);
}

#[test]
fn there_is_nothing_to_migrate_on_a_first_installation() {
    let scene = |templates: &str| {
        Scene::install("13.12.7")
            .planned(&brokers(templates))
            .planned(&importer(1))
            .planned(&job("data", "x"))
    };
    let finding = scene(TEMPLATE).refused(AGAIN);
    assert_eq!(commands(&finding), [OFF]);
    scene(TEMPLATE)
        .live(&broker_claim("Pending"))
        .refused(AGAIN);
    finds(&scene(TEMPLATE).live(&broker_claim("Bound")), &[]);
    // What runs without claims tells nothing.
    finds(&scene(""), &[]);
    let without = Scene::install("13.12.7").planned(&brokers(TEMPLATE));
    finds(&without, &[]);
}

#[test]
fn a_complete_migration_is_switched_off_and_not_deleted() {
    let changed = migrating("13.12.8")
        .planned(&job("data", "y"))
        .planned(&job("identity", "x"));
    let finding = finds(&changed.clone().live(&ended("data", "Complete")), &[AGAIN]).remove(0);
    assert_eq!(commands(&finding), [OFF]);
    // One that runs is waited for first; one that failed is made anew.
    let finding = finds(&changed, &[IMMUTABLE]).remove(0);
    assert_eq!(
        commands(&finding),
        [
            "kubectl -n prod wait --for=condition=Complete job/camunda-zeebe-migration-data --timeout=1h",
            OFF,
        ]
    );
    let finding = finds(&changed.live(&ended("data", "Failed")), &[IMMUTABLE]).remove(0);
    assert_eq!(
        commands(&finding),
        ["kubectl -n prod delete job camunda-zeebe-migration-data --ignore-not-found"]
    );
    // Repeating the upgrade from 12 that got as far as this.
    let repeated = unprepared()
        .planned(&importer(1))
        .planned(&job("data", "y"))
        .live(&ended("data", "Complete"));
    finds(&repeated, &[AGAIN]);
}

#[test]
fn a_migration_of_identities_is_not_repeated_either() {
    let scene = migrating("13.12.8")
        .planned(&job("data", "x"))
        .planned(&job("identity", "y"))
        .live(&ended("identity", "Complete"));
    let finding = finds(&scene, &[IMMUTABLE]).remove(0);
    assert_eq!(
        commands(&finding),
        ["--set orchestration.migration.identity.enabled=false"]
    );
}

#[test]
fn a_single_complete_job_is_left_as_it_is() {
    let scene = Scene::upgrade("13.12.7", "13.12.8")
        .planned(&job("data", "y"))
        .live(&ended("data", "Complete"));
    let findings = scene.object_findings(Operation::Update);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].rule.name(), AGAIN);
    assert_eq!(
        findings[0].fixes[0].commands,
        [Command::Manual(
            "orchestration.migration.data.enabled: false".to_owned()
        )]
    );
}

#[test]
fn what_is_left_after_the_upgrade_is_told() {
    let again = |importers| {
        migrating("13.12.7")
            .running(&importer(importers))
            .planned(&importer(importers))
            .planned(&job("data", "x"))
            .planned(&job("identity", "x"))
    };
    finds(&again(1), &[]);
    let complete = again(1).live(&ended("data", "Complete"));
    let finding = finds(&complete, &[AFTER]).remove(0);
    assert_eq!(finding.action, Action::Warn);
    assert_eq!(
        finding.why,
        [
            "Job camunda-zeebe-migration-data is Complete, and Deployment camunda-zeebe-migration-importer has nothing left to \
             import."
        ]
    );
    assert_eq!(
        commands(&finding),
        ["--set orchestration.migration.data.enabled=false"]
    );
    let stopped = again(0).live(&ended("data", "Complete"));
    assert!(!finds(&stopped, &[AFTER])[0].why[0].contains("importer"));
    let failed = complete.live(&ended("identity", "Failed"));
    let finding = finds(&failed, &[AFTER]).remove(0);
    assert_eq!(
        finding.title,
        "An earlier upgrade has left 2 things to be done"
    );
    assert_eq!(
        commands(&finding).last().map(String::as_str),
        Some("kubectl -n prod delete job camunda-zeebe-migration-identity --ignore-not-found")
    );
}

#[test]
fn lost_claims_can_go_where_nothing_mounts_them() {
    let labels = "app.kubernetes.io/instance: camunda";
    let lost = |name: &str, labels: &str| {
        Scene::upgrade("13.12.7", "13.12.7")
            .running(&brokers(TEMPLATE))
            .planned(&brokers(TEMPLATE))
            .live(&claim(name, "Lost", labels))
    };
    let old = "elasticsearch-master-elasticsearch-master-0";
    // Its volume is gone.
    let gone = |name: &str| {
        let document = claim(name, "Lost", labels);
        let (claim, _) = document.split_once("---").unwrap();
        Scene::upgrade("13.12.7", "13.12.7")
            .running(&brokers(TEMPLATE))
            .planned(&brokers(TEMPLATE))
            .live(claim)
    };
    let finding = finds(&gone(old), &[AFTER]).remove(0);
    let delete = format!("kubectl -n prod delete pvc {old} --ignore-not-found");
    assert_eq!(commands(&finding), [delete.as_str()]);
    // A pod has it under another claim.
    let to = |claim: &str| {
        format!(
            "kind: PersistentVolume\nmetadata: {{name: volume-{old}}}\nspec: {{claimRef: {{namespace: prod, name: {claim}}}}}"
        )
    };
    let bound = |name: &str| {
        let document = claim(name, "Bound", labels);
        let (claim, _) = document.split_once("---").unwrap();
        claim.replace(&format!("volume-{name}"), &format!("volume-{old}"))
    };
    let elasticsearch = |replicas| {
        let labels = "app.kubernetes.io/name: elasticsearch, app.kubernetes.io/instance: camunda";
        statefulset("camunda-elasticsearch-master", "data", labels, replicas)
    };
    let new = "data-camunda-elasticsearch-master-0";
    let moved = |replicas| {
        gone(old)
            .running(&elasticsearch(replicas))
            .planned(&elasticsearch(replicas))
            .live(&to(new))
    };
    let finding = finds(&moved(1).live(&bound(new)), &[AFTER]).remove(0);
    assert_eq!(commands(&finding), [delete.as_str()]);
    // Nothing mounts what has its data: the way to it is not thrown away.
    let third = "data-camunda-elasticsearch-master-2";
    for idle in [
        moved(1),
        moved(1).live(&to(third)),
        moved(2).live(&to(third)).live(&bound(third)),
        lost(old, labels),
    ] {
        let finding = finds(&idle, &[AFTER]).remove(0);
        assert_eq!(commands(&finding), [""; 0], "{finding:#?}");
        let told = format!("No pod mounts volume volume-{old} of claim {old}");
        assert!(finding.why[0].starts_with(&told), "{finding:#?}");
    }
    finds(&lost("data-camunda-zeebe-0", labels), &[]);
    finds(&lost(old, "app.kubernetes.io/instance: other"), &[]);
    let crossing = Scene::upgrade("13.12.7", "14.0.0").live(&claim(old, "Lost", labels));
    finds(&crossing, &[]);
    let earlier = Scene::upgrade("12.13.3", "12.13.3").live(&claim(old, "Lost", labels));
    finds(&earlier, &[]);
}
