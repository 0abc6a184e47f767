//! Certificates: refused at start when bad, exchanged while running when good.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use camunda_upgrade_guard::server::ServerError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tempfile::TempDir;

use crate::pki::{Pair, Pki};
use crate::support::{Guard, args, until};

#[tokio::test]
async fn a_good_pair_is_bound() {
    let dir = TempDir::new().unwrap();
    Pki::new().pair().write(dir.path());
    assert_ne!(
        args(dir.path()).bind().await.unwrap().local_addr().port(),
        0
    );
}

#[tokio::test]
async fn missing_files_are_named() {
    let dir = TempDir::new().unwrap();
    assert_eq!(
        refused(&dir).await,
        "cannot read DIR/tls.crt: No such file or directory (os error 2)"
    );
    Pki::new().pair().write(dir.path());
    fs::remove_file(dir.path().join("tls.key")).unwrap();
    fs::create_dir(dir.path().join("tls.key")).unwrap();
    assert_eq!(
        refused(&dir).await,
        "cannot read DIR/tls.key: Is a directory (os error 21)"
    );
}

#[tokio::test]
async fn files_of_another_kind_are_named_with_what_they_hold() {
    let dir = TempDir::new().unwrap();
    let Pair { cert, key } = Pki::new().pair();
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let der = String::from("0\u{82}\u{1}");
    let cut = cert[..cert.len() / 2].to_owned();
    let garbage = cert.replace("MII", "MIA");
    let short_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (cert, key, expected) in [
        (
            &*der,
            &*key,
            "DIR/tls.crt is not PEM: no line begins with -----BEGIN",
        ),
        (
            "",
            &key,
            "DIR/tls.crt is not PEM: no line begins with -----BEGIN",
        ),
        (
            &key,
            &key,
            "DIR/tls.crt holds no certificate, only PRIVATE KEY; is it the key?",
        ),
        (
            &cert,
            &cert,
            "DIR/tls.key holds no unencrypted private key, only CERTIFICATE",
        ),
        (
            &cert,
            encrypted,
            "DIR/tls.key holds no unencrypted private key, only ENCRYPTED PRIVATE KEY",
        ),
        (
            &cert,
            "",
            "DIR/tls.key is not PEM: no line begins with -----BEGIN",
        ),
        (
            &cut,
            &key,
            "DIR/tls.crt is not valid PEM: a section has no -----END line",
        ),
    ] {
        Pair {
            cert: cert.into(),
            key: key.into(),
        }
        .write(dir.path());
        assert_eq!(refused(&dir).await, expected);
    }
    Pair { cert: garbage, key }.write(dir.path());
    let message = refused(&dir).await;
    assert!(
        message.starts_with("the certificate in DIR/tls.crt cannot be parsed: "),
        "{message}"
    );
    Pair {
        cert,
        key: short_key.into(),
    }
    .write(dir.path());
    let message = refused(&dir).await;
    assert!(
        message.starts_with("the private key in DIR/tls.key cannot be used: "),
        "{message}"
    );
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused() {
    let (pki, dir) = (Pki::new(), TempDir::new().unwrap());
    let key = pki.pair().key;
    Pair { key, ..pki.pair() }.write(dir.path());
    assert_eq!(
        refused(&dir).await,
        "the private key in DIR/tls.key does not belong to the certificate in DIR/tls.crt"
    );
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let (pki, dir) = (Pki::new(), TempDir::new().unwrap());
    pki.pair_until(2001).write(dir.path());
    assert_eq!(
        refused(&dir).await,
        "the certificate in DIR/tls.crt expired on Jan  1 00:00:00 2001 +00:00; renew it"
    );
}

#[tokio::test]
async fn a_port_in_use_is_named_with_its_flag() {
    let guard = Guard::start(|_| {}).await;
    let mut again = args(guard.dir.path());
    again.admin_listen = guard.admin_addr;
    let Err(error @ ServerError::Listen { .. }) = again.bind().await else {
        panic!("two servers on one port");
    };
    assert_eq!(
        error.to_string(),
        format!(
            "cannot listen on {} (set by --admin-listen): Address already in use (os error 98)",
            guard.admin_addr
        )
    );
}

#[tokio::test]
async fn a_swap_as_kubelet_makes_it_is_served_and_drops_no_connection() {
    let (pki, dir) = (Pki::new(), TempDir::new().unwrap());
    let (old, new) = (pki.pair(), pki.pair());
    mount(dir.path(), "..2026_11_21", &old);
    for name in ["tls.crt", "tls.key"] {
        symlink(Path::new("..data").join(name), dir.path().join(name)).unwrap();
    }
    let guard = Guard::start_on(pki, dir, |_| {}).await;
    let mut kept = guard.connect().await;
    kept.post("/validate", "").await;
    assert_eq!(served(&guard).await, certificate(&old));

    mount(guard.dir.path(), "..2026_11_22", &new);
    until(|| reloads(&guard, "ok") == "1").await;

    assert_eq!(served(&guard).await, certificate(&new));
    assert_eq!(kept.post("/validate", "").await.text, "0 bytes");
    assert_eq!(reloads(&guard, "failed"), "0");
}

#[tokio::test]
async fn a_half_written_pair_is_waited_out() {
    let guard = Guard::start(|_| {}).await;
    let (old, new) = (served(&guard).await, guard.pki.pair());

    fs::write(guard.dir.path().join("tls.crt"), &new.cert).unwrap();
    until(|| reloads(&guard, "failed") != "0").await;
    assert_eq!(served(&guard).await, old);
    assert!(guard.readiness.is_ready());

    fs::write(guard.dir.path().join("tls.key"), &new.key).unwrap();
    until(|| reloads(&guard, "ok") == "1").await;
    assert_eq!(served(&guard).await, certificate(&new));
}

#[tokio::test]
async fn trouble_with_the_files_is_counted_once_and_outlived() {
    let guard = Guard::start(|_| {}).await;
    let old = served(&guard).await;
    let path = guard.dir.path().join("tls.crt");

    fs::remove_file(&path).unwrap();
    until(|| reloads(&guard, "failed") == "1").await;
    let expired = guard.pki.pair_until(2001);
    expired.write(guard.dir.path());
    // The key may be seen before or after its certificate, which is one failure more.
    until(|| ["2", "3"].contains(&&*reloads(&guard, "failed"))).await;
    assert_eq!(served(&guard).await, old);

    let new = guard.pki.pair();
    new.write(guard.dir.path());
    until(|| reloads(&guard, "ok") == "1").await;
    assert_eq!(served(&guard).await, certificate(&new));
}

#[tokio::test]
async fn the_development_certificate_is_one() {
    let dir = TempDir::new().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/certs/dev.sh");
    let mut chains = Vec::new();
    for _ in 0..2 {
        let made = Command::new(script).arg(dir.path()).output().unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        args(dir.path()).bind().await.unwrap();
        chains.push(["ca.crt", "tls.crt"].map(|name| fs::read(dir.path().join(name)).unwrap()));
    }
    assert_eq!(chains[0][0], chains[1][0]);
    assert_ne!(chains[0][1], chains[1][1]);
}

/// Why a server on the files in this folder does not start.
async fn refused(dir: &TempDir) -> String {
    let Err(error) = args(dir.path()).bind().await else {
        panic!("bound");
    };
    error
        .to_string()
        .replace(&*dir.path().to_string_lossy(), "DIR")
}

/// Puts a pair where kubelet would, under a name of its own that `..data` is then pointed at.
fn mount(dir: &Path, version: &str, pair: &Pair) {
    fs::create_dir(dir.join(version)).unwrap();
    pair.write(&dir.join(version));
    symlink(version, dir.join("..data_tmp")).unwrap();
    fs::rename(dir.join("..data_tmp"), dir.join("..data")).unwrap();
}

fn reloads(guard: &Guard, outcome: &str) -> String {
    guard.metric(&format!(
        "certificate_reloads_total{{outcome=\"{outcome}\"}}"
    ))
}

/// The certificate that a new connection is given.
async fn served(guard: &Guard) -> CertificateDer<'static> {
    let stream = guard.connect_tls().await;
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}

fn certificate(pair: &Pair) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pair.cert.as_bytes()).unwrap()
}
