//! Redis and NATS servers for tests. Each has a port and a folder of its own, is reached over loopback only,
//! and ends when it is dropped. They are those of Debian's packages `redis-server` and `nats-server`;
//! `cargo xtask test` installs them where it may. A test that needs one and finds none fails and says what to
//! install.

use std::fmt;
use std::io::{Error, ErrorKind, Result};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// `redis-server`, which writes each command to its log before it answers.
    Redis,
    /// `nats-server` with JetStream.
    Nats,
}

impl Engine {
    /// All of them.
    pub const ALL: [Engine; 2] = [Engine::Redis, Engine::Nats];

    /// The name of its program, and of the Debian package that has it.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Engine::Redis => "redis-server",
            Engine::Nats => "nats-server",
        }
    }

    /// Where its program is: in a folder of `PATH`, or where Debian puts programs that most people do not start.
    #[must_use]
    pub fn find(self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let usual = ["/usr/sbin", "/usr/local/bin"].map(PathBuf::from);
        let folders = std::env::split_paths(&path).chain(usual);
        folders.map(|folder| folder.join(self.program())).find(|program| program.is_file())
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Engine::Redis => "Redis",
            Engine::Nats => "NATS",
        })
    }
}

/// How often a server is started on another port before it is given up: somebody else may have taken the
/// first one.
const TRIES: u32 = 3;
/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that runs, or was killed and can be started again at the same address.
#[derive(Debug)]
pub struct Server {
    engine: Engine,
    program: PathBuf,
    port: u16,
    folder: PathBuf,
    tls: Option<Tls>,
    child: Option<Child>,
}

/// Files of a server that speaks TLS and nothing else.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Its certificate, as PEM.
    pub certificate: PathBuf,
    /// The key to it, as PEM.
    pub key: PathBuf,
}

impl Server {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// If it is not installed (the text says what to install), or does not start.
    pub fn start(engine: Engine) -> Result<Server> {
        Server::start_with(engine, None)
    }

    /// The same, with TLS if there are files for it.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_with(engine: Engine, tls: Option<Tls>) -> Result<Server> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let program = engine.find().ok_or_else(|| {
            let name = engine.program();
            Error::new(
                ErrorKind::NotFound,
                format!("{name} is missing: apt-get install {name}, or cargo xtask test"),
            )
        })?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("swarm-{}-{}-{number}", engine.program(), std::process::id());
        let folder = std::env::temp_dir().join(name);
        let mut server = Server { engine, program, port: 0, folder, tls, child: None };
        let mut last = Error::other("not tried");
        for _ in 0..TRIES {
            server.port = free_port()?;
            match server.start_again() {
                Ok(()) => return Ok(server),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Which server it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Its address, as `--bus` takes it.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = match (self.engine, &self.tls) {
            (Engine::Redis, None) => "redis",
            (Engine::Redis, Some(_)) => "rediss",
            (Engine::Nats, None) => "nats",
            (Engine::Nats, Some(_)) => "tls",
        };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// The port it listens at.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it again where it was, with what it had written down, and waits until it answers.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start_again(&mut self) -> Result<()> {
        self.kill();
        std::fs::create_dir_all(&self.folder)?;
        let mut command = Command::new(&self.program);
        let port = self.port.to_string();
        match self.engine {
            // Without fsync each write reaches the system before it is answered, which outlives the process;
            // with the usual one, a write may wait for it.
            Engine::Redis => command.args(["--bind", "127.0.0.1", "--save", ""]).args([
                "--appendonly",
                "yes",
                "--appendfsync",
                "no",
                "--dir",
            ]),
            Engine::Nats => {
                command.args(["--addr", "127.0.0.1", "--port", &port, "--jetstream", "--store_dir"])
            }
        };
        command.arg(&self.folder);
        match (self.engine, &self.tls) {
            (Engine::Redis, None) => {
                command.args(["--port", &port]);
            }
            (Engine::Redis, Some(tls)) => {
                command.args(["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no"]);
                command.arg("--tls-cert-file").arg(&tls.certificate).arg("--tls-key-file").arg(&tls.key);
                command.arg("--tls-ca-cert-file").arg(&tls.certificate);
            }
            (Engine::Nats, None) => {}
            (Engine::Nats, Some(tls)) => {
                command.arg("--tls").arg("--tlscert").arg(&tls.certificate).arg("--tlskey").arg(&tls.key);
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn()?;
        self.child = Some(child);
        self.wait_until_it_answers()
    }

    /// Kills it (SIGKILL): it has no chance to write anything down.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// Kills it and takes away all that it had written down.
    ///
    /// # Errors
    /// If its folder cannot be removed.
    pub fn kill_and_empty(&mut self) -> Result<()> {
        self.kill();
        remove(&self.folder)
    }

    /// Stops it where it is (SIGSTOP): its connections stay, but nothing is answered.
    ///
    /// # Errors
    /// If it cannot be sent a signal, or goes on all the same.
    pub fn pause(&self) -> Result<()> {
        self.signal("-STOP")?;
        // A thread that is at work takes the signal when it is done with that.
        let begun = Instant::now();
        while self.process().is_some_and(|process| !is_stopped(process)) {
            if begun.elapsed() > PATIENCE {
                return Err(Error::other("it does not stop"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Has it go on after [`Server::pause`].
    ///
    /// # Errors
    /// If it cannot be sent a signal.
    pub fn resume(&self) -> Result<()> {
        self.signal("-CONT")
    }

    /// The number of its process, while it runs.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    fn signal(&self, signal: &str) -> Result<()> {
        let process = self.process().ok_or_else(|| Error::other("the server does not run"))?;
        let status = Command::new("kill").args([signal, &process.to_string()]).status()?;
        if status.success() { Ok(()) } else { Err(Error::other("no signal could be sent")) }
    }

    fn wait_until_it_answers(&mut self) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
                return Err(Error::other(format!("{} ended: {status}", self.engine.program())));
            }
            if self.answers() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(Error::other(format!("{} did not answer within {PATIENCE:?}", self.engine.program())))
    }

    /// Whether it says what it says when it is ready.
    fn answers(&self) -> bool {
        use std::io::{Read, Write};
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let Ok(mut connection) = TcpStream::connect_timeout(&address, Duration::from_millis(500)) else {
            return false;
        };
        if self.engine == Engine::Redis && self.tls.is_some() {
            // It says nothing before hands are shaken.
            return true;
        }
        connection.set_read_timeout(Some(Duration::from_millis(500))).ok();
        let (said, expected): (&[u8], &[u8]) = match self.engine {
            Engine::Redis => (b"PING\r\n", b"+PONG"),
            Engine::Nats => (b"", b"INFO "),
        };
        let mut answer = [0_u8; 5];
        connection.write_all(said).and_then(|()| connection.read_exact(&mut answer)).is_ok()
            && answer == *expected
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        remove(&self.folder).ok();
    }
}

/// Whether all threads of a process stand still; where the system does not say, they do.
fn is_stopped(process: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return true };
    threads.flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // The state stands behind the name, which stands in brackets.
        stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['T', 't']))
    })
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A port that nobody listened at a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
