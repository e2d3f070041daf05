//! A connection to a NATS server, with the two streams and what is kept of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Display;
use std::pin::pin;
use std::time::{Duration, Instant};

use async_nats::client::RequestErrorKind;
use async_nats::connection::State;
use async_nats::jetstream::consumer::{Consumer, pull};
use async_nats::jetstream::context::{Context, ContextBuilder};
use async_nats::jetstream::stream::{Config, DiscardPolicy, Stream};
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerAddr, Subscriber};
use futures_util::future::{Either, FutureExt, select};
use futures_util::stream::{self, StreamExt};
use percent_encoding::percent_decode_str;
use tokio::sync::watch;

use super::{ANSWER, CONNECT, names};
use crate::{BusError, Entry, Position};

/// The stream of all logs, and how much of them it keeps at most.
const LOGS: &str = "SWARM_LOGS";
const LOGS_BYTES: i64 = 512 << 20;
/// The stream of all values: that of the key-value bucket `swarm`.
const VALUES: &str = "KV_swarm";

/// How many bits of a version are the sequence number, and of a position the number of the entry in its message.
const SEQUENCE_BITS: u32 = 44;
const SEQUENCE: u64 = (1 << SEQUENCE_BITS) - 1;
const ENTRY_BITS: u32 = 20;
const ENTRY: u64 = (1 << ENTRY_BITS) - 1;

/// How the connection is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) connected: bool,
    pub(super) since: Instant,
    /// How often it was connected: what was said in between is not known.
    pub(super) times: u64,
}

/// Where reading a log stopped.
pub(super) struct Reader {
    pub(super) consumer: Option<Consumer<pull::Config>>,
    /// What was handed out last.
    pub(super) behind: Option<Position>,
    /// The sequence number from which on there may be more.
    pub(super) next: u64,
    /// What came with it and was too much.
    pub(super) ready: VecDeque<Entry>,
}

pub(super) struct Session {
    pub(super) client: Client,
    pub(super) context: Context,
    pub(super) logs: Stream,
    pub(super) values: Stream,
    pub(super) generation: u64,
    pub(super) link: watch::Receiver<Link>,
    /// Which connection the streams were seen over, and which one hints were waited for over.
    seen: u64,
    pub(super) heard: u64,
    pub(super) readers: BTreeMap<String, Reader>,
    /// Entries appended to a log since it was cut to its length.
    pub(super) appended: BTreeMap<String, u64>,
    /// Keys whose values were too great for one message when last seen.
    pub(super) parted: BTreeSet<String>,
    pub(super) listening: BTreeMap<String, Subscriber>,
}

impl Session {
    pub(super) async fn open(address: &[ServerAddr]) -> Result<Session, BusError> {
        let first = Link { connected: true, since: Instant::now(), times: 1 };
        let (sender, link) = watch::channel(first);
        let options = credentials(address)
            .name("swarm")
            .connection_timeout(CONNECT)
            .request_timeout(Some(ANSWER))
            .subscription_capacity(4_096)
            .reconnect_delay_callback(|attempts| {
                let times = u64::try_from(attempts).unwrap_or(u64::MAX);
                Duration::from_millis(times.saturating_mul(10).min(250))
            })
            .event_callback(move |event| {
                let change = match event {
                    Event::Connected => Some(true),
                    Event::Disconnected | Event::Closed => Some(false),
                    _ => None,
                };
                sender.send_if_modified(|link| {
                    let Some(connected) = change.filter(|connected| *connected != link.connected) else {
                        return false;
                    };
                    let times = link.times.saturating_add(u64::from(connected));
                    *link = Link { connected, since: Instant::now(), times };
                    true
                });
                async {}
            });
        let connecting = tokio::time::timeout(ANSWER, options.connect(address));
        let client = connecting.await.map_err(|_| BusError::Away("no connection in time".to_owned()))?;
        let client = client.map_err(|error| {
            let hopeless = matches!(
                error.kind(),
                ConnectErrorKind::Authentication
                    | ConnectErrorKind::AuthorizationViolation
                    | ConnectErrorKind::ServerParse
                    | ConnectErrorKind::Tls
            );
            let places: Vec<String> =
                address.iter().map(|own| format!("{}:{}", own.host(), own.port())).collect();
            let text = format!("{}: {error}", places.join(", "));
            if hopeless { refused(&text) } else { away(&text) }
        })?;
        let context = ContextBuilder::new().timeout(ANSWER).build(client.clone());
        let (logs, values, generation) = streams(&context).await?;
        Ok(Session {
            client,
            context,
            logs,
            values,
            generation,
            link,
            seen: 1,
            heard: 1,
            readers: BTreeMap::new(),
            appended: BTreeMap::new(),
            parted: BTreeSet::new(),
            listening: BTreeMap::new(),
        })
    }

    /// Without a connection nothing is begun: the library would keep it, and do it when nobody waits for it
    /// any more.
    pub(super) fn check_link(&self) -> Result<(), BusError> {
        let connected = self.link.borrow().connected;
        if connected { Ok(()) } else { Err(BusError::Away("the connection was lost".to_owned())) }
    }

    /// After the connection was lost: the server may be another one.
    pub(super) async fn look_again(&mut self) -> Result<(), BusError> {
        let times = self.link.borrow().times;
        if self.seen != times {
            self.forget_streams();
            self.ask_generation().await?;
            self.seen = times;
        }
        Ok(())
    }

    /// Has the streams looked for at the next use: they were not where they should be.
    pub(super) fn forget_streams(&mut self) {
        self.seen = 0;
        self.readers.clear();
        self.appended.clear();
    }

    /// Whether it was disconnected for so long that a new session is the better try.
    pub(super) fn is_lost(&self) -> bool {
        let link = *self.link.borrow();
        let closed = !link.connected && link.since.elapsed() > ANSWER;
        closed && self.client.connection_state() != State::Connected
    }

    /// Remembers whether a key's value is in parts, which go when it is changed.
    pub(super) fn note_parted(&mut self, key: &str, parted: bool) {
        if !parted {
            self.parted.remove(key);
        } else if !self.parted.contains(key) {
            self.parted.insert(key.to_owned());
        }
    }

    /// Waits for a hint under one of the names.
    pub(super) async fn hear(&mut self, names: &[&str], most: Duration) -> Result<bool, BusError> {
        let until = tokio::time::Instant::now().checked_add(most);
        if self.link.borrow().connected {
            let answered = tokio::time::timeout(ANSWER, self.listen(names)).await;
            answered.map_err(|_| BusError::Away("no answer in time".to_owned()))??;
        }
        let (mut link, heard) = (self.link.clone(), self.heard);
        let chosen = self.listening.iter_mut().filter(|(name, _)| names.contains(&name.as_str()));
        let mut hints = stream::select_all(chosen.map(|(_, subscriber)| subscriber));
        let again = pin!(async {
            // While it was not connected, hints may have been missed.
            let again = link.wait_for(|link| link.connected && link.times != heard).await;
            again.map(|link| link.times)
        });
        let hint = pin!(async {
            if hints.next().await.is_none() {
                std::future::pending::<()>().await;
            }
        });
        let first = select(hint, again);
        let woken = match until {
            Some(until) => tokio::time::timeout_at(until, first).await.ok(),
            None => Some(first.await),
        };
        match woken {
            Some(Either::Left(_)) => {
                // Each of those that came together with it would wake for itself.
                while let Some(Some(_)) = hints.next().now_or_never() {}
                Ok(true)
            }
            Some(Either::Right((Ok(times), _))) => {
                self.heard = times;
                Ok(true)
            }
            Some(Either::Right((Err(_), _))) => Err(BusError::Away("the connection is closed".to_owned())),
            None if self.link.borrow().connected => Ok(false),
            None => Err(BusError::Away("the connection was lost".to_owned())),
        }
    }

    /// Subscribes to the names that are new, and waits until the server knows.
    async fn listen(&mut self, names: &[&str]) -> Result<(), BusError> {
        let mut new = false;
        for name in names {
            if !self.listening.contains_key(*name) {
                let subject = names::subject(names::HINTS, name)?;
                let subscriber = self.client.subscribe(subject).await.map_err(|error| away(&error))?;
                self.listening.insert((*name).to_owned(), subscriber);
                new = true;
            }
        }
        if new {
            // Nobody answers at a new inbox, which the server says after it did what it was told before.
            match self.client.request(self.client.new_inbox(), Vec::new().into()).await {
                Err(error) if error.kind() != RequestErrorKind::NoResponders => {
                    return Err(of_request(&error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Asks the server for its generation.
    pub(super) async fn ask_generation(&mut self) -> Result<u64, BusError> {
        let (logs, values, generation) = streams(&self.context).await?;
        if generation != self.generation {
            self.forget_streams();
        }
        (self.logs, self.values, self.generation) = (logs, values, generation);
        Ok(generation)
    }

    /// The version of a value that stands under a sequence number. A part of the generation is in it, so that
    /// what was read from a server before it forgot everything is not expected of it afterwards.
    pub(super) fn version(&self, sequence: u64) -> u64 {
        (self.generation << SEQUENCE_BITS) | (sequence & SEQUENCE)
    }

    /// The sequence number of a version; none if it is of another generation.
    pub(super) fn sequence(&self, version: u64) -> Option<u64> {
        (version == self.version(version)).then_some(version & SEQUENCE)
    }

    /// The position of an entry of a message. With the generation in it, one of before an emptied server does
    /// not hide what was appended since.
    pub(super) fn position(&self, sequence: u64, at: u64) -> Position {
        Position(self.generation, (sequence << ENTRY_BITS) | (at & ENTRY))
    }

    /// The sequence number of the message in which a position is; 1 for positions of another generation.
    pub(super) fn message(&self, position: Position) -> u64 {
        if position.0 == self.generation { (position.1 >> ENTRY_BITS).max(1) } else { 1 }
    }

    /// How many bytes one message may have beside its headers.
    pub(super) fn room(&self) -> usize {
        self.client.max_payload().saturating_sub(16 << 10).max(1 << 10)
    }
}

/// Options with the user and password, or the token, that stand in an address: the library leaves them there.
fn credentials(address: &[ServerAddr]) -> ConnectOptions {
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let user = address.iter().find_map(|server| Some((server.username()?, server.password())));
    match user {
        Some((user, Some(password))) => ConnectOptions::new().user_and_password(plain(user), plain(password)),
        Some((token, None)) => ConnectOptions::new().token(plain(token)),
        None => ConnectOptions::new(),
    }
}

/// The two streams, made where they are missing, and the generation: when the younger of them was made, in
/// microseconds.
async fn streams(context: &Context) -> Result<(Stream, Stream, u64), BusError> {
    let logs = Config {
        name: LOGS.to_owned(),
        subjects: vec![format!("{}>", names::LOGS)],
        max_bytes: LOGS_BYTES,
        discard: DiscardPolicy::Old,
        allow_direct: true,
        num_replicas: 1,
        ..Config::default()
    };
    let values = Config {
        name: VALUES.to_owned(),
        subjects: vec![format!("{}>", names::VALUES)],
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        allow_rollup: true,
        ..logs.clone()
    };
    let values = Config { max_bytes: -1, ..values };
    let logs = found(context, logs).await?;
    let values = found(context, values).await?;
    let made = |stream: &Stream| stream.cached_info().created.unix_timestamp_nanos() / 1_000;
    let generation = u64::try_from(made(&logs).max(made(&values))).unwrap_or_default();
    Ok((logs, values, generation))
}

/// A stream as it is, or made so. Whoever keeps the server may have made it with other bounds.
async fn found(context: &Context, config: Config) -> Result<Stream, BusError> {
    let name = config.name.clone();
    match context.get_or_create_stream(config).await {
        Ok(stream) => Ok(stream),
        // Somebody else made it meanwhile, and a bit otherwise.
        Err(error) => context.get_stream(&name).await.map_err(|_| {
            use async_nats::jetstream::context::CreateStreamErrorKind as Kind;
            match error.kind() {
                Kind::JetStreamUnavailable if !context.client().server_info().jetstream => {
                    refused("the server runs without JetStream")
                }
                Kind::JetStream(_) => refused(&format!("{error} (JetStream, stream {name})")),
                _ => away(&error),
            }
        }),
    }
}

pub(super) fn away(error: &(impl Display + ?Sized)) -> BusError {
    BusError::Away(error.to_string())
}

pub(super) fn refused(error: &(impl Display + ?Sized)) -> BusError {
    BusError::Refused(error.to_string())
}

/// What an error of a request means: the server did not answer, or nobody there serves JetStream.
pub(super) fn of_request(error: &async_nats::client::RequestError) -> BusError {
    match error.kind() {
        RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => refused(error),
        _ => away(error),
    }
}
