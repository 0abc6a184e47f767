use super::*;

fn redactor() -> Redactor {
    let mut redactor = Redactor::new(Salt::from_text("salt".to_owned()));
    redactor.learn(&Object(json!({
        "kind": "Secret", "metadata": {"name": "mine"}, "stringData": {"a": "correct horse", "b": "yes"},
    })));
    redactor
}

#[test]
fn secrets_go_and_what_is_harmless_stays() {
    let redactor = redactor();
    let mut values = json!({
        "global": {"identity": {"auth": {
            "tasklist": {"existingSecret": "hunter2"},
            "operate": {"existingSecret": {"name": "mine"}, "existingSecretKey": "secret-key"},
            "issuer": "correct horse",
        }}},
        "tls": {"key": "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n"},
        "license": {"key": "hunter2"},
        "url": "https://elastic:hunter2@es:9200",
        "datasource": {"url": "jdbc:postgresql://db:5432/x?user=u&password=hunter2"},
        "lines": {"existingSecret": "hunter2\nhunter2\n"},
        "auth": {"adminPassword": 12345, "existingSecret": "mine", "secretKeys": {"adminPasswordKey": "password"}},
        "env": [{"name": "A_TOKEN", "value": "hunter2"}, {"name": "B", "value": "true"}, {"name": "C_PASSWORD", "value": "$(D)"},
            {"name": "S3_ACCESSKEY", "value": "hunter2"}, {"name": "E", "value": "${F:hunter2}"}],
        "sidecars": [{"name": "s", "args": ["--api-token=hunter2", "-phunter2", "hunter2"], "command": ["sh", "-c", "psql u:hunter2@db"]}],
        "javaOpts": "-Xmx2g -Djavax.net.ssl.trustStorePassword=hunter2 -Dhunter2",
        "extraConfiguration": {"a.yaml": "# hunter2\na:\n  client-secret: hunter2\n  url: https://db\n  list: [hunter2]\n", "b.sh": "curl -u a:hunter2"},
        "count": 3, "size": "64Gi",
    });
    let before = values.clone();
    redactor.values(&mut values);
    let text = values.to_string();
    for secret in ["hunter2", "12345", "correct horse"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    for kept in [
        "/global/identity/auth/operate",
        "/auth/existingSecret",
        "/auth/secretKeys",
        "/env/1",
        "/env/2",
        "/count",
        "/size",
    ] {
        assert_eq!(values.pointer(kept), before.pointer(kept), "{kept}");
    }
    for told in [
        "@es:9200",
        "jdbc:postgresql://db:5432/x?digest:",
        "--api-token=digest:",
        "-Xmx2g -Djavax.net.ssl.trustStorePassword=digest:",
        "${F:digest:",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let file = values["extraConfiguration"]["a.yaml"].as_str().unwrap();
    let file = documents_of(file);
    assert_eq!(file["a"]["url"], "https://db");
    // Once more changes nothing.
    let once = values.clone();
    redactor.values(&mut values);
    assert_eq!(values, once);
}

fn documents_of(yaml: &str) -> Value {
    manifest::split(yaml)
        .next()
        .unwrap()
        .parse()
        .unwrap()
        .unwrap()
}

#[test]
fn pods_and_what_is_noted_of_them_hold_no_secret() {
    let redactor = redactor();
    let mut set = json!({
        "metadata": {"name": "s", "annotations": {"vault.example.com/token": "hunter2", "meta.helm.sh/release-name": "camunda",
            "evilhelm.sh/x": "hunter2"}},
        "spec": {"template": {
            "metadata": {"annotations": {"checksum/config": "abc", "note": "hunter2"}},
            "spec": {
                "initContainers": [{"name": "i", "env": [{"name": "DB", "value": "hunter2"}], "command": ["sh", "-c", "a hunter2"]}],
                "containers": [{"name": "c", "args": ["--key=hunter2"],
                    "livenessProbe": {"httpGet": {"httpHeaders": [{"name": "Authorization", "value": "hunter2"}]}},
                    "lifecycle": {"preStop": {"exec": {"command": ["hunter2"]}}}}],
            },
        }},
    });
    redactor.object(Kind::StatefulSet, &mut set);
    let text = set.to_string();
    assert!(!text.contains("hunter2"), "{text}");
    for kept in ["\"camunda\"", "\"abc\"", "--key=digest:"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    let mut map = json!({"metadata": {"name": "m"}, "data": {
        "application.yaml": "camunda:\n  security:\n    authentication:\n      method: basic\n  password: ${P:hunter2}\n",
        "a.properties": "# hunter2\nspring.profiles.active = identity-auth\ndb.password: hunter2\n",
        "log4j2.xml": "<a b='hunter2'/>", "CAMUNDA_IDENTITY_TYPE": "KEYCLOAK", "LICENSE": "hunter2",
    }});
    redactor.object(Kind::ConfigMap, &mut map);
    let text = map.to_string();
    assert!(!text.contains("hunter2"), "{text}");
    for kept in ["basic", "spring.profiles.active=identity-auth", "KEYCLOAK"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    let mut volume = json!({"metadata": {"name": "v"}, "spec": {"capacity": {"storage": "1Gi"},
        "mountOptions": ["username=u,password=hunter2"], "csi": {"driver": "d", "volumeAttributes": {"source": "//u:hunter2@x"}}}});
    redactor.object(Kind::PersistentVolume, &mut volume);
    assert!(!volume.to_string().contains("hunter2"), "{volume}");
}

#[test]
fn a_record_is_redacted_like_the_objects_that_it_made() {
    let redactor = redactor();
    let mut live = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "s", "annotations": {LAST_APPLIED: "hunter2"}, "managedFields": []},
        "data": {"password": STANDARD.encode("hunter2"), "empty": ""},
    });
    redactor.object(Kind::Secret, &mut live);
    let (manifest, parsed) = redactor.manifest(
        "---\n# Source: a/b.yaml\napiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  password: hunter2\n  empty: \"\"\n\
         ---\napiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {externalName: hunter2}\n",
        Parsed::default(),
    );
    assert!(!manifest.contains("hunter2") && !live.to_string().contains("hunter2"));
    let secret = manifest::split(&manifest).next().unwrap();
    let planned = secret.parse().unwrap().unwrap();
    assert_eq!(planned["data"], live["data"]);
    // Whoever has it parsed already need not do so again.
    assert_eq!(parsed.of(&manifest, &secret).unwrap()[0].0, planned);
    assert!(
        manifest.starts_with("---\n# Source: a/b.yaml\n{"),
        "{manifest}"
    );
    assert!(manifest.contains("\"kind\":\"Service\""), "{manifest}");
}
