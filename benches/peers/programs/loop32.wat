(module
  (func (export "run") (param $n i64) (result i64)
    (local $x i64) (local $sum i64)
    (local.set $x (i64.const 1))
    (loop $next
      (local.set $x
        (i64.and
          (i64.add (i64.mul (local.get $x) (i64.const 1664525)) (i64.const 1013904223))
          (i64.const 4294967295)))
      (local.set $sum (i64.xor (local.get $sum) (i64.shr_u (local.get $x) (i64.const 7))))
      (local.set $n (i64.sub (local.get $n) (i64.const 1)))
      (br_if $next (i64.ne (local.get $n) (i64.const 0))))
    (local.get $sum)))
