//! Records, lists, optionals: values, never seen to change by two holders.

use super::harness::{Program, Run, program};

const HEAD: &str = "
    TYPE Point { x: int  y: int = 7 }
    TYPE Shape { name: string KEY  at: Point  sides: list<int> MAX 8 = []  note: string? = NONE }
    ACTION INT(value: int)
    ACTION BOOL(value: bool)
    ACTION TEXT(value: string)
    ACTION LIST(value: list<int>)
    ACTION POINT(value: Point)
    ACTION SHAPE(value: Shape)
    ";

fn values(main: &str) -> Run {
    program(&format!("{HEAD} FUNC main() {{ {main} }}"))
}

#[test]
fn a_record_is_made_and_read() {
    values("LET p = Point(x: 1, y: 2)  INT(p.x)  INT(p.y)").done("INT(1) INT(2)", 32);
}

#[test]
fn a_field_left_out_has_its_default() {
    values("LET p = Point(x: 1)  POINT(p)").done(r#"POINT({"x":1,"y":7})"#, 20);
}

#[test]
fn a_record_goes_to_the_host_by_its_key() {
    values(r#"SHAPE(Shape(name: "s", at: Point(x: 1)))"#).actions(["SHAPE(s)"]);
}

#[test]
fn a_field_is_written() {
    values("LET p = Point(x: 1)  p.x = 5  p.y += 1  POINT(p)").done(r#"POINT({"x":5,"y":8})"#, 28);
}

#[test]
fn a_copy_does_not_follow_its_original() {
    values("LET a = Point(x: 1)  LET b = a  a.x = 2  INT(a.x)  INT(b.x)").done("INT(2) INT(1)", 39);
    values("LET a = Point(x: 1)  LET b = a  b.x = 2  INT(a.x)  INT(b.x)").done("INT(1) INT(2)", 39);
    values("LET a = [1, 2]  LET b = a  b[0] = 9  LIST(a)  LIST(b)").done("LIST([1,2]) LIST([9,2])", 38);
}

#[test]
fn a_part_does_not_follow_its_whole() {
    values(r#"LET s = Shape(name: "s", at: Point(x: 1))  LET p = s.at  s.at.x = 5  INT(p.x)  INT(s.at.x)"#)
        .done("INT(1) INT(5)", 55);
    values(r#"LET p = Point(x: 1)  LET s = Shape(name: "s", at: p)  p.x = 5  INT(p.x)  INT(s.at.x)"#)
        .done("INT(5) INT(1)", 51);
}

#[test]
fn a_part_of_a_part_is_written() {
    values(
        r#"LET s = Shape(name: "s", at: Point(x: 1), sides: [1, 2, 3])
           LET before = s
           s.sides[1] = 20
           s.sides[2] += 30
           s.at.y = 0
           LIST(s.sides)  LIST(before.sides)  POINT(s.at)  POINT(before.at)"#,
    )
    .done(r#"LIST([1,20,33]) LIST([1,2,3]) POINT({"x":1,"y":0}) POINT({"x":1,"y":7})"#, 118);
}

#[test]
fn items_of_lists_of_lists_and_records() {
    values("LET m = [[1, 2], [3, 4]]  LET row = m[0]  m[0][1] = 9  m[1][0] += 1  INT(m[0][1])  INT(row[1])  INT(m[1][0])")
        .done("INT(9) INT(2) INT(4)", 101);
    values("LET ps = [Point(x: 1), Point(x: 2)]  ps[1].x += 5  INT(ps[0].x)  INT(ps[1].x)")
        .done("INT(1) INT(7)", 67);
}

#[test]
fn one_record_in_two_places_of_a_list() {
    values("LET p = Point(x: 1)  LET ps = [p, p]  ps[0].x = 5  INT(ps[0].x)  INT(ps[1].x)  INT(p.x)")
        .done("INT(5) INT(1) INT(1)", 67);
}

#[test]
fn an_index_is_evaluated_once() {
    let text = format!(
        "{HEAD} QUERY one(n: int) -> int
        FUNC main() {{ LET a = [1, 2, 3]  a[one(1)] += one(10)  LIST(a) }}"
    );
    let run = program(&text);
    run.done("LIST([1,12,3])", 49);
    assert_eq!(run.asked, ["one(1)", "one(10)"]);
}

#[test]
fn an_index_out_of_range_stops_the_run() {
    values("LET a = [1, 2]  LET i = 2  INT(a[i])").trapped("index_out_of_range", 12);
    values("LET a = [1, 2]  LET i = -1  a[i] = 5").trapped("index_out_of_range", 13);
    values("LET a = [1, 2]  LET i = 2  a[i] += 5").trapped("index_out_of_range", 12);
}

#[test]
fn a_loop_goes_over_the_list_as_it_was() {
    values("LET a = [1, 2, 3]  FOR EACH i, n IN a { a[2] = 9  INT(n) }  LIST(a)")
        .done("INT(1) INT(2) INT(3) LIST([1,2,9])", 77);
    values("LET a = [1, 2]  FOR EACH n IN a { a = [7, 8, 9]  INT(n) }  LIST(a)")
        .done("INT(1) INT(2) LIST([7,8,9])", 69);
    values("LET ps = [Point(x: 1), Point(x: 2)]  FOR EACH p IN ps { ps[1].x = 9  INT(p.x) }")
        .done("INT(1) INT(2)", 80);
}

#[test]
fn length() {
    values("LET a = [4, 5, 6]  INT(len(a))").done("INT(3)", 23);
}

#[test]
fn values_are_compared_by_what_they_hold() {
    values(
        "LET a = Point(x: 1)  LET b = Point(x: 1)  LET c = Point(x: 2)
         BOOL(a == b)  BOOL(a == c)  BOOL(a != c)  BOOL([1, 2] == [1, 2])  BOOL([1, 2] == [1, 2, 3])",
    )
    .done("BOOL(true) BOOL(false) BOOL(true) BOOL(true) BOOL(false)", 139);
}

#[test]
fn optionals() {
    values(
        r#"LET a = Shape(name: "a", at: Point(x: 1))
           LET b = Shape(name: "b", at: Point(x: 1), note: "hello")
           TEXT(a.note ?? "none")  TEXT(b.note ?? "none")
           IF LET note = a.note { TEXT(note) } ELSE { TEXT("no") }
           IF LET note = b.note { TEXT(note) } ELSE { TEXT("no") }
           BOOL(a.note == NONE)  BOOL(b.note != NONE)  BOOL(a.note == b.note)
           a.note = "hello"
           BOOL(a.note == b.note)"#,
    )
    .done("TEXT(none) TEXT(hello) TEXT(no) TEXT(hello) BOOL(true) BOOL(true) BOOL(false) BOOL(true)", 171);
}

#[test]
fn a_function_does_not_change_what_it_was_given() {
    let text = format!(
        "{HEAD}
        FUNC moved(p: Point) -> Point {{ LET q = p  q.x += 10  RETURN q }}
        FUNC same(p: Point) -> Point {{ RETURN p }}
        FUNC main() {{
          LET a = Point(x: 1)
          LET b = moved(a)
          LET c = same(a)
          c.x = 5
          a.y = 0
          POINT(a)  POINT(b)  POINT(c)
        }}"
    );
    program(&text).done(r#"POINT({"x":1,"y":0}) POINT({"x":11,"y":7}) POINT({"x":5,"y":7})"#, 72);
}

#[test]
fn a_row_of_an_input_is_copied_before_it_is_written() {
    let text = format!(
        "{HEAD} INPUT shapes: list<Shape> MAX 9
        FUNC main() {{
          FOR EACH shape IN shapes {{
            LET mine = shape
            mine.at.x += 1
            mine.sides[0] = 0
            INT(mine.at.x)  INT(shape.at.x)  LIST(mine.sides)  LIST(shape.sides)
          }}
        }}"
    );
    Program::of(&text)
        .input(r#"{"shapes": [{"name": "s", "at": {"x": 1}, "sides": [4, 5]}]}"#)
        .run()
        .done("INT(2) INT(1) LIST([0,5]) LIST([4,5])", 80);
}

#[test]
fn a_list_may_stand_where_more_items_are_admitted() {
    let text = "
        INPUT few: list<int> MAX 3
        ACTION INT(value: int)
        FUNC total(numbers: list<int>) -> int { RETURN SUM n FOR n IN numbers }
        FUNC main() { INT(total(few))  INT(total([1, 2]))  BOOL(few == [1, 2, 3]) }
        ACTION BOOL(value: bool)";
    Program::of(text).input(r#"{"few": [1, 2, 3]}"#).run().done("INT(6) INT(3) BOOL(true)", 94);
}
