//! The files docs/deploy.md offers to begin with are ones that systemd, compose and swarmc take.

use std::process::Command;

use serde_json::Value;

#[cfg(target_os = "linux")]
#[test]
fn units_are_what_systemd_takes() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/deploy");
    let directory = std::env::temp_dir().join(format!("swarm-units-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let mut units = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "service") {
            continue;
        }
        // The program is where this test has it.
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace("/usr/local/bin/swarmc", env!("CARGO_BIN_EXE_swarmc"));
        let unit = directory.join(path.file_name().unwrap());
        std::fs::write(&unit, text).unwrap();
        units.push(unit);
    }
    assert!(units.len() >= 3);
    let output = Command::new("systemd-analyze").arg("verify").args(&units).output();
    let output = output.expect("this test needs systemd-analyze, which is in the package systemd");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // What it says of units of the machine is not about these.
    let about: Vec<&str> = said.lines().filter(|line| line.contains("swarm")).collect();
    assert!(about.is_empty(), "{said}");
    std::fs::remove_dir_all(directory).unwrap();
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn the_compose_file_names_what_there_is_and_commands_that_are_understood() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deploy/compose.yaml");
    let mut file: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file.apply_merge().unwrap();
    let file = serde_json::to_value(file).unwrap();
    let services = file["services"].as_object().unwrap();
    assert_eq!(services.len(), 4);
    let known = [
        "image",
        "restart",
        "environment",
        "depends_on",
        "command",
        "volumes",
        "healthcheck",
        "networks",
        "entrypoint",
    ];
    for (name, service) in services {
        let unknown: Vec<_> =
            service.as_object().unwrap().keys().filter(|key| !known.contains(&key.as_str())).collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?}");
        assert!(service["image"].is_string(), "{name}");
        for (other, depends) in service["depends_on"].as_object().into_iter().flatten() {
            assert!(
                services.contains_key(other) && services[other]["healthcheck"].is_object(),
                "{name}: {other}"
            );
            assert_eq!(depends["condition"], "service_healthy");
        }
        for volume in texts(&service["volumes"]) {
            let source = volume.split(':').next().unwrap();
            let declared = file["volumes"].as_object().unwrap().contains_key(source);
            assert!(source.starts_with(['.', '/']) || declared, "{name}: {source}");
        }
        let command = texts(&service["command"]);
        let ["/opt/swarmc", arguments @ ..] = command.as_slice() else { continue };
        // An argument that is unknown, or a value that is wrong, is refused before the help is shown.
        let output = Command::new(env!("CARGO_BIN_EXE_swarmc"))
            .args(arguments)
            .arg("--help")
            .env("SWARM_BUS", "redis://bus:6379")
            .output()
            .unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let bus = texts(&services["bus"]["command"]);
    assert!(
        bus.windows(2).any(|two| two == ["--appendfsync", "always"]),
        "orders on the bus alone must be on its disk"
    );
}
