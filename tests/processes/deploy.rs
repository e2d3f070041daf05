//! The files docs/deploy.md offers to begin with are ones that systemd, compose and swarmc take.

use std::process::Command;

use serde_json::Value;

#[test]
fn units_are_what_systemd_takes() {
    let verify = Command::new("systemd-analyze").arg("--version").output();
    if verify.is_err() {
        eprintln!("skipped: there is no systemd-analyze");
        return;
    }
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
    let output = Command::new("systemd-analyze").arg("verify").args(&units).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // What it says of units of the machine is not about these.
    let about: Vec<&str> = said.lines().filter(|line| line.contains("swarm")).collect();
    assert!(about.is_empty(), "{said}");
    std::fs::remove_dir_all(directory).unwrap();
}

/// The compose file as JSON: by compose itself, else by a YAML parser that is installed.
fn compose() -> Option<Value> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deploy/compose.yaml");
    let script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let docker = ["docker", "compose", "-f", file, "config", "--format", "json"];
    [&docker[..], &["python3", "-c", script, file]].into_iter().find_map(|command| {
        let output = Command::new(command[0]).args(&command[1..]).output().ok()?;
        output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
    })
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn the_compose_file_names_what_there_is_and_commands_that_are_understood() {
    let Some(file) = compose() else {
        eprintln!("skipped: there is neither docker compose nor a YAML parser");
        return;
    };
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
        // Compose writes volumes out as objects.
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let source = volume["source"].as_str().or_else(|| volume.as_str()?.split(':').next()).unwrap();
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
