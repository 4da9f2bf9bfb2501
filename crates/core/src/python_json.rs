use std::fmt::Write;

use serde_json::{Number, Value};

/// JSON text as Python's `json.dumps` writes it with its defaults: `", "` and `": "` between,
/// members in their order, every character beyond printable ASCII as `\uXXXX`, floats as `repr`
/// has them.
///
/// Fields of the reference package that hold JSON text were written this way, and reports and
/// formulas over them compare texts.
pub fn python_json(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value);
    text
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push_str(", ");
                }
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (n, (name, item)) in members.iter().enumerate() {
                if n > 0 {
                    out.push_str(", ");
                }
                write_text(out, name);
                out.push_str(": ");
                write_value(out, item);
            }
            out.push('}');
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(letter),
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").expect("a String takes all");
                }
            }
        }
    }
    out.push('"');
}

fn write_number(out: &mut String, number: &Number) {
    let text = number.to_string();
    if number.is_f64() { out.push_str(&float_repr(&text)) } else { out.push_str(&text) }
}

/// `repr` of a float given in any decimal form: its digits, with an exponent of at least two
/// digits below 1e-4 and from 1e16 on.
fn float_repr(text: &str) -> String {
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0');
    let leading = all.len() - digits.len();
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return format!("{sign}0.0");
    }
    // Where the point stands, counted from before the first digit.
    let point = exponent.parse::<i64>().unwrap_or(0) + position(whole.len()) - position(leading);
    let count = position(digits.len());
    let zeros = |n: i64| "0".repeat(usize::try_from(n).unwrap_or(0));
    if !(-3..=16).contains(&point) {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let exponent = point - 1;
        let way = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{first}{dot}{rest}e{way}{:02}", exponent.abs());
    }
    if point <= 0 {
        format!("{sign}0.{}{digits}", zeros(-point))
    } else if point >= count {
        format!("{sign}{digits}{}.0", zeros(point - count))
    } else {
        let (before, after) = digits.split_at(usize::try_from(point).unwrap_or(0));
        format!("{sign}{before}.{after}")
    }
}

fn position(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use serde_json::json;

    use super::*;

    #[test]
    fn separators_escapes_and_numbers_are_python_s() {
        for (value, text) in [
            (json!(null), "null"),
            (json!({"b": [1, 1.0, true], "a": {}}), r#"{"b": [1, 1.0, true], "a": {}}"#),
            (json!("Sü\u{1f600}d\u{7f}\u{1}\n\"\\/"), r#""S\u00fc\ud83d\ude00d\u007f\u0001\n\"\\/""#),
            (
                json!([1e16, 1e15, 1e-4, 1e-5, 1.5e300, -0.0]),
                "[1e+16, 1000000000000000.0, 0.0001, 1e-05, 1.5e+300, -0.0]",
            ),
            (json!([0.1, 123_456.789, 1.0, 5e-324]), "[0.1, 123456.789, 1.0, 5e-324]"),
        ] {
            assert_eq!(python_json(&value), text);
        }
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter_map("finite", |float| Number::from_f64(float).map(Value::Number)),
            (-1e6..1e6f64).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// Python itself, on many documents, in one process.
    #[test]
    fn python_writes_the_same_text() {
        let program = "import json,sys\nfor l in sys.stdin: print(json.dumps(json.loads(l)))";
        let Ok(mut python) = Command::new("python3")
            .args(["-X", "utf8", "-c", program])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
        else {
            assert!(std::env::var_os("CI").is_none(), "CI needs python3");
            eprintln!("skipped: there is no python3");
            return;
        };
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let values: Vec<Value> =
            (0..2000).map(|_| json_value().new_tree(&mut runner).unwrap().current()).collect();
        let lines: Vec<String> = values.iter().map(Value::to_string).collect();
        let input = lines.join("\n");
        let mut stdin = python.stdin.take().unwrap();
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
        let output = python.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(output.status.success());
        let lines = String::from_utf8(output.stdout).unwrap();
        assert_eq!(lines.lines().count(), values.len());
        for (value, theirs) in values.iter().zip(lines.lines()) {
            assert_eq!(python_json(value), theirs);
        }
    }
}
