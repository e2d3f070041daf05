//! A bus to test with, of each kind.

use swarm_bus::{Bus, MemoryBus, open};
use swarm_test_servers::{Engine, Server};

/// A bus that can be lost and emptied.
pub(crate) enum Bench {
    Memory(MemoryBus),
    Served(Server),
}

impl Bench {
    pub(crate) fn memory() -> Bench {
        Bench::Memory(MemoryBus::new())
    }

    pub(crate) fn redis() -> Bench {
        Bench::Served(Server::start(Engine::Redis).unwrap())
    }

    pub(crate) fn nats() -> Bench {
        Bench::Served(Server::start(Engine::Nats).unwrap())
    }

    /// A new connection.
    pub(crate) fn open(&self) -> Box<dyn Bus> {
        match self {
            Bench::Memory(bus) => bus.another().unwrap(),
            Bench::Served(server) => open(&server.url()).unwrap(),
        }
    }

    pub(crate) fn disconnect(&mut self) {
        match self {
            Bench::Memory(bus) => bus.set_away(true),
            Bench::Served(server) => server.kill(),
        }
    }

    pub(crate) fn connect(&mut self) {
        match self {
            Bench::Memory(bus) => bus.set_away(false),
            Bench::Served(server) => server.start_again().unwrap(),
        }
    }

    /// Has the bus forget everything.
    pub(crate) fn empty(&mut self) {
        match self {
            Bench::Memory(bus) => bus.forget(),
            Bench::Served(server) => {
                server.kill_and_empty().unwrap();
                server.start_again().unwrap();
            }
        }
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Makes a test of each function for each kind of bus.
macro_rules! over_each_bus {
    ($($(#[doc = $doc:literal])* fn $name:ident($bench:ident) $body:block)*) => {
        $($(#[doc = $doc])* fn $name($bench: &mut crate::support::Bench) $body)*
        over_each_bus!(@ memory $($name)*);
        over_each_bus!(@ redis $($name)*);
        over_each_bus!(@ nats $($name)*);
    };
    (@ $kind:ident $($name:ident)*) => {
        mod $kind {
            $(#[test]
            fn $name() {
                super::$name(&mut crate::support::Bench::$kind());
            })*
        }
    };
}
pub(crate) use over_each_bus;
