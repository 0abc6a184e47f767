use super::*;

fn redactor() -> Redactor {
    let mut redactor = Redactor::new(Salt::from_text("salt".to_owned()));
    redactor.learn(&Object(json!({
        "kind": "Secret", "metadata": {"name": "mine"}, "stringData": {"a": "correct horse", "b": "yes"},
    })));
    redactor
}

#[test]
fn secrets_go_and_everything_else_stays() {
    let redactor = redactor();
    let mut values = json!({
        "global": {"identity": {"auth": {
            "tasklist": {"existingSecret": "hunter2"},
            "operate": {"existingSecret": {"name": "mine"}, "existingSecretKey": "secret-key"},
            "issuer": "correct horse",
        }}},
        "tls": {"key": "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n"},
        "url": "https://elastic:hunter2@es:9200",
        "lines": {"existingSecret": "hunter2\nhunter2\n"},
        "auth": {"adminPassword": 12345, "existingSecret": "mine", "secretKeys": {"adminPasswordKey": "password"}},
        "env": [{"name": "A_TOKEN", "value": "hunter2"}, {"name": "B", "value": "yes"}, {"name": "C_PASSWORD", "value": "$(D)"}],
        "file": "a: b\n  client-secret: \"hunter2\"\nldap.password=hunter2\nx: correct horse\nz: ${PASSWORD}\n",
    });
    let before = values.clone();
    redactor.values(&mut values);
    let text = values.to_string();
    for secret in ["hunter2", "12345", "correct horse"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let kept = |pointer: &str| assert_eq!(values.pointer(pointer), before.pointer(pointer));
    kept("/global/identity/auth/operate");
    kept("/auth/existingSecret");
    kept("/auth/secretKeys");
    kept("/env/1");
    kept("/env/2");
    let file = values["file"].as_str().unwrap();
    assert!(
        file.starts_with("a: b\n  client-secret: \"digest:"),
        "{file}"
    );
    assert!(file.contains("\nldap.password=digest:"), "{file}");
    assert!(file.ends_with("\nz: ${PASSWORD}\n"), "{file}");
    // Once more changes nothing.
    let once = values.clone();
    redactor.values(&mut values);
    assert_eq!(values, once);
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
    let manifest = redactor.manifest(
        "---\n# Source: a/b.yaml\napiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  password: hunter2\n  empty: \"\"\n\
         ---\napiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {externalName: hunter2}\n",
    );
    assert!(!manifest.contains("hunter2") && !live.to_string().contains("hunter2"));
    let planned = documents(&manifest);
    assert_eq!(planned[0]["data"], live["data"]);
    assert!(
        manifest.starts_with("---\n# Source: a/b.yaml\n{"),
        "{manifest}"
    );
    assert!(manifest.contains("\"kind\":\"Service\""), "{manifest}");
}
