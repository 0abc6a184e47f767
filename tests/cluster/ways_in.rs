//! The ways in that people already use: a plugin of kubectl's, of Helm's, a pipeline's job.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use camunda_upgrade_guard::helm::manifest;
use harness::{Cluster, Helm, HelmCli, Run, binaries::workspace};
use serde_json::Value;

use crate::{
    charts::{ANEW, own},
    release::Release,
    stage::BINARY,
};

pub const NAME: &str = "camunda-upgrade-guard";
const HOMEPAGE: &str = "https://example.test/guard";
const DOWNLOADS: &str = "https://example.test/guard/0.1.0";

/// What a publisher makes of the program, once for all tests.
fn packed(cluster: &Cluster) -> &'static Path {
    static PACKED: OnceLock<PathBuf> = OnceLock::new();
    PACKED.get_or_init(|| {
        let folder = cluster.scratch("packages").unwrap();
        fs::write(folder.join("THIRD-PARTY.txt"), "licences of others").unwrap();
        // What is only for a debugger would take long to pack.
        let program = folder.join("stripped").display().to_string();
        let strip = Run::new("strip").args(["-o", &program, BINARY]);
        strip.output().unwrap().ok().unwrap();
        let built = Run::new(workspace().join("packaging/build.sh"))
            .args([folder.to_str().unwrap(), &format!("linux/amd64={program}")])
            .env("HOMEPAGE", HOMEPAGE)
            .env("DOWNLOADS", DOWNLOADS)
            .output();
        built.unwrap().ok().unwrap();
        folder
    })
}

fn yaml(text: &str) -> Value {
    let mut documents = manifest::split(text);
    documents.next().unwrap().parse().unwrap().unwrap()
}

/// A path with a folder before all others.
pub fn path_with(folder: &Path) -> String {
    let path = std::env::var("PATH").unwrap();
    format!("{}:{path}", folder.display())
}

/// What krew does with a manifest: the archive is the one that was meant, and its program is found as a plugin.
#[test]
fn kubectl_runs_what_krew_s_manifest_names() {
    let Some(cluster) = Cluster::shared_or_skip() else {
        return;
    };
    let folder = packed(cluster);
    let plugin = yaml(&fs::read_to_string(folder.join("krew.yaml")).unwrap());
    let spec = &plugin["spec"];
    assert_eq!(plugin["kind"], "Plugin");
    assert_eq!(plugin["metadata"]["name"], NAME);
    assert_eq!(spec["version"], format!("v{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(spec["homepage"], HOMEPAGE);
    let platform = &spec["platforms"][0];
    let archive = platform["uri"].as_str().unwrap();
    let archive = archive.strip_prefix(&format!("{DOWNLOADS}/")).unwrap();
    let sum = Run::new("sha256sum").args([folder.join(archive)]).output();
    let sum = sum.unwrap().ok().unwrap().stdout;
    assert_eq!(platform["sha256"].as_str(), sum.split(' ').next());
    let installed = cluster.scratch("krew").unwrap();
    let tar = Run::new("tar").args(["-xzf", archive, "-C", installed.to_str().unwrap()]);
    tar.current_dir(folder).output().unwrap().ok().unwrap();
    for licences in ["LICENSE", "THIRD-PARTY.txt"] {
        assert!(installed.join(licences).is_file(), "{licences}");
    }
    let program = installed.join(platform["bin"].as_str().unwrap());
    let file = format!("kubectl-{}", NAME.replace('-', "_"));
    symlink(program, installed.join(file)).unwrap();

    let kubectl = |args: &[&str]| {
        let run = Run::new(&cluster.binaries().kubectl)
            .args([NAME])
            .args(args);
        run.env("PATH", path_with(&installed)).output().unwrap()
    };
    let rules = kubectl(&["rules"]).ok().unwrap();
    let own = Run::new(BINARY).args(["rules"]).output().unwrap();
    assert_eq!(rules.stdout, own.stdout);
    let wrong = kubectl(&["explain", "--no-such-flag"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.report());
    let usage = "Usage: kubectl camunda-upgrade-guard explain [RULE]";
    assert!(wrong.stderr.contains(usage), "{}", wrong.report());
}

/// A Helm with the plugins of its own.
fn helm_with_plugins(cluster: &Cluster, folder: &Path, helm: Helm) -> HelmCli {
    let home = cluster.scratch("helm").unwrap();
    let cli = HelmCli::new(cluster.binaries(), helm, Some(cluster.kubeconfig()), &home);
    let plugins = folder.join("linux-amd64").join(helm.name());
    for plugin in fs::read_dir(plugins).unwrap() {
        let plugin = plugin.unwrap().path();
        let installed = cli.run(&["plugin", "install", plugin.to_str().unwrap()]);
        installed.ok().unwrap();
    }
    cli
}

/// Helm takes `-n` out of a plugin's command line, and the plugin knows it all the same.
#[test]
fn helm_runs_the_plugin_with_its_own_flags() {
    let Some(cluster) = Cluster::shared_or_skip() else {
        return;
    };
    let folder = packed(cluster);
    let release = Release::new(cluster, "plugin");
    let installed = release.install(Helm::V3, &own("camunda-8.2"), &[]);
    installed.ok().unwrap();
    release.bind_all();
    let target = own("camunda-8.3");
    let checked = Helm::BOTH.map(|helm| release.checked(helm, &target, &[ANEW]));
    let chart = target.to_str().unwrap();
    let check = [NAME, "check", release.name, "--chart", chart];
    for (helm, checked) in Helm::BOTH.into_iter().zip(checked) {
        assert_eq!(checked.code, Some(1), "{}", checked.report());
        let cli = helm_with_plugins(cluster, folder, helm);
        let version = cli.run(&["plugin", "list"]).ok().unwrap().stdout;
        assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
        let args = [&check[..], &["-n", &release.namespace, "--", ANEW]].concat();
        let output = cli.run(&args);
        assert_eq!(output.code, Some(1), "{}", output.report());
        // A plugin knows the very version of Helm that is at work; the small charts were tested with another one.
        let without_version = |text: &str| {
            // The verdict counts it, too.
            let (text, _) = text.rsplit_once("\nRefused: ").unwrap();
            let sections = text.split("\nWarning: ");
            let others = sections.filter(|section| !section.contains("[helm-cli-version]"));
            others.collect::<Vec<_>>().join("\nWarning: ")
        };
        assert!(
            output.stdout.contains("[helm-cli-version]"),
            "{}",
            output.stdout
        );
        assert_eq!(
            without_version(&output.stdout),
            without_version(&checked.stdout)
        );
        let usage = cli.run(&[NAME, "explain", "--no-such-flag"]);
        let expected = "Usage: helm camunda-upgrade-guard explain [RULE]";
        assert!(usage.stderr.contains(expected), "{}", usage.report());
        let other = [&check[..], &["--kube-token", "x"]].concat();
        let other = cli.run(&other);
        assert!(
            other.stderr.contains("helm's --kube-token"),
            "{}",
            other.report()
        );
    }
}

/// A post-renderer refuses before anything is written, and is heard: Helm 4 keeps to itself what its plugins say.
#[test]
fn a_post_renderer_says_why_it_refuses() {
    let Some(cluster) = Cluster::shared_or_skip() else {
        return;
    };
    let folder = packed(cluster);
    let helm_3 = cluster.helm(Helm::V3);
    let helm_4 = helm_with_plugins(cluster, folder, Helm::V4);
    // Helm 3 takes a program, Helm 4 the name of a plugin.
    let program = [BINARY, "--post-renderer-args", "post-render"];
    let plugin = ["camunda-upgrade-guard-post-render"];
    let log = cluster.scratch("post-render").unwrap().join("log");
    for (helm, renderer) in [(helm_3, &program[..]), (helm_4, &plugin[..])] {
        let release = Release::new(cluster, "rendered");
        let namespace = format!("--namespace={}", &*release.namespace);
        let own_namespace = format!("--post-renderer-args=-n={}", &*release.namespace);
        let post_render = |verb, chart: &str, more: &[&str]| {
            let chart = own(chart);
            let chart = chart.to_str().unwrap();
            let mut args = vec![verb, release.name, chart, &namespace, "--post-renderer"];
            args.extend(renderer);
            args.extend(["--post-renderer-args", release.name, &own_namespace]);
            args.push("--post-renderer-args=-f=/dev/null");
            args.extend(more);
            // Helm's output is a pipe, then a file.
            let piped = helm.run(&args);
            if piped.success() {
                return (piped, String::new());
            }
            let written = helm.run_into(&log, &args);
            assert_eq!(written.code, piped.code, "{}", written.report());
            (piped, fs::read_to_string(&log).unwrap())
        };
        let (installed, _) = post_render("install", "camunda-8.2", &[]);
        installed.ok().unwrap();
        release.bind_all();
        let before = (release.revisions(), release.versions());
        let (refused, log) = post_render("upgrade", "camunda-8.3", &[ANEW]);
        assert!(!refused.success(), "{}", refused.report());
        for told in [
            " is refused: ",
            "[elasticsearch-claims-orphaned]",
            "kubectl -n ",
        ] {
            assert!(refused.stderr.contains(told), "{}", refused.report());
        }
        // The refusal is whole in both, and so is Helm's own error.
        let lines = refused.stderr.lines();
        let lines = lines.skip_while(|line| !line.contains(" is refused: "));
        let is_helms = |line: &&str| line.starts_with("Error: ") || line.contains("exit status");
        let refusal: Vec<_> = lines.take_while(|line| !is_helms(line)).collect();
        assert!(refusal.len() > 10, "{}", refused.report());
        let refusal = refusal.join("\n");
        assert!(log.contains(&refusal), "no {refusal}\nin {log}");
        for text in [&refused.stderr, &log] {
            assert!(text.contains("Error: UPGRADE FAILED: "), "{text}");
        }
        assert_eq!((release.revisions(), release.versions()), before);
    }
}

/// Whatever a refusal says, Helm 4 shows all of it and takes none of it for a manifest: with none it would delete the release's
/// objects.
#[test]
fn a_refusal_of_whatever_text_stops_helm_4() {
    let Some(cluster) = Cluster::shared_or_skip() else {
        return;
    };
    let plugin = cluster.scratch("post-render-plugin").unwrap();
    let sources = workspace().join("packaging/helm4-post-render");
    for file in ["plugin.yaml", "post-render.sh"] {
        fs::copy(sources.join(file), plugin.join(file)).unwrap();
    }
    let home = cluster.scratch("helm").unwrap();
    let helm = HelmCli::new(cluster.binaries(), Helm::V4, None, &home);
    let installed = helm.run(&["plugin", "install", plugin.to_str().unwrap()]);
    installed.ok().unwrap();
    let program = plugin.join("bin").join(NAME);
    fs::create_dir(plugin.join("bin")).unwrap();
    let log = plugin.join("log");
    let chart = own("unrelated");
    let renderer = "--post-renderer=camunda-upgrade-guard-post-render";
    let args = ["template", "any", chart.to_str().unwrap(), renderer];
    for text in [
        "  indented first\n\n\ttab",
        "---\n# Source: a\n{{ %s %d \\n",
        "a/_b",
        "_partial",
        "\"quoted\" 'too': - [a] ü → | >",
        "NOTES.txt",
    ] {
        for (code, stops) in [(0, false), (1, true), (2, true), (3, true), (101, true)] {
            let shell = format!(
                "#!/bin/sh\nif [ {code} = 0 ]; then cat; else cat >/dev/null; fi\ncat >&2 <<'END'\n{text}\nEND\nexit {code}\n"
            );
            fs::write(&program, shell).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            let output = helm.run_into(&log, &args);
            let written = fs::read_to_string(&log).unwrap();
            assert_eq!(output.success(), !stops, "{code}, {text}: {written}");
            match code {
                0 => assert!(written.contains("name: any-cache"), "{written}"),
                101 => assert!(written.contains("exited with error"), "{written}"),
                _ => assert!(written.contains(text), "no {text}\nin {written}"),
            }
        }
    }
}

/// The action of GitHub's: a log, a summary and results to upload, and an exit only after that.
#[test]
fn the_action_leaves_results_and_a_summary() {
    let Some(cluster) = Cluster::shared_or_skip() else {
        return;
    };
    let release = Release::new(cluster, "action");
    let installed = release.install(Helm::V4, &own("camunda-8.2"), &[]);
    installed.ok().unwrap();
    release.bind_all();
    let folder = cluster.scratch("action").unwrap();
    let dry_run = release.dry_run(Helm::V4, &own("camunda-8.3"), &[ANEW]);
    fs::write(folder.join("upgrade 1.json"), &dry_run).unwrap();
    let snapshot = release.snapshot();
    let action = workspace().join("packaging/github-action");
    let described = yaml(&fs::read_to_string(action.join("action.yml")).unwrap());
    let run = |input: &str| {
        let mut run = Run::new(action.join("check.sh")).current_dir(&folder);
        for (name, told) in described["runs"]["steps"][1]["env"].as_object().unwrap() {
            let value = match name.as_str() {
                "GUARD_INPUT" => input,
                "GUARD_PROGRAM" => BINARY,
                "GUARD_SNAPSHOT" => &snapshot.path,
                _ => {
                    let key = told.as_str().unwrap().strip_prefix("${{ inputs.").unwrap();
                    let input = &described["inputs"][key.strip_suffix(" }}").unwrap()];
                    input["default"].as_str().unwrap()
                }
            };
            run = run.env(name, value);
        }
        run.env("GITHUB_OUTPUT", folder.join("output"))
            .env("GITHUB_STEP_SUMMARY", folder.join("summary.md"))
            .output()
            .unwrap()
    };
    let output = run("upgrade 1.json").ok().unwrap();
    assert!(
        output.stdout.contains(" is refused: "),
        "{}",
        output.report()
    );
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
    assert_eq!(read("output"), "code=1\n");
    assert!(read("summary.md").starts_with("## upgrade of release action"));
    let sarif: Value = serde_json::from_str(&read("camunda-upgrade-guard.sarif")).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    let uri = result.pointer("/locations/0/physicalLocation/artifactLocation/uri");
    assert_eq!(uri.unwrap(), "upgrade%201.json");
    let unreadable = run("no such file");
    assert_eq!(unreadable.code, Some(2), "{}", unreadable.report());
}
