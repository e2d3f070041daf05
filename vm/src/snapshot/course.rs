//! Snapshots of an order with its timers and the events that wait.

use super::freeze::{self, until};
use super::graph::Damaged;
use super::image::CourseImage;
use super::thaw::Moment;
use super::{Seal, Snapshot, SnapshotError, SnapshotErrorKind, Unseal, resume};
use crate::agenda::{Agenda, QUEUE};
use crate::course::{Begun, Course};
use crate::host::Host;
use crate::inputs::Inputs;
use crate::limits::Grants;
use crate::program::Program;
use crate::value::Value;

impl Course {
    /// As [`crate::Instance::snapshot`], with what is due when. The order's clock is that of the host.
    ///
    /// # Errors
    /// As there; or the order has not begun.
    pub fn snapshot(&mut self, host: &Host<'_>, seal: &Seal<'_>) -> Result<Snapshot, SnapshotError> {
        let now_ns = host.now_ns();
        let begun = self.begun.as_ref().ok_or(SnapshotErrorKind::NotSuspended)?;
        let mut image = freeze::freeze(&self.instance, now_ns)?;
        image.course = Some(frozen(begun, now_ns));
        self.instance.sealed(&image, seal)
    }

    /// Goes on with the order of a snapshot: [`Course::wake`] or, within an activation,
    /// [`crate::Instance::run`]. Ticks that fell due meanwhile count as one.
    ///
    /// # Errors
    /// As [`crate::Instance::resume`].
    pub fn resume(
        program: &Program,
        inputs: &Inputs,
        grants: &Grants,
        host: &Host<'_>,
        bytes: &[u8],
        unseal: &Unseal<'_>,
    ) -> Result<Course, SnapshotError> {
        let (instance, image, moment) = resume(program, inputs, grants, host, bytes, unseal)?;
        let course = image.course.as_ref().ok_or(Damaged)?;
        let begun = thawed(program, course, moment)?;
        let inputs = Inputs::of_attached(program, instance.attached.clone());
        Ok(Course { instance, inputs, begun: Some(begun) })
    }
}

fn frozen(begun: &Begun, now_ns: u64) -> CourseImage {
    let agenda = &begun.agenda;
    let queue = agenda.queue.iter().map(|(handler, arguments)| {
        let handler = u16::try_from(*handler).unwrap_or(u16::MAX);
        (handler, arguments.iter().map(Value::to_json).collect())
    });
    let passed = i64::try_from(now_ns).unwrap_or(i64::MAX);
    CourseImage {
        timers: agenda
            .timers
            .iter()
            .map(|timer| (timer.next_ns.saturating_sub(now_ns.into()), timer.skipped))
            .collect(),
        handlers: agenda.handlers.iter().map(|handler| (handler.left, handler.dropped)).collect(),
        queue: queue.collect(),
        deadline: agenda.deadline_ns.map(|deadline| until(deadline, now_ns)),
        over: agenda.over,
        began: agenda.began_ns.map(|began| until(began, now_ns)),
        latest: until(agenda.now_ns, now_ns),
        overflowed: agenda.overflowed,
        program_now: begun.epoch_ns.map(|epoch| epoch.saturating_add(passed)),
    }
}

fn thawed(program: &Program, image: &CourseImage, at: Moment) -> Result<Begun, Damaged> {
    let module = program.tables();
    let mut agenda = Agenda::new(module, 0, image.deadline.map(|deadline| at.time(deadline)));
    let as_many = agenda.timers.len() == image.timers.len() && agenda.handlers.len() == image.handlers.len();
    if !as_many || image.queue.len() > QUEUE {
        return Err(Damaged);
    }
    for (timer, (next, skipped)) in agenda.timers.iter_mut().zip(&image.timers) {
        (timer.next_ns, timer.skipped) = (at.exact(*next), *skipped);
    }
    for (handler, (left, dropped)) in agenda.handlers.iter_mut().zip(&image.handlers) {
        (handler.left, handler.dropped) = (*left, *dropped);
    }
    for (handler, arguments) in &image.queue {
        let handler = usize::from(*handler);
        let function = module.events.get(handler).map(|event| event.function.index());
        let function = function.and_then(|function| module.functions.get(function)).ok_or(Damaged)?;
        let types = function.registers.iter().zip(arguments);
        let values = types.map(|(ty, json)| program.read_value("argument", *ty, json).map_err(|_| Damaged));
        agenda.queue.push_back((handler, values.collect::<Result<_, _>>()?));
    }
    agenda.over = image.over;
    agenda.began_ns = image.began.map(|began| at.time(began));
    agenda.now_ns = at.time(image.latest);
    agenda.overflowed = image.overflowed;
    let elapsed = i64::try_from(at.elapsed_ns).unwrap_or(i64::MAX);
    let passed = i64::try_from(at.now_ns).unwrap_or(i64::MAX);
    let epoch = |now: i64| now.saturating_add(elapsed).saturating_sub(passed);
    Ok(Begun { agenda, epoch_ns: image.program_now.map(epoch) })
}
