//! Source text of any length, as governors write it.

use std::fmt::Write as _;

/// A program of at least so many bytes: functions as governors write them, all reached from the start.
pub fn generated(bytes: usize) -> String {
    let mut text = String::from("METRIC saved: money TOTAL\n");
    let mut start = String::from("ON START {\n");
    let mut number = 0_u32;
    while text.len().saturating_add(start.len()) < bytes {
        number = number.saturating_add(1);
        let limit = number.wrapping_rem(50).saturating_add(1);
        let _ = write!(
            text,
            "
/// Relieves tasks of kind {number}.
FUNC relieve_{number}(limit: duration, share: percent) -> int {{
  LET relieved = 0
  FOR EACH task IN task_queue WHERE task.priority < {limit} AND NOT task.status == \"done\" {{
    IF task.cpu_time > limit THEN
      REDUCE_CPU_THROTTLE(task, share)
    IF task.memory > {limit}GB OR task.cost * 20% > ${limit} {{
      REDUCE_MEMORY_CACHE(task, share * 50%)
      RECORD saved = task.cost * share
      relieved += 1
    }} ELSE IF task.network > {limit}Mbps {{
      ROUTE_TO_CHEAPER_REGION(task)
    }}
  }}
  RETURN relieved + (COUNT FOR t IN task_queue WHERE t.memory > 1GB)
}}
"
        );
        let _ = writeln!(start, "  LET relieved_{number} = relieve_{number}({limit}s, 20%)");
        let _ = writeln!(start, "  IF relieved_{number} > 100 THEN STOP \"kind {number} is relieved\"");
        if number.wrapping_rem(100) == 0 {
            // Functions stay within their size, and all are reached.
            let _ = write!(start, "  part_{number}()\n}}\nFUNC part_{number}() {{\n");
        }
    }
    text.push_str(&start);
    text.push_str("}\n");
    text
}
