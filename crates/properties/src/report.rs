use std::collections::HashSet;

use serde_json::Value;
use tieline_amazon_connect::{Report, ReportKind};

use crate::input::{parts, text};

/// No two rows of a report have one id, in whichever region; values are text or null. What is quoted
/// is read back as it was. (any file; or five cells)
pub fn report(data: &[u8]) {
    if let Ok(report) = Report::read(data) {
        for kind in [ReportKind::Agent, ReportKind::Queue] {
            distinct(&report, kind);
        }
    }
    let input = text(data);
    quoted(parts(&input));
}

fn distinct(report: &Report, kind: ReportKind) {
    let Ok(found) = report.rows(kind) else { return };
    for region in [None, Some("eu-central-1")] {
        let mut ids = HashSet::new();
        for row in &found.rows {
            let id = row.record_id(region);
            assert!(!id.is_empty());
            assert!(ids.insert(id), "line {} has the id of another: {found:?}", row.line);
        }
    }
    for row in &found.rows {
        assert!(row.line > 1);
        for (header, value) in &row.values {
            assert!(!header.contains(['(', ')']), "{header}");
            let as_told = match value {
                Value::Null => true,
                Value::String(text) => !text.contains('%'),
                _ => false,
            };
            assert!(as_told, "{header}: {value}");
        }
    }
    assert!(found.problems.iter().all(|problem| problem.line > 1));
    assert!(found.superseded.iter().all(|line| *line > 1));
}

/// A row of cells in quotes, and the same row again.
fn quoted([agent, interval, first, second, third]: [&str; 5]) {
    let quote = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let row = [agent, interval, first, second, third].map(quote).join(",");
    let file = format!("Agent,StartInterval,First,Second,Third\r\n{row}\r\n{row}\r\n");
    let report = Report::read(file.as_bytes()).expect("a whole file");
    let found = report.rows(ReportKind::Agent).expect("the columns are there");
    if agent.trim().is_empty() || interval.trim().is_empty() {
        assert!(found.rows.is_empty());
        return;
    }
    let [found_row] = &found.rows[..] else { panic!("one row: {found:?}") };
    assert_eq!(found.superseded.len(), 1);
    for (name, cell) in [("agent", agent), ("first", first), ("second", second), ("third", third)] {
        let expected = if cell.is_empty() { Value::Null } else { Value::String(cell.replace('%', "")) };
        assert_eq!(found_row.values[name], expected, "{file:?}");
    }
}
