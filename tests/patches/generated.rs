//! Objects with all that a strategic merge patch has rules for, each in three versions.

use serde_json::{Value, json};

use crate::random::Random;

/// As the running manifest has it, as the new one does, and as it is live.
pub fn versions(random: &mut Random) -> [Value; 3] {
    let kind = random.below(7);
    // One odd thing in one of the versions: what the library refuses is to be refused.
    let odd = random.below(12);
    [0, 1, 2].map(|version| {
        let mut object = object(kind, random);
        if odd == version {
            spoil(&mut object, version, random);
        }
        object
    })
}

fn object(kind: usize, random: &mut Random) -> Value {
    let (version, kind, body) = match kind {
        0 => ("apps/v1", "Deployment", json!({"spec": deployment(random)})),
        1 => ("apps/v1", "StatefulSet", json!({"spec": set(random)})),
        2 => ("v1", "Pod", json!({"spec": pod(random)})),
        3 => ("v1", "Service", json!({"spec": service(random)})),
        4 => ("v1", "ConfigMap", json!({"data": pairs(random)})),
        5 => (
            "v1",
            "ServiceAccount",
            json!({"imagePullSecrets": named(random), "secrets": named(random)}),
        ),
        _ => (
            "monitoring.coreos.com/v1",
            "ServiceMonitor",
            json!({"spec": {"endpoints": named(random), "selector": pairs(random)}}),
        ),
    };
    let mut object = body;
    object["apiVersion"] = version.into();
    object["kind"] = kind.into();
    object["metadata"] = json!({"name": "a"});
    for (key, value) in [
        ("labels", pairs(random)),
        ("annotations", pairs(random)),
        (
            "finalizers",
            json!(random.some(&["z.example/a", "a.example/b", "m.example/c"])),
        ),
        (
            "ownerReferences",
            json!(
                random
                    .some(&["1", "2", "3"])
                    .iter()
                    .map(|uid| json!({"uid": uid, "name": random.pick(&["a", "b"])}))
                    .collect::<Vec<_>>()
            ),
        ),
    ] {
        if !random.one_in(3) {
            object["metadata"][key] = value;
        }
    }
    object
}

fn deployment(random: &mut Random) -> Value {
    let strategy = random.pick(&[
        json!({"type": "Recreate"}),
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}),
        json!({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "25%"}}),
        json!({}),
        Value::Null,
    ]);
    json!({"replicas": random.pick(&[json!(1), json!(2), Value::Null]), "strategy": strategy, "template": {"spec": pod(random)}})
}

fn set(random: &mut Random) -> Value {
    let claims = random.some(&["data", "exports"]);
    let claims: Vec<_> = claims
        .iter()
        .map(|name| json!({"metadata": {"name": name}, "spec": {"accessModes": random.some(&["ReadWriteOnce", "ReadWriteMany"])}}))
        .collect();
    json!({"serviceName": random.pick(&["a", "b"]), "volumeClaimTemplates": claims, "template": {"spec": pod(random)}})
}

fn pod(random: &mut Random) -> Value {
    let containers = random.some(&["main", "sidecar", "exporter", "agent"]);
    let containers: Vec<_> = containers
        .iter()
        .map(|name| container(name, random))
        .collect();
    let volumes = random.some(&["logs", "config", "data", "tmp"]);
    let volumes: Vec<_> = volumes
        .iter()
        .map(|name| {
            let mut volume = random.pick(&[
                json!({"emptyDir": {}}),
                json!({"emptyDir": {"sizeLimit": "1Gi"}}),
                json!({"configMap": {"name": "a", "items": [{"key": "a", "path": "a"}]}}),
                json!({"secret": {"secretName": "b"}}),
                json!({"projected": {"sources": [{"secret": {"name": "b"}}]}}),
            ]);
            volume["name"] = (*name).into();
            volume
        })
        .collect();
    let mut spec = json!({"containers": containers, "volumes": volumes});
    for (key, value) in [
        ("imagePullSecrets", named(random)),
        (
            "hostAliases",
            json!(
                random
                    .some(&["10.0.0.1", "10.0.0.2"])
                    .iter()
                    .map(|ip| json!({"ip": ip, "hostnames": random.some(&["a", "b"])}))
                    .collect::<Vec<_>>()
            ),
        ),
        (
            "tolerations",
            json!(
                random
                    .some(&["a", "b", "c"])
                    .iter()
                    .map(|key| json!({"key": key}))
                    .collect::<Vec<_>>()
            ),
        ),
        (
            "topologySpreadConstraints",
            json!(
                random
                    .some(&["zone", "host"])
                    .iter()
                    .map(|key| json!({"topologyKey": key, "maxSkew": random.below(3)}))
                    .collect::<Vec<_>>()
            ),
        ),
        ("nodeSelector", pairs(random)),
        (
            "securityContext",
            json!({"fsGroup": random.below(3), "supplementalGroups": random.some(&[1, 2, 3])}),
        ),
        (
            "affinity",
            random.pick(&[json!({}), json!({"podAffinity": {}}), Value::Null]),
        ),
    ] {
        if !random.one_in(3) {
            spec[key] = value;
        }
    }
    spec
}

fn container(name: &str, random: &mut Random) -> Value {
    // More than Go sorts by insertion.
    let names = [
        "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P",
    ];
    let env: Vec<_> = random
        .some(&names)
        .iter()
        .map(|name| match random.below(3) {
            0 => json!({"name": name, "value": random.pick(&["1", "2"])}),
            1 => json!({"name": name, "valueFrom": {"secretKeyRef": {"name": "s", "key": random.pick(&["a", "b"])}}}),
            _ => json!({"name": name}),
        })
        .collect();
    let probe = random.pick(&[
        json!({"tcpSocket": {"port": 1}}),
        json!({"httpGet": {"port": "http", "httpHeaders": [{"name": "a", "value": "b"}]}}),
        json!({"exec": {"command": ["a"]}, "failureThreshold": 3}),
        Value::Null,
    ]);
    let ports = random.some(&[80, 8080, 9600, 26500]);
    let mut ports: Vec<_> = ports
        .iter()
        .map(|port| json!({"containerPort": port, "name": format!("p{}", random.below(3))}))
        .collect();
    if random.one_in(6) {
        // The same number for another protocol: a key that is there twice.
        ports.push(json!({"containerPort": 80, "protocol": "UDP"}));
    }
    let mounts = random.some(&["/a", "/b", "/c"]);
    let mounts: Vec<_> = mounts
        .iter()
        .map(|path| json!({"mountPath": path, "name": random.pick(&["logs", "data"])}))
        .collect();
    let mut container = json!({"name": name, "image": random.pick(&["a", "b"])});
    for (key, value) in [
        ("env", json!(env)),
        ("ports", json!(ports)),
        ("volumeMounts", json!(mounts)),
        ("livenessProbe", probe),
        ("args", json!(random.some(&["a", "b", "c"]))),
        (
            "envFrom",
            json!(random.some(&[
                json!({"secretRef": {"name": "a"}}),
                json!({"configMapRef": {"name": "b"}})
            ])),
        ),
        (
            "resources",
            json!({"limits": pairs(random), "requests": random.pick(&[json!({}), json!({"cpu": 1}), Value::Null])}),
        ),
    ] {
        if !random.one_in(3) {
            container[key] = value;
        }
    }
    container
}

fn service(random: &mut Random) -> Value {
    let ports = random.some(&[80, 443, 9600, 26500]);
    let mut ports: Vec<_> = ports
        .iter()
        .map(|port| json!({"port": port, "name": format!("p{}", random.below(3)), "targetPort": random.pick(&[json!(1), json!("http")])}))
        .collect();
    if random.one_in(4) {
        ports.push(json!({"port": 80, "protocol": "UDP", "name": "udp"}));
    }
    json!({"ports": ports, "selector": pairs(random), "externalIPs": random.some(&["1.1.1.1", "2.2.2.2"])})
}

fn named(random: &mut Random) -> Value {
    let names = random.some(&["one", "two", "three"]);
    json!(
        names
            .iter()
            .map(|name| json!({"name": name}))
            .collect::<Vec<_>>()
    )
}

fn pairs(random: &mut Random) -> Value {
    let keys = random.some(&["a", "b", "c"]);
    let pairs = keys.iter().map(|key| {
        let value = random.pick(&[json!("1"), json!("2"), json!("0"), Value::Null]);
        ((*key).to_owned(), value)
    });
    Value::Object(pairs.collect())
}

/// What the API server would not take, or only without a word. Where the new version's types are wrong Helm makes a JSON merge
/// patch of it, which the API server refuses for the same reason.
fn spoil(object: &mut Value, version: usize, random: &mut Random) {
    let spec = match object.pointer("/spec/template/spec").is_some() {
        true => &mut object["spec"]["template"]["spec"],
        false => &mut object["spec"],
    };
    let ways = if version == 1 { 2 } else { 6 };
    match random.below(ways) {
        0 => spec["containers"] = json!([{"image": "nameless"}]),
        1 => spec["spelled"] = json!({"wrong": {"by": random.below(3)}}),
        2 => spec["containers"] = json!([{"name": "a"}, "b"]),
        3 => spec["volumes"] = json!([["a"], ["b"]]),
        4 => object["metadata"]["labels"] = json!({"a": {"b": 1}}),
        _ => object["metadata"]["finalizers"] = json!(["a", 1]),
    }
}
