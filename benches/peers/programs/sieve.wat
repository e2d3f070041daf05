(module
  (memory 4)
  (func (export "run") (param $n i64) (result i64)
    (local $last i32) (local $i i32) (local $at i32) (local $count i64)
    (local.set $last (i32.wrap_i64 (local.get $n)))
    (memory.fill (i32.const 0) (i32.const 0) (i32.add (local.get $last) (i32.const 1)))
    (local.set $i (i32.const 2))
    (loop $numbers
      (if (i32.eqz (i32.load8_u (local.get $i)))
        (then
          (local.set $count (i64.add (local.get $count) (i64.const 1)))
          ;; The square of a number above 447 is beyond the list.
          (if (i32.le_u (local.get $i) (i32.const 447))
            (then
              (local.set $at (i32.mul (local.get $i) (local.get $i)))
              (loop $multiples
                (i32.store8 (local.get $at) (i32.const 1))
                (local.set $at (i32.add (local.get $at) (local.get $i)))
                (br_if $multiples (i32.le_u (local.get $at) (local.get $last))))))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $numbers (i32.le_u (local.get $i) (local.get $last))))
    (local.get $count)))
