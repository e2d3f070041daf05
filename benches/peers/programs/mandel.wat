(module
  (func (export "run") (param $n i64) (result i64)
    (local $side f64) (local $row i64) (local $column i64) (local $rounds i64) (local $sum i64)
    (local $cx f64) (local $cy f64) (local $x f64) (local $y f64) (local $xx f64) (local $yy f64)
    (local.set $side (f64.convert_i64_s (local.get $n)))
    (loop $rows
      (local.set $cy
        (f64.sub (f64.div (f64.mul (f64.convert_i64_s (local.get $row)) (f64.const 2)) (local.get $side)) (f64.const 1)))
      (local.set $column (i64.const 0))
      (loop $columns
        (local.set $cx
          (f64.sub
            (f64.div (f64.mul (f64.convert_i64_s (local.get $column)) (f64.const 3.5)) (local.get $side))
            (f64.const 2.5)))
        (local.set $x (f64.const 0))
        (local.set $y (f64.const 0))
        (local.set $rounds (i64.const 0))
        (block $out
          (loop $again
            (local.set $xx (f64.mul (local.get $x) (local.get $x)))
            (local.set $yy (f64.mul (local.get $y) (local.get $y)))
            (br_if $out (f64.gt (f64.add (local.get $xx) (local.get $yy)) (f64.const 4)))
            (local.set $y (f64.add (f64.mul (f64.mul (f64.const 2) (local.get $x)) (local.get $y)) (local.get $cy)))
            (local.set $x (f64.add (f64.sub (local.get $xx) (local.get $yy)) (local.get $cx)))
            (local.set $rounds (i64.add (local.get $rounds) (i64.const 1)))
            (br_if $again (i64.lt_s (local.get $rounds) (i64.const 100)))))
        (local.set $sum (i64.add (local.get $sum) (local.get $rounds)))
        (local.set $column (i64.add (local.get $column) (i64.const 1)))
        (br_if $columns (i64.lt_s (local.get $column) (local.get $n))))
      (local.set $row (i64.add (local.get $row) (i64.const 1)))
      (br_if $rows (i64.lt_s (local.get $row) (local.get $n))))
    (local.get $sum)))
