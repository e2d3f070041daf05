//! The bus over a Redis server, 6.2 or newer: Streams for logs, hashes for values, publish and subscribe only
//! to wake. `docs/bus.md` says which key is what.

mod hints;

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::streams::StreamRangeReply;
use redis::{Client, Connection, ErrorKind, RedisError, Script, ServerErrorKind};

use crate::{Bus, BusError, Change, Entry, Position, Standing, Version};
use hints::Hints;

/// The field of a stream's entry that has its bytes, and the field of a hash that has the value's.
const PAYLOAD: &str = "payload";
/// The field of a hash that has the value's version.
const VERSION: &str = "version";
/// A sorted set of the keys of all values, so that they are listed in order.
const KEYS: &str = "swarm:bus:keys";
/// The greatest version ever given.
const LAST_VERSION: &str = "swarm:bus:version";
/// When the bus was made, in microseconds: its generation.
const GENERATION: &str = "swarm:bus:generation";

/// How long connecting, and the answer to a command, may take.
const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(5);
/// A connection that lay idle for so long is tried before it is used: a change must not be lost to one that
/// is dead.
const IDLE: Duration = Duration::from_secs(1);
/// How many entries are asked for first, and at once at most; and after how many bytes reading ends although
/// there may be more. What others wrote does not decide how much memory a read takes.
const AT_FIRST: usize = 32;
const AT_ONCE: usize = 1_000;
const ENOUGH_BYTES: usize = 16 << 20;

/// Appends entries to a stream, and cuts it to about its length: ARGV has the length, then the entries. A
/// script is one command with one answer, so all is done or nothing, and one time limit holds for all of it.
const APPEND: &str = "
for i = 2, #ARGV - 1 do redis.call('XADD', KEYS[1], '*', 'payload', ARGV[i]) end
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'payload', ARGV[#ARGV])
";

/// Payload and version of each key.
const GET: &str = "
local found = {}
for i, key in ipairs(KEYS) do found[i] = redis.call('HMGET', key, 'payload', 'version') end
return found
";

/// Sets or removes each value whose version is the expected one. KEYS has the set of all keys, the last
/// version, and the values; ARGV has three words for each: the expected version or nothing, whether there is
/// a value, the value. A version is the server's time, or one more than the last: it does not come twice, not
/// even after the server forgot everything.
const COMPARE_AND_SET: &str = "
local done = {}
for i = 3, #KEYS do
  local key, at = KEYS[i], (i - 3) * 3
  local version = redis.call('HGET', key, 'version')
  if not version then version = redis.call('EXISTS', key) == 1 and '0' or '' end
  if version ~= ARGV[at + 1] then
    done[i - 2] = false
  elseif ARGV[at + 2] == '0' then
    redis.call('DEL', key)
    redis.call('ZREM', KEYS[1], key)
    done[i - 2] = ''
  else
    local time = redis.call('TIME')
    local last = tonumber(redis.call('GET', KEYS[2]) or '0')
    version = string.format('%.0f', math.max(last + 1, time[1] * 1000000 + time[2]))
    redis.call('SET', KEYS[2], version)
    redis.call('HSET', key, 'version', version, 'payload', ARGV[at + 3])
    redis.call('ZADD', KEYS[1], 0, key)
    done[i - 2] = version
  end
end
return done
";

/// The generation, made if there is none.
const MAKE_GENERATION: &str = "
local time = redis.call('TIME')
redis.call('SET', KEYS[1], string.format('%.0f', time[1] * 1000000 + time[2]), 'NX')
return redis.call('GET', KEYS[1])
";

/// A connection to a Redis server, made again when it was lost.
pub(crate) struct RedisBus {
    client: Client,
    connection: Option<(Connection, Instant)>,
    hints: Hints,
    scripts: Arc<Scripts>,
}

struct Scripts {
    append: Script,
    get: Script,
    compare_and_set: Script,
    make_generation: Script,
}

impl RedisBus {
    /// Connects to the server of an address.
    pub(crate) fn open(url: &str) -> Result<RedisBus, BusError> {
        let client = Client::open(url).map_err(|error| failure(&error))?;
        let mut bus = RedisBus::to(client);
        bus.connection()?;
        Ok(bus)
    }

    fn to(client: Client) -> RedisBus {
        let hints = Hints::of(&client);
        let scripts = Scripts {
            append: Script::new(APPEND),
            get: Script::new(GET),
            compare_and_set: Script::new(COMPARE_AND_SET),
            make_generation: Script::new(MAKE_GENERATION),
        };
        RedisBus { client, connection: None, hints, scripts: Arc::new(scripts) }
    }

    /// The connection, known to have answered lately.
    fn connection(&mut self) -> Result<&mut Connection, BusError> {
        let kept = self.connection.take().and_then(|(mut connection, used)| {
            let fit = used.elapsed() < IDLE || is_alive(&mut connection);
            fit.then_some(connection)
        });
        let connection = match kept {
            Some(connection) => connection,
            None => connect(&self.client).map_err(|error| {
                let place = self.client.get_connection_info().addr();
                match failure(&error) {
                    BusError::Away(text) => BusError::Away(format!("{place}: {text}")),
                    BusError::Refused(text) => BusError::Refused(format!("{place}: {text}")),
                }
            })?,
        };
        Ok(&mut self.connection.insert((connection, Instant::now())).0)
    }

    /// Does something on the connection. After an error it is given up, and with it the one for hints: a
    /// server that does not answer the one may have lost the other.
    fn with<T>(&mut self, act: impl FnOnce(&mut Connection) -> Result<T, RedisError>) -> Result<T, BusError> {
        let done = act(self.connection()?).map_err(|error| failure(&error));
        if matches!(done, Err(BusError::Away(_))) {
            self.connection = None;
            self.hints.disconnect();
        }
        done
    }
}

impl Bus for RedisBus {
    fn another(&self) -> Result<Box<dyn Bus>, BusError> {
        let mut bus = RedisBus::to(self.client.clone());
        bus.connection()?;
        Ok(Box::new(bus))
    }

    fn append(&mut self, log: &str, entries: &[&[u8]], keep: u64) -> Result<(), BusError> {
        if entries.is_empty() {
            return Ok(());
        }
        let scripts = Arc::clone(&self.scripts);
        let mut call = scripts.append.key(log);
        call.arg(countable(keep)).arg(entries);
        self.with(|connection| call.invoke(connection))
    }

    fn read(&mut self, log: &str, behind: Option<Position>, most: usize) -> Result<Vec<Entry>, BusError> {
        let mut entries = Vec::new();
        let (mut behind, mut bytes, mut page) = (behind, 0_usize, AT_FIRST);
        while entries.len() < most && bytes < ENOUGH_BYTES {
            let start =
                behind.map_or_else(|| "-".to_owned(), |Position(time, count)| format!("({time}-{count}"));
            let count = most.saturating_sub(entries.len()).min(page);
            let mut range = redis::cmd("XRANGE");
            range.arg(log).arg(start).arg("+").arg("COUNT").arg(count);
            let reply: StreamRangeReply = self.with(|connection| range.query(connection))?;
            let got = reply.ids.len();
            for id in reply.ids {
                let entry = Entry { position: position(&id.id)?, bytes: id.get(PAYLOAD).unwrap_or_default() };
                behind = Some(entry.position);
                bytes = bytes.saturating_add(entry.bytes.len());
                entries.push(entry);
            }
            if got < count {
                break;
            }
            // As many more as are likely to have room.
            let usual = bytes.checked_div(entries.len()).unwrap_or_default().saturating_add(1);
            let room = ENOUGH_BYTES.saturating_sub(bytes).checked_div(usual).unwrap_or_default();
            page = page.saturating_mul(4).min(room).clamp(1, AT_ONCE);
        }
        Ok(entries)
    }

    fn get(&mut self, key: &str) -> Result<Standing, BusError> {
        let mut fields = redis::cmd("HMGET");
        fields.arg(key).arg(PAYLOAD).arg(VERSION);
        self.with(|connection| fields.query(connection)).map(standing)
    }

    fn get_many(&mut self, keys: &[&str]) -> Result<Vec<Standing>, BusError> {
        let scripts = Arc::clone(&self.scripts);
        let mut call = scripts.get.prepare_invoke();
        call.key(keys);
        let found: Vec<(Option<Vec<u8>>, Option<u64>)> = self.with(|connection| call.invoke(connection))?;
        Ok(found.into_iter().map(standing).collect())
    }

    fn compare_and_set_many(&mut self, changes: &[Change<'_>]) -> Result<Vec<Option<Version>>, BusError> {
        let scripts = Arc::clone(&self.scripts);
        let mut call = scripts.compare_and_set.prepare_invoke();
        call.key(KEYS).key(LAST_VERSION);
        for Change { key, expected, value } in changes {
            call.key(key)
                .arg(stated(*expected))
                .arg(u8::from(value.is_some()))
                .arg(value.unwrap_or_default());
        }
        let done: Vec<Option<String>> = self.with(|connection| call.invoke(connection))?;
        done.into_iter().map(outcome).collect()
    }

    fn keys(&mut self, prefix: &str, most: usize) -> Result<Vec<String>, BusError> {
        let (mut from, mut to) = (b"[".to_vec(), b"(".to_vec());
        from.extend_from_slice(prefix.as_bytes());
        to.extend_from_slice(prefix.as_bytes());
        // No text contains this byte, so all that begin with the prefix are smaller.
        to.push(0xff);
        let mut range = redis::cmd("ZRANGEBYLEX");
        range.arg(KEYS).arg(from).arg(to).arg("LIMIT").arg(0_u8);
        range.arg(countable(u64::try_from(most).unwrap_or(u64::MAX)));
        self.with(|connection| range.query(connection))
    }

    fn hint(&mut self, name: &str) -> Result<(), BusError> {
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(hints::channel(name)).arg("");
        self.with(|connection| publish.exec(connection))
    }

    fn wait(&mut self, names: &[&str], most: Duration) -> Result<bool, BusError> {
        self.hints.wait(names, most)
    }

    fn generation(&mut self) -> Result<u64, BusError> {
        let scripts = Arc::clone(&self.scripts);
        let call = scripts.make_generation.key(GENERATION);
        self.with(|connection| call.invoke(connection))
    }
}

/// Connects, with bounds on how long anything may take.
fn connect(client: &Client) -> Result<Connection, RedisError> {
    let connection = client.get_connection_with_timeout(CONNECT)?;
    connection.set_read_timeout(Some(ANSWER))?;
    connection.set_write_timeout(Some(ANSWER))?;
    Ok(connection)
}

/// Whether a connection is still good.
fn is_alive(connection: &mut Connection) -> bool {
    connection.set_read_timeout(Some(CONNECT)).is_ok()
        && redis::cmd("PING").exec(connection).is_ok()
        && connection.set_read_timeout(Some(ANSWER)).is_ok()
}

/// A value as its hash has it. What others wrote without a version counts as version 0.
fn standing((bytes, version): (Option<Vec<u8>>, Option<u64>)) -> Standing {
    let version = version.or_else(|| bytes.as_ref().map(|_| 0));
    (bytes, version)
}

/// An expected version as the script takes it.
fn stated(version: Version) -> String {
    version.map_or_else(String::new, |version| version.to_string())
}

/// What the script answered.
fn outcome(answer: Option<String>) -> Result<Option<Version>, BusError> {
    match answer.as_deref() {
        None => Ok(None),
        Some("") => Ok(Some(None)),
        Some(version) => Ok(Some(Some(number(version)?))),
    }
}

/// The position that the ID of a stream's entry stands for: milliseconds, and a count within them.
fn position(id: &str) -> Result<Position, BusError> {
    let (time, count) = id.split_once('-').unwrap_or((id, "0"));
    Ok(Position(number(time)?, number(count)?))
}

/// A count as Redis takes it.
fn countable(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn number(text: &str) -> Result<u64, BusError> {
    text.parse().map_err(|_| BusError::Refused(format!("Redis answered {text:?} where a number belongs")))
}

/// What an error of the library means to a caller.
fn failure(error: &RedisError) -> BusError {
    let may_pass = matches!(
        error.kind(),
        ErrorKind::Io
            | ErrorKind::Parse
            | ErrorKind::Server(
                ServerErrorKind::BusyLoading
                    | ServerErrorKind::TryAgain
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::ReadOnly
            )
    );
    // Memory or disk are full.
    let is_full = matches!(error.code(), Some("OOM" | "MISCONF"));
    let text = error.to_string();
    if may_pass || is_full { BusError::Away(text) } else { BusError::Refused(text) }
}
