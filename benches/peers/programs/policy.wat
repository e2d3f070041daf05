;; Rows of 32 bytes: cpu_time, memory, network, row number.
(module
  (import "host" "throttle" (func $throttle (param i64 i64)))
  (import "host" "trim" (func $trim (param i64 i64)))
  (import "host" "reroute" (func $reroute (param i64)))
  (memory (export "memory") 6)
  (func (export "run") (param $rows i64) (result i64)
    (local $row i32) (local $end i32)
    (local.set $end (i32.shl (i32.wrap_i64 (local.get $rows)) (i32.const 5)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $row) (local.get $end)))
        (if (i64.gt_s (i64.load (local.get $row)) (i64.const 5000000000))
          (then (call $throttle (i64.load offset=24 (local.get $row)) (i64.const 200000))))
        (if (i64.gt_s (i64.load offset=8 (local.get $row)) (i64.const 1000000000))
          (then (call $trim (i64.load offset=24 (local.get $row)) (i64.const 300000))))
        (if (i64.gt_s (i64.load offset=16 (local.get $row)) (i64.const 100000000))
          (then (call $reroute (i64.load offset=24 (local.get $row)))))
        (local.set $row (i32.add (local.get $row) (i32.const 32)))
        (br $next)))
    (i64.const 0)))
