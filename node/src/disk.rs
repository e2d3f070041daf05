//! What survives a process: values under keys, in one file that is only appended to and now and then written
//! anew.
//!
//! ```text
//! file   = "SWRL1\n" record*
//! record = length check key-length key value        key-length = 0xffff…: the key is taken away, no value follows
//! ```
//!
//! Length and key's length are four bytes, little-endian; the check is the first eight bytes of the SHA-256
//! of what follows it. What was put is on disk after [`Disk::commit`], all of it or – where the computer dies
//! in between – only what was put first. Behind the last whole record a file is cut off when it is opened.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::NodeError;

const MAGIC: &[u8] = b"SWRL1\n";

/// Bytes in front of a record's key.
const HEAD: usize = 16;

/// The key's length of a record that takes it away.
const GONE: u32 = u32::MAX;

/// A file below this is not written anew.
const SMALL: u64 = 1 << 20;

/// Most bytes of a record.
const MAX_RECORD: usize = 1 << 28;

/// Values under keys.
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
    /// Without it, everything is lost with the process.
    file: Option<File>,
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Bytes of the values and their keys.
    live: u64,
    /// Bytes of the file that are known to be whole.
    size: u64,
    pending: Vec<u8>,
    commits: u64,
}

impl Disk {
    /// Opens a file, or makes it. It is locked until the process ends: no two have one state.
    ///
    /// # Errors
    /// [`NodeError::Disk`], also where another process has it, or the file is none of these.
    pub fn open(path: &Path) -> Result<Disk, NodeError> {
        let failed = |error| NodeError::Disk { path: path.to_owned(), error };
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(failed)?;
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = file.map_err(failed)?;
        lock(&file).map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let mut disk = Disk::in_memory();
        disk.path = path.to_owned();
        if bytes.len() < MAGIC.len() {
            file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
            file.write_all(MAGIC).and_then(|()| file.sync_all()).map_err(failed)?;
            sync_directory(path).map_err(failed)?;
            disk.size = length(MAGIC.len());
        } else if bytes.starts_with(MAGIC) {
            let whole = disk.replay(bytes.get(MAGIC.len()..).unwrap_or_default());
            disk.size = length(MAGIC.len().saturating_add(whole));
            file.set_len(disk.size).map_err(failed)?;
            file.seek(SeekFrom::Start(disk.size)).map_err(failed)?;
        } else {
            return Err(failed(std::io::Error::new(ErrorKind::InvalidData, "it is no state of a process")));
        }
        disk.file = Some(file);
        Ok(disk)
    }

    /// A disk that is none.
    pub fn in_memory() -> Disk {
        Disk {
            path: PathBuf::new(),
            file: None,
            values: BTreeMap::new(),
            live: 0,
            size: 0,
            pending: Vec::new(),
            commits: 0,
        }
    }

    /// Takes in whole records; gives how many bytes they are.
    fn replay(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while let Some((record, behind)) = split(rest) {
            match record {
                (key, Some(value)) => self.keep(key.to_vec(), value.to_vec()),
                (key, None) => self.drop_key(key),
            }
            rest = behind;
        }
        bytes.len().saturating_sub(rest.len())
    }

    fn keep(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.drop_key(&key);
        self.live = self.live.saturating_add(length(key.len().saturating_add(value.len())));
        self.values.insert(key, value);
    }

    fn drop_key(&mut self, key: &[u8]) {
        if let Some(value) = self.values.remove(key) {
            self.live = self.live.saturating_sub(length(key.len().saturating_add(value.len())));
        }
    }

    /// The value under a key.
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.values.get(key).map(Vec::as_slice)
    }

    /// Keys that begin so, with their values, in order.
    pub fn under<'d>(&'d self, prefix: &'d [u8]) -> impl Iterator<Item = (&'d [u8], &'d [u8])> {
        let from = self.values.range(prefix.to_vec()..);
        let from = from.take_while(move |(key, _)| key.starts_with(prefix));
        from.map(|(key, value)| (key.as_slice(), value.as_slice()))
    }

    /// Puts a value under a key; it is on disk after the next commit.
    pub fn put(&mut self, key: &[u8], value: Vec<u8>) {
        append(&mut self.pending, key, Some(&value));
        self.keep(key.to_vec(), value);
    }

    /// Takes a value away.
    pub fn remove(&mut self, key: &[u8]) {
        if self.values.contains_key(key) {
            append(&mut self.pending, key, None);
            self.drop_key(key);
        }
    }

    /// Whether something was put that is not on disk yet.
    pub fn is_dirty(&self) -> bool {
        !self.pending.is_empty()
    }

    /// How often something went to disk.
    pub fn commits(&self) -> u64 {
        self.commits
    }

    /// Brings everything that was put to disk. If that fails nothing is lost: the next commit tries it again.
    ///
    /// # Errors
    /// [`NodeError::Disk`]: a full disk, one that is gone.
    pub fn commit(&mut self) -> Result<(), NodeError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.commits = self.commits.saturating_add(1);
        let Some(file) = &mut self.file else {
            self.pending.clear();
            return Ok(());
        };
        let written = file.write_all(&self.pending).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Half a record is cut off again; if that fails too, opening does it.
            let _cut = file.set_len(self.size).and_then(|()| file.seek(SeekFrom::Start(self.size)));
            return Err(NodeError::Disk { path: self.path.clone(), error });
        }
        self.size = self.size.saturating_add(length(self.pending.len()));
        self.pending.clear();
        if self.size > SMALL.max(self.live.saturating_mul(4)) {
            // A file that stays long is still whole.
            let _stays = self.compact();
        }
        Ok(())
    }

    /// Writes the file anew with what is left, beside the old one, and puts it in its place.
    fn compact(&mut self) -> std::io::Result<()> {
        let directory = self.path.parent().unwrap_or_else(|| Path::new("."));
        let mut fresh = tempfile::NamedTempFile::new_in(directory)?;
        let mut bytes = MAGIC.to_vec();
        for (key, value) in &self.values {
            append(&mut bytes, key, Some(value));
        }
        fresh.write_all(&bytes)?;
        fresh.as_file().sync_all()?;
        lock(fresh.as_file())?;
        let file = fresh.persist(&self.path).map_err(|error| error.error)?;
        sync_directory(&self.path)?;
        self.size = length(bytes.len());
        self.file = Some(file);
        Ok(())
    }
}

fn lock(file: &File) -> std::io::Result<()> {
    file.try_lock().map_err(|error| match error {
        std::fs::TryLockError::WouldBlock => {
            std::io::Error::new(ErrorKind::ResourceBusy, "another process has this state")
        }
        std::fs::TryLockError::Error(error) => error,
    })
}

/// A new name in a directory is on disk once the directory is.
fn sync_directory(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(directory) if cfg!(unix) && !directory.as_os_str().is_empty() => {
            File::open(directory)?.sync_all()
        }
        _ => Ok(()),
    }
}

fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn append(bytes: &mut Vec<u8>, key: &[u8], value: Option<&[u8]>) {
    let mut body = Vec::with_capacity(key.len().saturating_add(value.map_or(0, <[u8]>::len)));
    let key_length = u32::try_from(key.len()).unwrap_or(GONE);
    // Who takes a key away says so in place of its length: the whole rest is the key.
    body.extend_from_slice(&if value.is_some() { key_length } else { GONE }.to_le_bytes());
    body.extend_from_slice(key);
    body.extend_from_slice(value.unwrap_or_default());
    let check: [u8; 32] = Sha256::digest(&body).into();
    bytes.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(check.first_chunk::<8>().unwrap_or(&[0; 8]));
    bytes.extend_from_slice(&body);
}

/// A key, and what is put there; `None`: it is taken away.
type Record<'a> = (&'a [u8], Option<&'a [u8]>);

/// The first record, and what stands behind it; `None` where none is whole.
fn split(bytes: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let (head, rest) = bytes.split_at_checked(HEAD.saturating_sub(4))?;
    let size = usize::try_from(u32::from_le_bytes(*head.first_chunk()?)).ok()?;
    if !(4..=MAX_RECORD).contains(&size) {
        return None;
    }
    let (body, behind) = rest.split_at_checked(size)?;
    let check: [u8; 32] = Sha256::digest(body).into();
    if head.get(4..)? != check.get(..8)? {
        return None;
    }
    let (key_length, rest) = body.split_first_chunk::<4>()?;
    let key_length = u32::from_le_bytes(*key_length);
    if key_length == GONE {
        return Some(((rest, None), behind));
    }
    let (key, value) = rest.split_at_checked(usize::try_from(key_length).ok()?)?;
    Some(((key, Some(value)), behind))
}
