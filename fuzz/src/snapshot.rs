//! What may be in a snapshot once somebody has the key, or the disk had an error that its seal did not show.

use std::cell::OnceCell;

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, Tag, XChaCha20Poly1305, XNonce};
use swarm_compiler::compile_text;
use swarm_vm::snapshot::{Seal, SnapshotHeader, SnapshotKey, Unseal};
use swarm_vm::{Answer, Exit, Grants, Host, Inputs, Instance, Limits, Program, VirtualClock};

const TEXT: &str = include_str!("../../vm/tests/snapshots/everything.swarm");
const INPUT: &str = r#"{"most": 3}"#;
const KEY: [u8; 32] = [42; 32];
const NONCE: [u8; 24] = [3; 24];
const TAG_BYTES: usize = 16;
/// Stops at which a snapshot is changed, at most.
const STOPS: usize = 24;

/// A program, and its snapshots at each of its stops, as headers and what was sealed under them.
struct Taken {
    program: Program,
    snapshots: Vec<(Vec<u8>, Vec<u8>)>,
}

thread_local! {
    static TAKEN: OnceCell<Taken> = const { OnceCell::new() };
}

/// A snapshot with bytes of its inside changed, under a seal made anew, is refused or goes on to an end;
/// without the key it is refused. Of the bytes the first chooses the snapshot and whether it is cut, three
/// each a place and what is changed there.
pub fn snapshot(bytes: &[u8]) -> bool {
    let _ = SnapshotHeader::read(bytes);
    TAKEN.with(|taken| changed(taken.get_or_init(taken_at_each_stop), bytes))
}

fn changed(taken: &Taken, bytes: &[u8]) -> bool {
    assert!(resumed(&taken.program, bytes).is_none(), "nobody else knows the key");
    let Some((first, changes)) = bytes.split_first() else { return false };
    let Some((head, inside)) = taken.snapshots.get(usize::from(*first) % taken.snapshots.len()) else {
        return false;
    };
    let mut inside = inside.clone();
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]]));
        match inside.get_mut(at) {
            Some(byte) => *byte ^= change[2],
            None => inside.truncate(at.wrapping_sub(usize::from(change[2])) % (inside.len() + 1)),
        }
    }
    let Some(mut run) = resumed(&taken.program, &sealed(head, inside)) else { return false };
    let mut host = host();
    for _ in 0..STOPS {
        if !next(&mut run, &mut host) {
            return true;
        }
        let seal = Seal { key: &SnapshotKey::new(KEY), nonce: NONCE, at_ns: 5_000 };
        let _ = run.snapshot(&host, &seal);
    }
    let _ = run.close().to_json();
    true
}

fn taken_at_each_stop() -> Taken {
    let module = compile_text("fuzz.swarm", TEXT).0.module.expect("it compiles");
    let program = Program::load(&module.encode()).expect("it loads");
    let inputs = Inputs::new(&program).from_json(INPUT).expect("they fit");
    let mut host = host();
    let limits = Limits::default().fuel(400);
    let run = Instance::new(&program, &inputs, limits, &Grants::all(), &host);
    let mut run = run.expect("it has what it needs");
    let mut snapshots = Vec::new();
    while snapshots.len() < STOPS && next(&mut run, &mut host) {
        let seal = Seal { key: &SnapshotKey::new(KEY), nonce: NONCE, at_ns: 5_000 };
        if let Ok(snapshot) = run.snapshot(&host, &seal) {
            snapshots.push(opened(&snapshot.bytes));
        }
    }
    assert!(!snapshots.is_empty(), "it stops");
    Taken { program, snapshots }
}

fn host() -> Host<'static> {
    let mut host = Host::new();
    host.clock(VirtualClock::default()).otherwise(|_| Answer::pending());
    host
}

/// Goes on to the next stop; false at the end.
fn next(run: &mut Instance, host: &mut Host<'_>) -> bool {
    match run.run(host) {
        Exit::Finished(report) => {
            let _ = report.to_json();
            return false;
        }
        Exit::Pending(call) => {
            let answer = if call.query { Answer::value(Some(4)) } else { Answer::done() };
            if run.resolve(call.id, answer).is_err() {
                let _ = run.resolve(call.id, Answer::failed("nobody knows"));
            }
        }
        Exit::OutOfFuel { .. } => run.refuel(150),
    }
    true
}

fn resumed(program: &Program, bytes: &[u8]) -> Option<Instance> {
    let inputs = Inputs::new(program).from_json(INPUT).expect("they fit");
    let unseal = Unseal { key: &SnapshotKey::new(KEY), identity: None, above: 0, at_ns: 5_000 };
    Instance::resume(program, &inputs, &Grants::all(), &host(), bytes, &unseal).ok()
}

/// The header, and what was sealed.
fn opened(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let head_bytes =
        bytes.windows(NONCE.len()).position(|window| *window == NONCE).expect("the nonce") + NONCE.len();
    let (head, rest) = bytes.split_at(head_bytes);
    let (text, tag) = rest.split_at(rest.len() - TAG_BYTES);
    let (mut text, nonce) = (text.to_vec(), XNonce::from(NONCE));
    let tag = Tag::from(<[u8; TAG_BYTES]>::try_from(tag).expect("its length"));
    let opened = cipher().decrypt_inout_detached(&nonce, head, text.as_mut_slice().into(), &tag);
    opened.expect("it was sealed with this key");
    (head.to_vec(), text)
}

fn sealed(head: &[u8], mut text: Vec<u8>) -> Vec<u8> {
    let nonce = XNonce::from(NONCE);
    let tag = cipher().encrypt_inout_detached(&nonce, head, text.as_mut_slice().into()).expect("it is short");
    [head, &text, &tag].concat()
}

fn cipher() -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&KEY).into())
}
