//! The program beside an API server that is slow to come, and one that is gone.

use std::{
    fs,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use harness::{Cluster, Denial, GuardOptions, Helm, free_addresses, wait_until};

use crate::{charts::own, stage::BINARY};

/// Passes every connection on to `target`, from when it is called.
fn forward(listener: TcpListener, target: SocketAddr) {
    thread::spawn(move || {
        for inbound in listener.incoming().map_while(Result::ok) {
            let Ok(outbound) = TcpStream::connect(target) else {
                continue;
            };
            let pair = (inbound.try_clone().unwrap(), outbound.try_clone().unwrap());
            thread::spawn(move || pump(inbound, outbound));
            thread::spawn(move || pump(pair.1, pair.0));
        }
    });
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(count) if count > 0 && to.write_all(&buffer[..count]).is_ok() => {}
            _ => break,
        }
    }
    let _: io::Result<()> = to.shutdown(Shutdown::Both);
}

#[test]
fn it_is_not_ready_without_an_api_server_and_tries_on() {
    let Some(cluster) = Cluster::shared_or_skip() else {
        return;
    };
    let server: SocketAddr = cluster
        .server()
        .trim_start_matches("https://")
        .parse()
        .unwrap();
    let [address] = free_addresses().unwrap();
    let kubeconfig = cluster.scratch("kubeconfig").unwrap().join("config");
    let config = fs::read_to_string(cluster.kubeconfig()).unwrap();
    fs::write(
        &kubeconfig,
        config.replace(&server.to_string(), &address.to_string()),
    )
    .unwrap();

    let mut options = GuardOptions::new(BINARY);
    options.kubeconfig = Some(kubeconfig);
    options.wait_ready = false;
    options.register = false;
    let guard = cluster.guard(options).unwrap();
    wait_until(
        "the guard to say why it is not ready",
        Duration::from_secs(30),
        || {
            let (status, text) = guard.get("/readyz")?;
            Ok(
                (status == 503 && text.contains("api-server: the API server can't be reached"))
                    .then_some(()),
            )
        },
    )
    .unwrap();
    assert_eq!(guard.get("/healthz").unwrap().0, 200);

    forward(TcpListener::bind(address).unwrap(), server);
    wait_until("the guard to be ready", Duration::from_secs(30), || {
        Ok(guard.ready().then_some(()))
    })
    .unwrap();
}

/// The API server that calls is there, but reading from it is not allowed: that is said, and nothing is let through.
#[test]
fn what_may_not_be_read_is_named_and_refused() {
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let nobody = cluster
        .kubeconfig_of_user("nobody", &["system:authenticated"])
        .unwrap();
    let mut options = GuardOptions::new(BINARY);
    options.kubeconfig = Some(nobody);
    options.args = ["--events", "false"].map(str::to_owned).into();
    let mut guard = cluster.guard(options).unwrap();
    let namespace = cluster.namespace("blind").unwrap();
    let install = |name: &str, chart: &str| {
        cluster
            .helm(Helm::V3)
            .install(name, &own(chart), &namespace, &[])
    };
    let refused = install("camunda", "camunda-12");
    let denial = Denial::of(&refused);
    denial.assert_rules(&["not-checked"]);
    assert!(
        denial.text.contains("persistentvolumeclaims in namespace"),
        "{}",
        denial.text
    );
    assert!(denial.text.contains("is forbidden"), "{}", denial.text);
    install("shop", "unrelated").ok().unwrap();
    let name = "camunda_upgrade_guard_facts_errors_total";
    let labels = [("kind", "PersistentVolumeClaim"), ("error", "forbidden")];
    assert!(guard.metric(name, &labels).unwrap() > 0.0);
    // Had it tried to write Events, it would have said by its end that it may not.
    guard.terminate(Duration::from_secs(60)).unwrap();
    assert!(!guard.log().contains("Events could not be written"));
}
