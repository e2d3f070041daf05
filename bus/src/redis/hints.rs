//! Hints over Redis's publish and subscribe, on a connection of their own.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use redis::{Client, Connection, ErrorKind, ProtocolVersion, PushKind, RedisError, Value};

use super::{ANSWER, connect, failure};
use crate::BusError;

/// How long a failed connection rests before it is tried again.
const REST: Duration = Duration::from_millis(50);

/// The channel of a name.
pub(super) fn channel(name: &str) -> String {
    format!("swarm:hint:{name}")
}

/// Who listens, and to what.
pub(super) struct Hints {
    client: Option<Client>,
    connection: Option<Connection>,
    /// The channels this was ever asked for.
    wanted: BTreeSet<String>,
}

impl Hints {
    pub(super) fn of(client: &Client) -> Hints {
        // Messages come by themselves only in the third version of the protocol, so that one connection can
        // tell them from answers that came too late.
        let info = client.get_connection_info().clone();
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings)).ok();
        Hints { client, connection: None, wanted: BTreeSet::new() }
    }

    pub(super) fn disconnect(&mut self) {
        self.connection = None;
    }

    /// Waits for a hint, connecting as often as it takes.
    pub(super) fn wait(&mut self, names: &[&str], most: Duration) -> Result<bool, BusError> {
        let until = Instant::now().checked_add(most);
        let left = || until.map_or(most, |until| until.saturating_duration_since(Instant::now()));
        loop {
            match self.listen(names, &left) {
                Ok(woken) => return Ok(woken),
                Err(error) => {
                    self.connection = None;
                    if left().is_zero() || !error.is_io_error() {
                        std::thread::sleep(left());
                        return Err(failure(&error));
                    }
                    std::thread::sleep(left().min(REST));
                }
            }
        }
    }

    /// Waits on the connection. An error says that it was lost.
    fn listen(&mut self, names: &[&str], left: &impl Fn() -> Duration) -> Result<bool, RedisError> {
        let channels: BTreeSet<String> = names.iter().map(|name| channel(name)).collect();
        if self.subscribe(&channels)? {
            return Ok(true);
        }
        let Some(connection) = &mut self.connection else { return Ok(false) };
        loop {
            match receive(connection, left())? {
                Some(Event::Message(channel)) if channels.contains(&channel) => break,
                Some(_) => {}
                None => return Ok(false),
            }
        }
        // Each of those that came together with it would wake for itself: they are before the answer to this.
        await_answers(connection, &[channel("")])?;
        Ok(true)
    }

    /// Sees to a connection on which all names are listened to; true if there was a hint meanwhile, or may
    /// have been.
    fn subscribe(&mut self, channels: &BTreeSet<String>) -> Result<bool, RedisError> {
        let mut new: Vec<String> = channels.difference(&self.wanted).cloned().collect();
        // What was said between two connections is not known.
        let mut woken = self.connection.is_none() && !self.wanted.is_disjoint(channels);
        self.wanted.extend(new.iter().cloned());
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let Some(client) = &self.client else { return Ok(false) };
                new = self.wanted.iter().cloned().collect();
                none.insert(connect(client)?)
            }
        };
        if !new.is_empty() {
            woken |= await_answers(connection, &new)?.iter().any(|channel| channels.contains(channel));
        }
        Ok(woken)
    }
}

/// Subscribes to channels and waits until the server did; what came meanwhile.
fn await_answers(connection: &mut Connection, channels: &[String]) -> Result<Vec<String>, RedisError> {
    connection.send_packed_command(&redis::cmd("SUBSCRIBE").arg(channels).get_packed_command())?;
    let (mut unanswered, mut heard) = (channels.len(), Vec::new());
    while unanswered > 0 {
        match receive(connection, ANSWER)? {
            Some(Event::Message(channel)) => heard.push(channel),
            Some(Event::Subscribed) => unanswered = unanswered.saturating_sub(1),
            None => return Err(RedisError::from((ErrorKind::Io, "no answer to SUBSCRIBE"))),
        }
    }
    Ok(heard)
}

/// What comes over the connection.
enum Event {
    Subscribed,
    /// A message of this channel.
    Message(String),
}

/// The next event; none when the time is over.
fn receive(connection: &mut Connection, most: Duration) -> Result<Option<Event>, RedisError> {
    let until = Instant::now().checked_add(most);
    loop {
        let left = until.map_or(most, |until| until.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return Ok(None);
        }
        connection.set_read_timeout(Some(left))?;
        match connection.recv_response() {
            Ok(Value::Push { kind: PushKind::Message, data }) => {
                if let Some(channel) = data.into_iter().next() {
                    return Ok(Some(Event::Message(redis::from_redis_value(channel)?)));
                }
            }
            Ok(Value::Push { kind: PushKind::Subscribe, .. }) => return Ok(Some(Event::Subscribed)),
            Ok(_) => {}
            Err(error) if error.is_timeout() => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}
