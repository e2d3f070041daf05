//! What is in a snapshot may be anything: here without its seal, changed in every way.

use super::image::Image;
use super::thaw::Moment;
use super::{freeze, revive};
use crate::{Answer, Effects, Exit, Grants, Host, Inputs, Instance, Limits, Program, VirtualClock};

/// Programs that have everything a snapshot can hold.
const PROGRAMS: [(&str, &str); 3] = [
    (include_str!("../../../examples/cost_optimization.swarm"), include_str!("../../../examples/tasks.json")),
    (include_str!("../../tests/snapshots/everything.swarm"), r#"{"most": 6}"#),
    ("FUNC main() -> int { LET n = 0 WHILE n < 1000 MAX 2000 { n = n + 1 } RETURN n }", "{}"),
];

fn program(text: &str) -> Program {
    let (compilation, _) = swarm_compiler::compile_text("test.swarm", text);
    let module = compilation.module;
    assert!(module.is_some(), "{:?}", compilation.diagnostics);
    Program::load(&module.unwrap().encode()).unwrap()
}

fn host() -> Host<'static> {
    let mut host = Host::new();
    host.clock(VirtualClock::default()).otherwise(|_| Answer::pending());
    host
}

/// Goes on to the end, however that looks.
fn finish(run: &mut Instance, host: &mut Host<'_>, mut each: impl FnMut(&mut Instance)) {
    for stop in 0..200 {
        let exit = run.run(host);
        if !matches!(exit, Exit::Finished(_)) {
            each(run);
        }
        match exit {
            Exit::Finished(report) => {
                let _shown = report.to_json();
                return;
            }
            Exit::Pending(call) => {
                let answer = match (call.query, stop % 2) {
                    (false, _) => Answer::done(),
                    (true, 0) => Answer::value(Some(4)),
                    (true, _) => Answer::failed("nobody knows"),
                };
                run.resolve(call.id, answer).unwrap();
            }
            Exit::OutOfFuel { .. } => run.refuel(37),
        }
    }
    let _report = run.close();
}

/// Images of a run at its stops.
fn images(text: &str, input: &str, effects: Effects, fuel: u64) -> (Program, Vec<Vec<u8>>) {
    let program = program(text);
    let inputs = Inputs::new(&program).from_json(input).unwrap();
    let mut host = host();
    let limits = Limits::default().fuel(fuel);
    let run = Instance::new(&program, &inputs, limits, &Grants::all(), &host).unwrap();
    let (mut run, mut images) = (run.effects(effects), Vec::new());
    finish(&mut run, &mut host, |run| {
        let mut bytes = Vec::new();
        freeze::freeze(run, 0).unwrap().write(&mut bytes).unwrap();
        images.push(bytes);
    });
    (program, images)
}

#[test]
fn an_image_is_canonical() {
    for (text, input) in PROGRAMS {
        for effects in [Effects::Immediate, Effects::Collected] {
            let (program, images) = images(text, input, effects, 100);
            assert!(!images.is_empty());
            for bytes in images {
                let image = Image::read(&bytes).unwrap();
                let mut again = Vec::new();
                image.write(&mut again).unwrap();
                assert_eq!(bytes, again);
                let moment = Moment { now_ns: 0, elapsed_ns: 0 };
                let inputs = Inputs::new(&program);
                let run = revive(&program, &inputs, &Grants::all(), &image, moment).unwrap();
                assert_eq!(freeze::freeze(&run, 0).unwrap(), image);
            }
        }
    }
}

#[test]
fn a_wrong_image_never_panics() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below.max(1)).unwrap()).unwrap()
    };
    let (mut tried, mut read, mut revived) = (0, 0, 0);
    for (text, input) in PROGRAMS {
        let (program, images) = images(text, input, Effects::Collected, 400);
        let inputs = Inputs::new(&program);
        let rounds = 6_000 / images.len();
        for bytes in &images {
            for _ in 0..rounds {
                let mut wrong = bytes.clone();
                for _ in 0..=random(3) {
                    let at = random(wrong.len());
                    match random(4) {
                        0 => wrong[at] = u8::try_from(random(256)).unwrap(),
                        1 => wrong[at] ^= 1 << random(8),
                        2 => wrong[at] = u8::try_from(random(6)).unwrap(),
                        _ => wrong[at] = 250 + u8::try_from(random(6)).unwrap(),
                    }
                }
                tried += 1;
                let Some(image) = Image::read(&wrong) else { continue };
                read += 1;
                let moment = Moment { now_ns: 7, elapsed_ns: 3 };
                let mut host = host();
                if let Ok(mut run) = revive(&program, &inputs, &Grants::all(), &image, moment) {
                    revived += 1;
                    finish(&mut run, &mut host, |_| ());
                }
            }
        }
    }
    assert!(read > tried / 10 && revived > tried / 50, "{tried} tried, {read} read, {revived} revived");
}
