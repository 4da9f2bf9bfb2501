use serde_json::{Value, json};

use super::*;
use crate::Scope;
use tieline_core::JsonMap;

fn roots(payload: Value) -> Roots {
    let mut roots = Roots::new(Scope {
        payload,
        contact: json!({"attributes": {"tier": "gold"}, "queue": null}),
        region: Some("US".into()),
        ..Scope::default()
    });
    let mut outputs = JsonMap::new();
    outputs.insert("value".into(), "+12025550143".into());
    roots.step_done("uid-54", outputs.clone());
    roots.step_done("number", outputs);
    roots
}

fn evaluate(source: &str, payload: Value) -> Evaluated {
    Expression::compile(source)
        .unwrap_or_else(|error| panic!("{source}: {}", error.message))
        .evaluate(&roots(payload))
}

fn value(source: &str) -> Value {
    let it =
        evaluate(source, json!({"a": "A", "n": 3, "half": 0.5, "list": [1, 2, 3], "none": null, "text": ""}));
    assert_eq!(it.error, None, "{source}");
    it.value.unwrap_or_else(|| panic!("{source} is absent: {:?}", it.notes))
}

fn refused(source: &str) -> (&'static str, String) {
    let error = Expression::compile(source).err().unwrap_or_else(|| panic!("{source} compiles"));
    (error.code, error.message)
}

#[test]
fn whole_numbers_are_int_and_others_double() {
    assert_eq!(value("payload.n + 1"), json!(4));
    assert_eq!(value("payload.n == 3 && type(payload.n) == int"), json!(true));
    assert_eq!(value("payload.half + 1.0"), json!(1.5));
    assert_eq!(value("payload.list.map(x, x * 2)"), json!([2, 4, 6]));
    assert_eq!(value("type(payload.n) == uint"), json!(false));
    assert_eq!(
        evaluate("payload.big", json!({"big": u64::MAX})).value.unwrap().as_f64(),
        Some(18_446_744_073_709_552_000.0)
    );
}

#[test]
fn a_step_with_hyphens_is_reached_by_index() {
    assert_eq!(value("steps[\"uid-54\"].value"), json!("+12025550143"));
    assert_eq!(value("steps['uid-54'][\"value\"]"), json!("+12025550143"));
    assert_eq!(value("'to ' + steps.number.value"), json!("to +12025550143"));
    assert_eq!(value("size(steps)"), json!(2));
    let expression = Expression::compile("steps['uid-54'].value + steps.number.value").unwrap();
    assert_eq!(
        expression.steps(),
        [("uid-54".to_owned(), Some("value".to_owned())), ("number".to_owned(), Some("value".to_owned()))]
    );
}

#[test]
fn the_added_functions_take_what_is_absent() {
    assert_eq!(value("text(payload.n)"), json!("3"));
    assert_eq!(
        value("text(payload.half) + text(true) + text(payload.none) + text(payload.missing.deep)"),
        json!("0.5true")
    );
    assert_eq!(value("text(payload.list)"), json!("[1,2,3]"));
    assert_eq!(value("text(1.0)"), json!("1"));
    assert_eq!(value("number('42') + 1"), json!(43));
    assert_eq!(value("number(' 1.5 ')"), json!(1.5));
    assert_eq!(value("default(number('many'), 7)"), json!(7));
    assert_eq!(value("default(payload.missing, 'x')"), json!("x"));
    assert_eq!(value("default(payload.none, 'x')"), json!("x"));
    assert_eq!(value("default(payload.text, 'x')"), json!(""));
    assert_eq!(value("default(payload.a, 'x')"), json!("A"));
    assert_eq!(value("default(steps['gone'].value, default(steps.gone, 'y'))"), json!("y"));
    assert_eq!(value("default(payload.list[9], 0)"), json!(0));
    assert_eq!(value("default(payload.list[1], 0)"), json!(2));
    assert_eq!(
        value("[empty(payload.missing), empty(payload.none), empty(payload.text), empty([]), empty({})]"),
        json!([true, true, true, true, true])
    );
    assert_eq!(value("[empty(payload.a), empty(0), empty(false)]"), json!([false, false, false]));
    assert_eq!(value("e164('(202) 555-0143', 'US')"), json!("+12025550143"));
    assert_eq!(value("e164('020 7946 0018', 'GB')"), json!("+442079460018"));
    assert_eq!(value("e164('2025550143')"), json!("+12025550143"));
    assert_eq!(
        value("default(e164(payload.missing), 'none') + default(e164('anonymous', 'US'), 'none')"),
        json!("nonenone")
    );
}

#[test]
fn text_stays_text_and_patterns_are_bounded() {
    assert_eq!(value("'+12025550143'.matches('^[+]1')"), json!(true));
    assert_eq!(value("matches(payload.a, 'b')"), json!(false));
    assert_eq!(value("'2026-11-20'"), json!("2026-11-20"));
    assert_eq!(refused("'a'.matches(payload.a)").0, "expression.pattern");
    assert_eq!(refused("'a'.matches('(')").0, "expression.pattern");
    assert_eq!(refused("'a'.matches('(a{900}){900}')").0, "expression.pattern");
}

#[test]
fn what_is_not_there_is_absent_and_noted() {
    for source in [
        "payload.missing",
        "steps.gone.value",
        "payload.list[7]",
        "contact.nothing",
        "agent.name",
        "properties.x",
    ] {
        let it = evaluate(source, json!({"list": []}));
        assert_eq!((it.value, it.error, it.notes.len()), (None, None, 1), "{source}");
    }
}

#[test]
fn mistakes_at_run_time_are_errors_without_the_data() {
    for (source, why) in [
        ("1 / 0", "division by zero"),
        ("9223372036854775807 + 1", "the number is too large"),
        ("'a' + 1", "`+` does not take string and int; text(…) makes text"),
        ("payload.a + payload.list", "`+` does not take string and list; text(…) makes text"),
        ("0.0 / 0.0", "the result is not a finite number"),
        ("type(1)", "the result is a type, not a value"),
    ] {
        let it = evaluate(source, json!({"a": "secret", "list": []}));
        assert_eq!((it.value, it.error.as_deref()), (None, Some(why)), "{source}");
    }
}

#[test]
fn the_edges_of_numbers_and_lists_are_errors_and_never_a_panic() {
    for source in [
        "(-9223372036854775807 - 1) / -1",
        "(-9223372036854775807 - 1) % -1",
        "-(-9223372036854775807 - 1)",
        "9223372036854775807 * 2",
        "1 % 0",
        "1u - 2u",
        "18446744073709551615u + 1u",
        "int(1e300)",
        "int(0.0 / 0.0)",
        "uint(-1)",
        "int('9223372036854775808')",
        "double('x')",
        "bool('maybe')",
        "string(b'\\xff')",
        "b'\\xff'",
        "payload.list[0.5]",
        "payload.list['a']",
        "payload.a[0]",
        "payload.list < payload.list",
        "null + null",
        "!payload.n",
        "-payload.a",
        "payload.n ? 1 : 2",
        "payload.n && true",
        "{1.5: 2}",
        "{'a': 1, 'a': 2}",
        "payload.n.contains('a')",
        "payload.n.matches('a')",
        "optional.of(1)",
        "dyn(1) in 5",
        "5.map(x, x)",
    ] {
        if let Ok(expression) = Expression::compile(source) {
            let it = expression.evaluate(&roots(json!({"a": "A", "n": 3, "list": [1]})));
            assert!(
                it.error.as_deref().is_some_and(|why| why != "it could not be evaluated"),
                "{source}: {it:?}"
            );
        }
    }
    for source in ["payload.list[-1]", "payload.list[9223372036854775807]"] {
        assert_eq!(evaluate(source, json!({"list": [1]})).value, None, "{source}");
    }
}

#[test]
fn an_operand_that_failed_inside_a_condition_is_noted() {
    let it = evaluate("payload.typo == 'x' || payload.a == 'A'", json!({"a": "A"}));
    assert_eq!(it.value, Some(json!(true)));
    assert_eq!(it.notes, ["an operand of `||` failed: there is no `typo`"]);
    let it = evaluate("payload.typo == 'x' && payload.a == 'B'", json!({"a": "A"}));
    assert_eq!(it.value, Some(json!(false)));
    assert_eq!(it.notes, ["an operand of `&&` failed: there is no `typo`"]);
    let quiet = evaluate("has(payload.typo) && payload.typo == 'x'", json!({}));
    assert_eq!((quiet.value, quiet.notes.len()), (Some(json!(false)), 0));
}

#[test]
fn only_what_exists_compiles() {
    for (source, code, message) in [
        ("", "expression.empty", "there is nothing behind the `=`"),
        (
            "number + 1",
            "expression.name",
            "`number` does not exist; names begin with steps, event, payload, contact, agent, properties",
        ),
        ("lower(payload.a)", "expression.function", "there is no function `lower`"),
        ("payload.a.upper()", "expression.function", "there is no function `upper`"),
        ("default(payload.a)", "expression.compile", "`default` takes two values"),
        ("text()", "expression.compile", "`text` takes one value"),
        ("Message{a: 1}", "expression.compile", "structures are not available; write a map: {'name': value}"),
        ("[1].map(x, [2].map(y, x + y))", "expression.nested", "a loop inside a loop is not allowed"),
    ] {
        assert_eq!(refused(source), (code, message.to_owned()), "{source}");
    }
    for source in [
        "1 +",
        "payload.",
        "'open",
        "a b",
        "payload[",
        "@add(1, 2)",
        "x.@range()",
        "payload.?a",
        "{1: 2",
        "\u{0}",
    ] {
        let code = refused(source).0;
        assert!(code == "expression.compile" || code == "expression.name", "{source}: {code}");
    }
}

#[test]
fn sources_are_bounded_before_and_after_they_are_read() {
    assert_eq!(refused(&format!("'{}'", "x".repeat(SOURCE_BYTES))).0, "expression.too_long");
    assert_eq!(refused(&vec!["1"; 150].join("+")).0, "expression.too_long");
    assert_eq!(refused(&vec!["1"; 500].join("+")).0, "expression.too_long");
    assert!(refused(&"(".repeat(2000)).0.starts_with("expression."));
    assert!(refused(&"[".repeat(300)).0.starts_with("expression."));
    assert!(refused(&"!".repeat(2000)).0.starts_with("expression."));
    assert_eq!(value(&format!("{}1", "-".repeat(390))), json!(1));
    assert!(Expression::compile(&vec!["payload.a"; 40].join("+")).is_ok());
}

/// A worker thread of the server has 2 MiB of stack; half of it must do.
#[test]
fn the_deepest_expressions_fit_into_half_a_worker_threads_stack() {
    let work = || {
        let deep = [
            vec!["1"; 39].join("+"),
            vec!["1"; 99].join("+"),
            vec!["true"; 95].join("&&"),
            vec!["true"; 60].join("?false:") + "?1:2",
            format!("{}1{}", "(".repeat(23), ")".repeat(23)),
            format!("{}1{}", "[".repeat(23), "]".repeat(23)),
            format!("payload{}", ".a".repeat(190)),
            format!("{}1{}", "text(".repeat(22), ")".repeat(22)),
            format!("{}1", "-".repeat(390)),
            format!("{}true", "!".repeat(390)),
            format!("payload{}", "['a']".repeat(60)),
        ];
        for source in deep {
            if let Ok(expression) = Expression::compile(&source) {
                expression.evaluate(&roots(json!({"a": "A"})));
            }
        }
    };
    std::thread::Builder::new().stack_size(1024 * 1024).spawn(work).unwrap().join().unwrap();
}

#[test]
fn evaluation_cannot_run_away() {
    let text = "x".repeat(60_000);
    let list: Vec<Value> = (0..1000).map(|n| json!(n)).collect();
    let many: Vec<Value> = (0..1001).map(|n| json!(n)).collect();
    let data = json!({"text": text, "list": list, "many": many});
    for (source, why) in [
        ("payload.list.map(x, payload.text + payload.text)", "the expression builds too much"),
        (&vec!["payload.text"; 40].join("+"), "the expression builds too much"),
        ("payload.list.map(x, text(payload.list))", "the expression builds too much"),
        ("payload.many.map(x, x)", "a list of more than 1000 elements is too long to go through"),
        ("payload.list.map(x, payload.text)", "the result is too large"),
    ] {
        let it = evaluate(source, data.clone());
        assert_eq!(it.error.as_deref(), Some(why), "{source}");
    }
    // Going through the whole list is fine as long as little is built.
    assert_eq!(evaluate("payload.list.filter(x, x % 2 == 0).size()", data.clone()).value, Some(json!(500)));
    assert_eq!(
        evaluate("payload.list.exists(x, payload.text.contains('y'))", data).value,
        Some(json!(false))
    );
}

#[test]
fn hostile_data_is_an_error_and_never_a_panic() {
    let mut deep = json!(1);
    for _ in 0..120 {
        deep = json!({"a": deep});
    }
    assert!(evaluate("payload.a", deep.clone()).value.is_some());
    for _ in 0..200 {
        deep = json!({"a": deep});
    }
    assert_eq!(
        evaluate("payload.a", deep).error.as_deref(),
        Some("the data is nested too deeply for an expression")
    );
    let wide = json!({"rows": vec![0; 30_000]});
    assert_eq!(
        evaluate("size(payload.rows)", wide).error.as_deref(),
        Some("there is too much data for an expression")
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_compiles_or_says_why(source in "[ -~]{0,80}|\\PC{0,40}") {
        if let Ok(expression) = Expression::compile(&source) {
            expression.evaluate(&roots(json!({"a": "A", "n": 3, "list": [1, 2, 3]})));
        }
    }

    #[test]
    fn anything_that_looks_like_an_expression_evaluates_or_says_why(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "payload.a", "payload.n", "payload.list", "steps.number.value", "'t'", "1", "1.5", "0", "-", "!", "+", "*",
            "/", "%", "==", "<", "&&", "||", "?", ":", "(", ")", "[", "]", ",", "in", "text(", "number(", "default(",
            "empty(", "e164(", ".size()", ".map(x,", "x", ".exists(y,", "y", "{", "}", ".contains(", ".matches('a')",
            "true", "null", "int(", "string(", "b'x'", "9223372036854775807", "1u", "has(payload.a)", "double(",
        ]), 0..14)
    ) {
        if let Ok(expression) = Expression::compile(&parts.concat()) {
            expression.evaluate(&roots(json!({"a": "A", "n": 3, "list": [1, 2, 3]})));
        }
    }
}
