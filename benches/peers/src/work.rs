//! The seven pieces of work: their data, and what each has to come to, computed by native Rust.

use std::collections::HashMap;
use std::hint::black_box;

use crate::Failure;
use crate::task::{Runs, Task, timed};

/// One piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// The sample program over 10,000 tasks; each of its three conditions holds for about 40 % of them.
    Policy,
    /// The same with other tasks in each run, so that no branch can be learned by heart.
    PolicyFresh,
    /// The sample program over 10,000 tasks, of which one condition holds for about 1 %.
    PolicyRare,
    /// The same with other tasks in each run.
    PolicyRareFresh,
    /// 200,000 calls of a host function of one integer.
    Hostcall,
    /// The 27th Fibonacci number, recursively.
    Fib,
    /// Primes up to 200,000.
    Sieve,
    /// Ten million steps of a 32-bit generator, folded by `xor`.
    Loop32,
    /// 200 × 200 points, at most 100 rounds each.
    Mandel,
    /// 100 KB of text into a map; gives the greatest count.
    Wordcount,
}

/// All of them, in the order of the tables.
pub const ALL: [Work; 10] = [
    Work::Policy,
    Work::PolicyFresh,
    Work::PolicyRare,
    Work::PolicyRareFresh,
    Work::Hostcall,
    Work::Fib,
    Work::Sieve,
    Work::Loop32,
    Work::Mandel,
    Work::Wordcount,
];

impl Work {
    /// Its name in tables and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Work::Policy => "policy",
            Work::PolicyFresh => "policyfresh",
            Work::PolicyRare => "policy1",
            Work::PolicyRareFresh => "policy1fresh",
            Work::Hostcall => "hostcall",
            Work::Fib => "fib",
            Work::Sieve => "sieve",
            Work::Loop32 => "loop32",
            Work::Mandel => "mandel",
            Work::Wordcount => "wordcount",
        }
    }

    /// The function of a program that does it.
    pub fn function(self) -> &'static str {
        if self.is_policy() { "policy" } else { self.name() }
    }

    /// The one number most of them get.
    pub fn argument(self) -> i64 {
        match self {
            Work::Fib => 27,
            Work::Mandel => 200,
            Work::Loop32 => 10_000_000,
            Work::Hostcall | Work::Sieve => 200_000,
            Work::Wordcount => 0,
            _ => TASKS as i64,
        }
    }

    /// Whether what counts is what the host saw.
    pub fn by_host(self) -> bool {
        self.is_policy() || self == Work::Hostcall
    }

    /// Whether it is the sample program.
    pub fn is_policy(self) -> bool {
        matches!(self, Work::Policy | Work::PolicyFresh | Work::PolicyRare | Work::PolicyRareFresh)
    }

    /// For how many of 10,000 tasks each of the sample's conditions holds.
    pub fn matching(self) -> u64 {
        if matches!(self, Work::PolicyRare | Work::PolicyRareFresh) { 33 } else { 4_000 }
    }

    /// How many sets of tasks are taken in turn: enough that no processor learns their branches by heart.
    pub fn sets(self) -> usize {
        if matches!(self, Work::PolicyFresh | Work::PolicyRareFresh) { 16 } else { 1 }
    }
}

/// Tasks of one run.
pub const TASKS: usize = 10_000;

/// Tasks as columns.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    /// Nanoseconds of processor time.
    pub cpu_time: Vec<i64>,
    /// Bytes.
    pub memory: Vec<i64>,
    /// Bit/s.
    pub network: Vec<i64>,
}

impl Tasks {
    /// Each task's processor time, memory and network, and its number.
    pub fn rows(&self) -> impl Iterator<Item = [i64; 4]> {
        let columns = self.cpu_time.iter().zip(&self.memory).zip(&self.network);
        (0..).zip(columns).map(|(row, ((cpu_time, memory), network))| [*cpu_time, *memory, *network, row])
    }

    /// The same as bytes, the least significant first.
    pub fn bytes(&self) -> Vec<u8> {
        self.rows().flatten().flat_map(i64::to_le_bytes).collect()
    }
}

/// A generator of numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// The tasks of `work`, which differ from set to set.
pub fn tasks(work: Work, set: usize) -> Tasks {
    let matching = work.matching();
    let mut numbers = Numbers(42 + set as u64);
    let mut value = |limit: i64| {
        let above = if numbers.below(10_000) < matching { limit + 1 } else { 0 };
        above + numbers.below(limit as u64) as i64
    };
    let mut tasks = Tasks::default();
    for _ in 0..TASKS {
        tasks.cpu_time.push(value(5_000_000_000));
        tasks.memory.push(value(1_000_000_000));
        tasks.network.push(value(100_000_000));
    }
    tasks
}

/// About 100 KB of words, some of them frequent, twelve to a line.
pub fn text() -> String {
    const SYLLABLES: [&str; 10] = ["ba", "del", "fo", "gri", "ha", "kum", "lo", "ne", "sta", "wi"];
    let mut numbers = Numbers(7);
    let mut text = String::new();
    let mut words = 0_u32;
    while text.len() < 100_000 {
        // The product favours the first of the 600 words.
        let word = (numbers.below(600) * numbers.below(600) / 600) as usize;
        for place in [1, 10, 100] {
            text.push_str(SYLLABLES[word / place % 10]);
        }
        words += 1;
        text.push(if words.is_multiple_of(12) { '\n' } else { ' ' });
    }
    text
}

/// What the host saw, or the one number a program gave it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    calls: u64,
    mix: u64,
}

impl Seen {
    fn see(&mut self, value: i64) {
        self.calls += 1;
        self.mix = self.mix.wrapping_mul(31).wrapping_add(value as u64);
    }

    /// An action of the sample.
    #[inline]
    pub fn throttle(&mut self, row: i64, by: i64) {
        self.see(row.wrapping_mul(100).wrapping_add(by));
    }

    /// An action of the sample.
    #[inline]
    pub fn trim(&mut self, row: i64, by: i64) {
        self.see(row.wrapping_mul(1000).wrapping_add(by));
    }

    /// An action of the sample, and that of `hostcall`.
    #[inline]
    pub fn reroute(&mut self, row: i64) {
        self.see(row ^ 0x5555);
    }

    /// The result, to be compared.
    pub fn result(&self) -> i64 {
        self.mix.wrapping_add(self.calls.rotate_left(32)) as i64
    }
}

/// The host as the native programs see it: behind a pointer, as for everyone else.
pub trait Actions {
    /// See [`Seen::throttle`].
    fn throttle(&mut self, row: i64, by: i64);
    /// See [`Seen::trim`].
    fn trim(&mut self, row: i64, by: i64);
    /// See [`Seen::reroute`].
    fn reroute(&mut self, row: i64);
}

impl Actions for Seen {
    #[inline(never)]
    fn throttle(&mut self, row: i64, by: i64) {
        Seen::throttle(self, row, by);
    }

    #[inline(never)]
    fn trim(&mut self, row: i64, by: i64) {
        Seen::trim(self, row, by);
    }

    #[inline(never)]
    fn reroute(&mut self, row: i64) {
        Seen::reroute(self, row);
    }
}

/// The sample's loop.
pub fn policy(tasks: &Tasks, host: &mut dyn Actions) {
    let columns = tasks.cpu_time.iter().zip(&tasks.memory).zip(&tasks.network);
    for (row, ((cpu_time, memory), network)) in (0..).zip(columns) {
        if *cpu_time > 5_000_000_000 {
            host.throttle(row, 200_000);
        }
        if *memory > 1_000_000_000 {
            host.trim(row, 300_000);
        }
        if *network > 100_000_000 {
            host.reroute(row);
        }
    }
}

/// Calls the host and does nothing else.
pub fn hostcall(n: i64, host: &mut dyn Actions) {
    for number in 0..n {
        host.reroute(number);
    }
}

/// The n-th Fibonacci number.
pub fn fib(n: i64) -> i64 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}

/// How many primes there are up to n.
pub fn sieve(n: i64) -> i64 {
    let last = n as usize;
    let mut composite = vec![false; last + 1];
    let mut count = 0;
    for number in 2..=last {
        if !composite[number] {
            count += 1;
            let mut at = number * number;
            while at <= last {
                composite[at] = true;
                at += number;
            }
        }
    }
    count
}

/// Steps of a generator of 32-bit numbers, folded.
pub fn loop32(n: i64) -> i64 {
    let (mut x, mut sum) = (1_i64, 0_i64);
    for _ in 0..n {
        x = (x * 1_664_525 + 1_013_904_223) & 0xffff_ffff;
        sum ^= x >> 7;
    }
    sum
}

/// The sum of the rounds over all points.
pub fn mandel(n: i64) -> i64 {
    let side = n as f64;
    let mut sum = 0;
    for row in 0..n {
        let cy = row as f64 * 2.0 / side - 1.0;
        for column in 0..n {
            let cx = column as f64 * 3.5 / side - 2.5;
            let (mut x, mut y, mut rounds) = (0.0_f64, 0.0_f64, 0);
            while rounds < 100 {
                let (xx, yy) = (x * x, y * y);
                if xx + yy > 4.0 {
                    break;
                }
                y = 2.0 * x * y + cy;
                x = xx - yy + cx;
                rounds += 1;
            }
            sum += rounds;
        }
    }
    sum
}

/// How often the most frequent word stands in a text.
pub fn wordcount(text: &str) -> i64 {
    let mut counts: HashMap<&str, i64> = HashMap::new();
    for word in text.split_ascii_whitespace() {
        *counts.entry(word).or_insert(0) += 1;
    }
    counts.values().copied().max().unwrap_or(0)
}

/// One run after the other of `work` in native Rust.
pub fn native(task: Task) -> Result<Option<Runs>, Failure> {
    let Task::Work(work) = task else { return Ok(None) };
    let sets: Vec<Tasks> = (0..work.sets()).map(|set| tasks(work, set)).collect();
    let text = text();
    let argument = work.argument();
    let mut turn = 0;
    Ok(Some(Box::new(move || {
        let tasks = &sets[turn % sets.len()];
        turn += 1;
        Ok(timed(|| {
            let mut seen = Seen::default();
            let host: &mut dyn Actions = black_box(&mut seen);
            let n = black_box(argument);
            match work {
                Work::Hostcall => hostcall(n, host),
                Work::Fib => return fib(n),
                Work::Sieve => return sieve(n),
                Work::Loop32 => return loop32(n),
                Work::Mandel => return mandel(n),
                Work::Wordcount => return wordcount(black_box(&text)),
                _ => policy(black_box(tasks), host),
            }
            seen.result()
        }))
    })))
}
