//! What others may read and write on the servers themselves, and servers that are not as they should be.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use futures_util::StreamExt;
use swarm_bus::{Bus, BusError, open};
use swarm_test_servers::{Engine, Server};

use crate::support::text;

const ORDER: &str = r#"{"id":"o-1","type":"COST_OPTIMIZATION_v2","target_agents":1159}"#;

fn start(engine: Engine) -> Server {
    Server::start(engine).unwrap()
}

#[test]
fn others_read_and_write_redis() {
    let server = start(Engine::Redis);
    let mut bus = open(&server.url()).unwrap();
    let mut other = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let mut run = |words: &[&str]| -> redis::Value {
        let (name, arguments) = words.split_first().unwrap();
        redis::cmd(name).arg(arguments).query(&mut other).unwrap()
    };
    run(&["XADD", "swarm:instructions", "*", "payload", ORDER]);
    run(&["XADD", "swarm:instructions", "*", "from", "grafana", "payload", "second"]);
    run(&["XADD", "swarm:instructions", "*", "else", "x"]);
    let entries = bus.read("swarm:instructions", None, 10).unwrap();
    let entries: Vec<String> = entries.iter().map(|entry| text(&entry.bytes)).collect();
    assert_eq!(entries, [ORDER, "second", ""], "an entry without the field is an empty one");

    bus.append("swarm:alerts", &[b"{\"line\":12}"], 100).unwrap();
    let alerts = format!("{:?}", run(&["XRANGE", "swarm:alerts", "-", "+"]));
    assert!(alerts.contains("bulk-string('\"payload\"'), bulk-string('\"{\\\"line\\\":12}\"')"), "{alerts}");
    bus.compare_and_set("swarm:health:status", None, Some(b"green")).unwrap().unwrap();
    assert_eq!(run(&["HGET", "swarm:health:status", "payload"]), redis::Value::BulkString(b"green".to_vec()));

    // Others' values have version 0; what is of another kind is refused and left alone.
    run(&["HSET", "swarm:baseline", "payload", "7"]);
    assert_eq!(bus.get("swarm:baseline").unwrap(), (Some(b"7".to_vec()), Some(0)));
    assert_eq!(bus.compare_and_set("swarm:baseline", None, Some(b"8")).unwrap(), None);
    assert!(bus.compare_and_set("swarm:baseline", Some(0), Some(b"8")).unwrap().is_some());
    run(&["SET", "swarm:text", "plain"]);
    assert!(matches!(bus.get("swarm:text"), Err(BusError::Refused(_))));
    assert!(matches!(bus.read("swarm:text", None, 1), Err(BusError::Refused(_))));
    assert!(matches!(bus.append("swarm:text", &[b"x"], 1), Err(BusError::Refused(_))));
    assert!(matches!(bus.compare_and_set("swarm:text", None, Some(b"x")), Err(BusError::Refused(_))));
    assert_eq!(run(&["GET", "swarm:text"]), redis::Value::BulkString(b"plain".to_vec()));
    assert_eq!(
        text(&bus.get("swarm:health:status").unwrap().0.unwrap()),
        "green",
        "the connection is still good"
    );
}

#[test]
fn others_read_and_write_nats() {
    let server = start(Engine::Nats);
    let mut bus = open(&server.url()).unwrap();
    bus.append("swarm:instructions", &[b"first"], 100).unwrap();
    bus.compare_and_set("swarm:health:status", None, Some(b"green")).unwrap().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = async_nats::connect(server.url()).await.unwrap();
        client.publish("swarm-log.swarm.instructions", ORDER.into()).await.unwrap();
        // Forged: parts that are not there, that are no parts, that are no numbers; entries that are none.
        for (header, value) in [
            ("Swarm-Parts", "999"),
            ("Swarm-Parts", "1"),
            ("Swarm-Parts", "x,,y"),
            ("Swarm-Part", "1"),
            ("Swarm-Entries", "1000000000"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header, value);
            let subject = "swarm-log.swarm.instructions";
            client.publish_with_headers(subject, headers, "\u{ff}\u{ff}".into()).await.unwrap();
        }
        client.publish("swarm-log.swarm.instructions", "last".into()).await.unwrap();
        client.flush().await.unwrap();
        let context = async_nats::jetstream::new(client);
        let values = context.get_stream("KV_swarm").await.unwrap();
        let status = values.direct_get_last_for_subject("$KV.swarm.swarm.health.status").await.unwrap();
        assert_eq!(status.payload.as_ref(), b"green");
        let logs = context.get_stream("SWARM_LOGS").await.unwrap();
        let mut subjects = logs.info_with_subjects("swarm-log.>").await.unwrap();
        assert_eq!(subjects.next().await.unwrap().unwrap().0, "swarm-log.swarm.instructions");
        context.publish("$KV.swarm.swarm.baseline", "7".into()).await.unwrap().await.unwrap();
    });
    let begun = Instant::now();
    let entries = loop {
        let entries = bus.read("swarm:instructions", None, 100).unwrap();
        let entries: Vec<String> = entries.iter().map(|entry| text(&entry.bytes)).collect();
        if entries.last().is_some_and(|entry| entry == "last") || begun.elapsed() > Duration::from_secs(120) {
            break entries;
        }
    };
    assert_eq!(entries, ["first", ORDER, "", "last"], "a list of no numbers is a message of no parts");
    assert_eq!(bus.get("swarm:baseline").unwrap().0, Some(b"7".to_vec()));
    assert_eq!(bus.keys("swarm:", 10).unwrap(), ["swarm:baseline", "swarm:health:status"]);
}

/// A server that is there but does not answer is `Away` after a bounded time; afterwards all is as before.
#[test]
fn a_server_that_does_not_answer_is_away() {
    for engine in Engine::ALL {
        let server = start(engine);
        let mut bus = open(&server.url()).unwrap();
        bus.append("swarm:alerts", &[b"before"], 100).unwrap();
        assert_eq!(bus.wait(&["swarm:orders"], Duration::ZERO), Ok(false));
        server.pause().unwrap();
        let begun = Instant::now();
        assert!(matches!(bus.append("swarm:alerts", &[b"perhaps"], 100), Err(BusError::Away(_))), "{engine}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{engine}: {:?}", begun.elapsed());
        let begun = Instant::now();
        bus.wait(&["swarm:orders"], Duration::from_millis(200)).ok();
        assert!(matches!(open(&server.url()), Err(BusError::Away(_))), "{engine}");
        assert!(begun.elapsed() < Duration::from_secs(60), "{engine}: {:?}", begun.elapsed());
        server.resume().unwrap();
        let begun = Instant::now();
        while let Err(error) = bus.append("swarm:alerts", &[b"after"], 100) {
            assert!(begun.elapsed() < Duration::from_secs(120), "{engine}: {error}");
        }
        let entries = bus.read("swarm:alerts", None, 10).unwrap();
        let entries: Vec<String> = entries.iter().map(|entry| text(&entry.bytes)).collect();
        assert!(
            entries.starts_with(&["before".to_owned()]) && entries.contains(&"after".to_owned()),
            "{entries:?}"
        );
    }
}

#[test]
fn what_is_no_bus_is_said() {
    let refused = |url: &str| match open(url) {
        Err(BusError::Refused(text)) => text,
        Err(BusError::Away(text)) => panic!("{url} is away: {text}"),
        Ok(_) => panic!("{url} is a bus"),
    };
    for url in ["", "memory", "redis", "http://127.0.0.1", "kafka://x", "redis://:::", "nats://"] {
        if url != "memory" {
            refused(url);
        }
    }
    let (redis, nats) = (start(Engine::Redis), start(Engine::Nats));
    // Nobody there, and the wrong one there.
    let begun = Instant::now();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in ["redis", "rediss", "nats", "tls"].map(|scheme| format!("{scheme}://{free}")) {
        assert!(matches!(open(&url), Err(BusError::Away(_))), "{url}");
    }
    assert!(open(&format!("redis://127.0.0.1:{}", nats.port())).is_err());
    assert!(open(&format!("nats://127.0.0.1:{}", redis.port())).is_err());
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
}

/// A NATS server with other settings; opens it once it listens.
fn open_nats_with(arguments: &[&str], user: &str) -> Result<Box<dyn Bus>, BusError> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(Engine::Nats.find().unwrap());
    command.args(["--addr", "127.0.0.1", "--port", &port.to_string()]).args(arguments);
    let mut server = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    let outcome = loop {
        match open(&format!("nats://{user}127.0.0.1:{port}")) {
            Err(BusError::Away(_)) if begun.elapsed() < Duration::from_secs(20) => {
                std::thread::sleep(Duration::from_millis(20));
            }
            other => break other,
        }
    };
    server.kill().unwrap();
    server.wait().unwrap();
    outcome
}

#[test]
fn nats_without_jetstream_is_refused() {
    let error = open_nats_with(&[], "").err();
    assert_eq!(error, Some(BusError::Refused("the server runs without JetStream".to_owned())));
}

#[test]
fn passwords_open_nats() {
    let folder = std::env::temp_dir().join(format!("swarm-nats-passwords-{}", std::process::id()));
    let arguments =
        ["--user", "swarm", "--pass", "op@n", "--jetstream", "--store_dir", folder.to_str().unwrap()];
    assert_eq!(open_nats_with(&arguments, "swarm:op%40n@").err(), None);
    for user in ["swarm:wrong@", ""] {
        assert!(matches!(open_nats_with(&arguments, user), Err(BusError::Refused(_))), "{user}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The rights that docs/bus.md says to give are enough for everything, and a wrong password opens nothing.
#[test]
fn rights_and_passwords_on_redis() {
    let server = start(Engine::Redis);
    let mut other = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let rights = include_str!("../../../docs/bus.md").split_once("Rights to give (ACL):\n`").unwrap().1;
    let rights = rights.split_once('`').unwrap().0;
    let mut command = redis::cmd("ACL");
    command
        .arg("SETUSER")
        .arg("swarm")
        .arg("on")
        .arg(">open")
        .arg(rights.split_whitespace().collect::<Vec<_>>());
    command.exec(&mut other).unwrap();
    let address = |password: &str| format!("redis://swarm:{password}@127.0.0.1:{}", server.port());
    assert!(matches!(open(&address("wrong")), Err(BusError::Refused(_))));
    let mut bus = open(&address("open")).unwrap();
    bus.generation().unwrap();
    bus.append("trace:a-1:17", &[b"a", b"b"], 10).unwrap();
    assert_eq!(bus.read("trace:a-1:17", None, 10).unwrap().len(), 2);
    let version = bus.compare_and_set("swarm:desired", None, Some(b"x")).unwrap().unwrap();
    assert_eq!(bus.keys("swarm:", 10).unwrap(), ["swarm:desired"]);
    assert_eq!(bus.get("swarm:desired").unwrap().1, version);
    assert_eq!(bus.get_many(&["swarm:desired"]).unwrap().len(), 1);
    assert_eq!(bus.compare_and_set("swarm:desired", version, None).unwrap(), Some(None));
    assert!(!bus.wait(&["swarm:orders"], Duration::ZERO).unwrap());
    bus.hint("swarm:orders").unwrap();
    assert!(bus.wait(&["swarm:orders"], Duration::from_secs(20)).unwrap());
    assert!(matches!(bus.get("elsewhere"), Err(BusError::Refused(_))));
}

/// A server without room is `Away`, and good again when there is room.
#[test]
fn a_full_server_is_away() {
    let server = start(Engine::Redis);
    let mut bus = open(&server.url()).unwrap();
    let mut other = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let mut limit = |bytes: &str| {
        let mut command = redis::cmd("CONFIG");
        command.arg("SET").arg("maxmemory").arg(bytes).exec(&mut other).unwrap();
    };
    let version = bus.compare_and_set("swarm:desired", None, Some(b"x")).unwrap().unwrap();
    limit("1");
    assert!(matches!(bus.append("swarm:alerts", &[b"a", b"b"], 10), Err(BusError::Away(_))));
    assert!(matches!(bus.compare_and_set("swarm:desired", version, Some(b"y")), Err(BusError::Away(_))));
    assert_eq!(bus.get("swarm:desired").unwrap().1, version);
    limit("0");
    bus.append("swarm:alerts", &[b"a", b"b"], 10).unwrap();
    assert_eq!(bus.read("swarm:alerts", None, 10).unwrap().len(), 2);
    assert!(bus.compare_and_set("swarm:desired", version, Some(b"y")).unwrap().is_some());
}
