//! The bus over a NATS server, 2.9 or newer, with JetStream: one stream for all logs, one for all values, and
//! plain messages to wake. `docs/bus.md` says which subject is what.

mod logs;
mod message;
mod names;
mod session;
mod values;

use std::pin::pin;
use std::sync::OnceLock;
use std::time::Duration;

use async_nats::ServerAddr;
use futures_util::future::{Either, select};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::{Bus, BusError, Change, Entry, Position, Standing, Version};
use session::{Session, away, refused};

/// How long connecting, and the answer to a request, may take.
const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(5);
/// How many requests are under way at once.
const AT_ONCE: usize = 64;

/// A connection to a NATS server, made again when it was lost.
pub(crate) struct NatsBus {
    servers: Vec<ServerAddr>,
    session: Option<Session>,
}

impl NatsBus {
    /// Connects to one of the servers of an address, which are parted by commas.
    pub(crate) fn open(url: &str) -> Result<NatsBus, BusError> {
        let servers = url.split(',').map(str::parse).collect::<Result<Vec<ServerAddr>, _>>();
        let servers = servers.map_err(|error| refused(&error))?;
        if servers.iter().any(|server| server.host().is_empty()) {
            return Err(refused("an address of NATS is nats://host:port"));
        }
        let mut bus = NatsBus { servers, session: None };
        bus.with(async |_| Ok(()))?;
        Ok(bus)
    }

    /// A session, made if there is none or the one there is has been without a server for long.
    fn session(&mut self, runtime: &Runtime) -> Result<&mut Session, BusError> {
        let session = match self.session.take().filter(|session| !session.is_lost()) {
            Some(session) => session,
            None => runtime.block_on(Session::open(&self.servers))?,
        };
        Ok(self.session.insert(session))
    }

    /// Does something within the time for an answer, and not longer than the connection lasts.
    fn with<T>(&mut self, act: impl AsyncFnOnce(&mut Session) -> Result<T, BusError>) -> Result<T, BusError> {
        let runtime = runtime()?;
        let session = self.session(runtime)?;
        let mut link = session.link.clone();
        let done = runtime.block_on(async {
            let work = pin!(async {
                session.check_link()?;
                session.look_again().await?;
                act(session).await
            });
            let lost = pin!(async { link.wait_for(|link| !link.connected).await.map(|_| ()) });
            match tokio::time::timeout(ANSWER, select(work, lost)).await {
                Ok(Either::Left((done, _))) => done,
                Ok(Either::Right(_)) => Err(BusError::Away("the connection was lost".to_owned())),
                Err(_) => Err(BusError::Away("no answer in time".to_owned())),
            }
        });
        if matches!(done, Err(BusError::Away(_))) {
            session.forget_streams();
        }
        done
    }
}

impl Bus for NatsBus {
    fn another(&self) -> Result<Box<dyn Bus>, BusError> {
        let mut bus = NatsBus { servers: self.servers.clone(), session: None };
        bus.with(async |_| Ok(()))?;
        Ok(Box::new(bus))
    }

    fn append(&mut self, log: &str, entries: &[&[u8]], keep: u64) -> Result<(), BusError> {
        self.with(async |session| logs::append(session, log, entries, keep).await)
    }

    fn read(&mut self, log: &str, behind: Option<Position>, most: usize) -> Result<Vec<Entry>, BusError> {
        self.with(async |session| logs::read(session, log, behind, most).await)
    }

    fn get(&mut self, key: &str) -> Result<Standing, BusError> {
        let found = self.get_many(&[key])?.pop();
        found.ok_or_else(|| BusError::Refused("no answer".to_owned()))
    }

    fn get_many(&mut self, keys: &[&str]) -> Result<Vec<Standing>, BusError> {
        self.with(async |session| {
            let all = stream::iter(keys).map(|key| values::get(session, key)).buffered(AT_ONCE);
            let found: Vec<values::Standing> = all.try_collect().await?;
            for (key, standing) in keys.iter().zip(&found) {
                session.note_parted(key, standing.parted);
            }
            Ok(found.into_iter().map(|standing| (standing.bytes, standing.version)).collect())
        })
    }

    fn compare_and_set_many(&mut self, changes: &[Change<'_>]) -> Result<Vec<Option<Version>>, BusError> {
        self.with(async |session| {
            let all = stream::iter(changes).map(|change| values::compare_and_set(session, *change));
            let done: Vec<values::Done> = all.buffered(AT_ONCE).try_collect().await?;
            for (change, done) in changes.iter().zip(&done) {
                session.note_parted(change.key, done.parted);
            }
            Ok(done.into_iter().map(|done| done.version).collect())
        })
    }

    fn keys(&mut self, prefix: &str, most: usize) -> Result<Vec<String>, BusError> {
        self.with(async |session| values::keys(session, prefix, most).await)
    }

    fn hint(&mut self, name: &str) -> Result<(), BusError> {
        let subject = names::subject(names::HINTS, name)?;
        self.with(async |session| {
            session.client.publish(subject, Vec::new().into()).await.map_err(|error| away(&error))
        })
    }

    fn wait(&mut self, names: &[&str], most: Duration) -> Result<bool, BusError> {
        let runtime = runtime()?;
        let until = std::time::Instant::now().checked_add(most);
        let left = || until.map_or(most, |until| until.saturating_duration_since(std::time::Instant::now()));
        // Nobody to wait with: the time is waited all the same, so that whoever asks again and again does not
        // spin.
        let done = match self.session(runtime) {
            Ok(session) => runtime.block_on(session.hear(names, left())),
            Err(error) => Err(error),
        };
        if done.is_err() {
            std::thread::sleep(left());
        }
        done
    }

    fn generation(&mut self) -> Result<u64, BusError> {
        self.with(async |session| session.ask_generation().await)
    }
}

/// What all connections of this process run on: one thread.
fn runtime() -> Result<&'static Runtime, BusError> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    if Handle::try_current().is_ok() {
        return Err(BusError::Refused(
            "it waits, which a task of an asynchronous runtime must not".to_owned(),
        ));
    }
    let make = || Builder::new_multi_thread().worker_threads(1).thread_name("nats").enable_all().build().ok();
    RUNTIME.get_or_init(make).as_ref().ok_or_else(|| BusError::Away("no thread for NATS".to_owned()))
}
