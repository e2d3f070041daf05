//! Buses that speak TLS: whose certificate the system trusts is spoken to, anyone else is not.

use std::path::Path;
use std::process::{Command, Output};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use swarm_test_servers::{Engine, Server, Tls};

/// Files of an authority and of a server on loopback that it vouches for.
fn certificates(folder: &Path) -> Tls {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let server = server.signed_by(&key, &authority).unwrap();
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    write("authority.pem", authority.pem());
    Tls { certificate: write("server.pem", server.pem()), key: write("server.key", key.serialize_pem()) }
}

fn show(folder: &Path, url: &str, authority: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swarmc"));
    command.current_dir(folder).env("SSL_CERT_FILE", folder.join(authority)).env_remove("SWARM_BUS");
    command.args(["queue", "add", "work", "tasks.json", "--format", "json", "--bus", url]).output().unwrap()
}

#[test]
fn a_bus_is_reached_through_tls_if_its_certificate_is_trusted() {
    let folder = std::env::temp_dir().join(format!("swarm-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("tasks.json"), r#"[{"id":"a"}]"#).unwrap();
    let tls = certificates(&folder);
    let other = folder.join("other");
    std::fs::create_dir_all(&other).unwrap();
    certificates(&other);
    for engine in Engine::ALL {
        let server = Server::start_with(engine, Some(tls.clone())).unwrap();
        let output = show(&folder, &server.url(), "authority.pem");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains(r#""added":1"#), "{engine:?}: {said}");
        // Somebody else vouches for it.
        let output = show(&folder, &server.url(), "other/authority.pem");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!output.status.success() && said.contains("E0520"), "{engine:?}: {said}");
        // Without TLS nothing is told.
        let plain = server.url().replace("rediss:", "redis:");
        if engine == Engine::Redis {
            assert!(!show(&folder, &plain, "authority.pem").status.success());
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
