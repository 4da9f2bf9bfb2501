//! Historical reports: the CSV files a schedule puts into the instance's bucket.
//!
//! Columns are the metrics somebody chose, so they are found by their header, never by place. What
//! a spreadsheet or an editor does to a file on its way is undone: a byte-order mark (also before a
//! quoted header), `\r\n`, blank lines, blanks around a header. One bad row is one failure with its
//! line; a file that is damaged as a whole is refused as a whole.
//!
//! [`Report::rows`] also names each row: the id under which the CRM keeps it. See [`Kind`].
//!
//! Amazon Connect Administrator Guide, "Schedule a historical metrics report" and "Save a historical
//! metrics report" (read 2026-11-21); the delimiter is not documented there.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use tieline_core::{JsonMap, hex};

use crate::storage_event::CreatedObject;

/// What a report is about, and so which column names its rows.
///
/// The id of a row is name and begin of the interval, as the reference functions write it, so that
/// rows they wrote are found again: an agent's name as it is, a queue's without every character
/// that is no letter, digit or `_`. Where that would give two names of one file the same id
/// (`A-B` and `AB`), the name that is its own id keeps it, and every other gets `~` and ten digits of
/// its hash behind it; so does a name of which nothing is left (`***`). A row without a name has no
/// id at all and is refused: two of them could not be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Agent,
    Queue,
}

impl Kind {
    /// The name of the field map of its rows.
    pub fn map(self) -> &'static str {
        match self {
            Self::Agent => "agent-report",
            Self::Queue => "queue-report",
        }
    }

    /// The header of the column with the name, in lower case.
    fn name_column(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Queue => "queue",
        }
    }

    /// The part of a row's id that stands for `name`.
    fn id_part(self, name: &str) -> String {
        match self {
            Self::Agent => without_percent(name),
            Self::Queue => NO_WORD.replace_all(name, "").into_owned(),
        }
    }
}

/// As Python's `\W`: marks such as vowel signs are no word characters there.
static NO_WORD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[^\p{L}\p{N}_]+").expect("the pattern is valid"));

const INTERVAL_COLUMN: &str = "startinterval";

/// Most bytes of a report that are read; one of 1,000 rows has about a third of a megabyte.
pub const LARGEST: usize = 32 * 1024 * 1024;

/// A file, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Cleaned headers in lower case: without parentheses, byte-order marks and surrounding blanks.
    columns: Vec<String>,
    lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    number: u64,
    values: Vec<String>,
}

/// One row that can be written.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportRow {
    /// Where it begins in the file; the header is line 1.
    pub line: u64,
    /// Values by header in lower case: text without `%`, or null where there was none.
    pub values: Map<String, Value>,
    id: String,
    /// What tells it from others of the same id.
    mark: Option<String>,
}

impl ReportRow {
    /// The id under which the row is kept: `jane2024-02-28T23:00:00Z`, with the region behind it in
    /// an org that tells regions apart.
    pub fn record_id(&self, region: Option<&str>) -> String {
        let mut id = format!("{}{}", self.id, region.unwrap_or_default());
        if let Some(mark) = &self.mark {
            id.push('~');
            id.push_str(mark);
        }
        id
    }
}

impl ReportRow {
    /// What the field map takes beside the row's values: its id, and when the file came, in S3's
    /// words or else `received_at`.
    pub fn extra(&self, object: &CreatedObject, received_at: Timestamp, region: Option<&str>) -> JsonMap {
        let created = object.time.clone().unwrap_or_else(|| format!("{received_at:.3}"));
        JsonMap::from_iter([
            ("record_id".to_owned(), self.record_id(region).into()),
            ("created".to_owned(), created.into()),
        ])
    }
}

/// A row that cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowProblem {
    pub line: u64,
    pub code: RowCode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowCode {
    /// Fewer values than headers.
    TooShort,
    TooLong,
    /// Nobody's and no queue's name.
    NoName,
    NoInterval,
}

impl RowCode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooShort => "report.row_too_short",
            Self::TooLong => "report.row_too_long",
            Self::NoName => "report.row_without_name",
            Self::NoInterval => "report.row_without_interval",
        }
    }
}

/// Why a file is no report. The texts say where and never what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    #[error("the file is not UTF-8: byte {0} belongs to no character")]
    NotUtf8(usize),
    #[error("the file is UTF-16; a report is UTF-8")]
    Utf16,
    #[error("line {0}: a quote is opened and never closed, so the file is damaged or cut off")]
    OpenQuote(u64),
    #[error("the report has no column `{0}`")]
    NoColumn(&'static str),
}

impl ReportError {
    /// Our code for it: a page of `docs/errors`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotUtf8(_) | Self::Utf16 => "report.not_utf8",
            Self::OpenQuote(_) => "report.open_quote",
            Self::NoColumn(_) => "report.no_column",
        }
    }
}

/// The rows of a report in its order, and what of it cannot be written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    pub rows: Vec<ReportRow>,
    pub problems: Vec<RowProblem>,
    /// Lines of rows that a later one of the same name and interval replaces.
    pub superseded: Vec<u64>,
}

impl Report {
    /// Takes a file apart. An empty file is a report without rows.
    ///
    /// # Errors
    ///
    /// [`ReportError`] when the file as a whole cannot be read.
    pub fn read(bytes: &[u8]) -> Result<Self, ReportError> {
        if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
            return Err(ReportError::Utf16);
        }
        let text = str::from_utf8(bytes).map_err(|error| ReportError::NotUtf8(error.valid_up_to()))?;
        // Before anything else, or a quote behind it would be an ordinary character.
        let text = text.trim_start_matches('\u{FEFF}');
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let mut lines = Vec::new();
        let mut last = Place { begin: 0, line: 1 };
        let mut record = csv::StringRecord::new();
        // It is UTF-8 and rows may be of any length, so nothing is left that reading could refuse.
        while reader.read_record(&mut record).unwrap_or(false) {
            last = last.next(text, record.position());
            let number = last.line;
            // A line of blanks, or what a spreadsheet leaves of a row that was deleted.
            if record.iter().any(|value| !value.trim().is_empty()) {
                lines.push(Line { number, values: record.iter().map(str::to_owned).collect() });
            }
        }
        let rest = text.get(last.begin..).unwrap_or_default();
        // A quote within a value is an ordinary character.
        let opens = rest.starts_with('"') || rest.contains(",\"");
        if opens && rest.matches('"').count() % 2 == 1 {
            return Err(ReportError::OpenQuote(last.line));
        }
        let columns = if lines.is_empty() { Vec::new() } else { lines.remove(0).values };
        Ok(Self { columns: columns.iter().map(|header| clean(header)).collect(), lines })
    }

    /// Which of `kinds` its header tells it is, the first that may be; `None` for a report of nobody.
    pub(crate) fn kind(&self, kinds: &[Kind]) -> Option<Kind> {
        let is = |kind: &Kind| self.columns.iter().any(|column| column == kind.name_column());
        kinds.iter().copied().find(is)
    }

    /// Whether there is nothing in it, not even a header.
    pub(crate) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Names and values of the rows.
    ///
    /// # Errors
    ///
    /// [`ReportError::NoColumn`] when the report does not say whom its rows are about, or when.
    pub fn rows(&self, kind: Kind) -> Result<Rows, ReportError> {
        let mut found = Rows::default();
        if self.columns.is_empty() {
            return Ok(found);
        }
        // Of two columns of one name the last counts, as in the reference.
        let place = |name| self.columns.iter().rposition(|column| column == name);
        let name = place(kind.name_column()).ok_or(ReportError::NoColumn(kind.name_column()))?;
        let interval = place(INTERVAL_COLUMN).ok_or(ReportError::NoColumn("StartInterval"))?;

        let mut good = Vec::new();
        for line in &self.lines {
            let problem = match line.values.len().cmp(&self.columns.len()) {
                std::cmp::Ordering::Less => Some(RowCode::TooShort),
                std::cmp::Ordering::Greater => Some(RowCode::TooLong),
                std::cmp::Ordering::Equal if line.values[name].trim().is_empty() => Some(RowCode::NoName),
                std::cmp::Ordering::Equal if line.values[interval].trim().is_empty() => {
                    Some(RowCode::NoInterval)
                }
                std::cmp::Ordering::Equal => None,
            };
            match problem {
                Some(code) => found.problems.push(RowProblem { line: line.number, code }),
                None => good.push(line),
            }
        }
        let names: BTreeSet<&str> = good.iter().map(|line| line.values[name].as_str()).collect();
        let marked = marked(kind, &names);
        let rows = good.iter().map(|line| {
            let (name, interval) = (line.values[name].as_str(), without_percent(&line.values[interval]));
            ReportRow {
                line: line.number,
                id: format!("{}{interval}", kind.id_part(name)),
                mark: marked.contains(name).then(|| mark(name)),
                values: self.values(line),
            }
        });
        let whole = good.iter().map(|line| (line.values[name].as_str(), line.values[interval].as_str()));
        found.keep_the_last(whole.zip(rows).collect());
        Ok(found)
    }

    fn values(&self, line: &Line) -> Map<String, Value> {
        // Nothing clears the field; of a lone percent sign the reference leaves the empty text.
        let value = |text: &str| if text.is_empty() { Value::Null } else { without_percent(text).into() };
        self.columns.iter().cloned().zip(line.values.iter().map(|text| value(text))).collect()
    }
}

/// Where a row begins.
#[derive(Debug, Clone, Copy)]
struct Place {
    begin: usize,
    line: u64,
}

impl Place {
    /// The reader's own place is in front of what is left of the last line's end and of blank lines,
    /// and it counts no `\r`.
    fn next(self, text: &str, reader: Option<&csv::Position>) -> Self {
        let at = reader.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(self.begin);
        let rest = text.get(at..).unwrap_or_default();
        let begin = at + rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        let passed = text.get(self.begin..begin).unwrap_or_default();
        let ends = passed.matches(['\r', '\n']).count() - passed.matches("\r\n").count();
        Self { begin, line: self.line + ends as u64 }
    }
}

impl Rows {
    /// One row per id: the CRM refuses two of one key in one request. The same name and interval
    /// again is a newer state of the same row; where only the ids happen to be equal, the later one
    /// is marked.
    fn keep_the_last(&mut self, rows: Vec<((&str, &str), ReportRow)>) {
        let mut places: HashMap<String, (usize, (&str, &str))> = HashMap::new();
        for (whole, mut row) in rows {
            if places.get(&row.record_id(None)).is_some_and(|(_, other)| *other != whole) {
                row.mark = Some(mark(&format!("{}\0{}", whole.0, whole.1)));
            }
            if let Some((place, _)) = places.get(&row.record_id(None)) {
                self.superseded.push(self.rows[*place].line);
                self.rows[*place] = row;
            } else {
                places.insert(row.record_id(None), (self.rows.len(), whole));
                self.rows.push(row);
            }
        }
    }
}

/// Names whose id would be another's, or nothing.
fn marked<'a>(kind: Kind, names: &BTreeSet<&'a str>) -> HashSet<&'a str> {
    let mut by_id: HashMap<String, Vec<&str>> = HashMap::new();
    for name in names {
        by_id.entry(kind.id_part(name)).or_default().push(name);
    }
    by_id
        .into_iter()
        .filter(|(id, names)| names.len() > 1 || id.is_empty())
        .flat_map(|(id, names)| names.into_iter().filter(move |name| *name != id))
        .collect()
}

fn mark(name: &str) -> String {
    let mut digits = hex(&Sha256::digest(name.as_bytes()));
    digits.truncate(10);
    digits
}

fn clean(header: &str) -> String {
    let header: String = header.chars().filter(|c| !matches!(c, '(' | ')' | '\u{FEFF}')).collect();
    header.trim().to_lowercase()
}

/// The CRM's percent fields hold numbers.
fn without_percent(text: &str) -> String {
    text.replace('%', "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rows(kind: Kind, text: &str) -> Rows {
        Report::read(text.as_bytes()).unwrap().rows(kind).unwrap()
    }

    fn ids(kind: Kind, text: &str) -> Vec<String> {
        rows(kind, text).rows.iter().map(|row| row.record_id(Some("us-west-2"))).collect()
    }

    #[test]
    fn a_place_is_the_same_whatever_ends_the_lines() {
        for end in ["\n", "\r\n", "\r", "\n\n", "\r\n\r\n"] {
            let file = |lines: &[&str]| lines.join(end);
            let blanks = end.len() > 1 && end != "\r\n";
            let line = |number: u64| if blanks { number * 2 - 1 } else { number };
            let found = rows(Kind::Agent, &file(&["Agent,StartInterval", "jane,T1", "joe", "ann,T2"]));
            let places: Vec<u64> = found.rows.iter().map(|row| row.line).collect();
            assert_eq!((places, found.problems[0].line), (vec![line(2), line(4)], line(3)), "{end:?}");
            assert_eq!(
                Report::read(file(&["Agent,StartInterval", "jane,T1", "\"joe,T1"]).as_bytes()),
                Err(ReportError::OpenQuote(line(3))),
                "{end:?}"
            );
        }
        let found = rows(Kind::Agent, "Agent,StartInterval\r\n\"ja\r\nne\",T1\r\njoe,T1\r\n");
        assert_eq!(found.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn a_file_is_read_whatever_an_editor_did_to_it() {
        for text in [
            "Agent,StartInterval,Occupancy\njane,T1,85.5%\n",
            "\u{FEFF}Agent,StartInterval,Occupancy\njane,T1,85.5%",
            "\u{FEFF}\"Agent\",\"StartInterval\",\"Occupancy\"\r\n\"jane\",\"T1\",\"85.5%\"\r\n\r\n",
            "\n \nAGENT,(StartInterval) ,Occupancy\n\n,,\njane,T1,85.5%\n   \n",
        ] {
            let found = rows(Kind::Agent, text);
            assert!(found.problems.is_empty(), "{text:?}");
            let values: Vec<_> = found.rows.iter().map(|row| Value::Object(row.values.clone())).collect();
            assert_eq!(
                values,
                [json!({"agent": "jane", "startinterval": "T1", "occupancy": "85.5"})],
                "{text:?}"
            );
        }
    }

    #[test]
    fn quotes_hold_commas_quotes_and_new_lines() {
        let found =
            rows(Kind::Agent, "Agent,StartInterval,Note\n\"O'Neil, \"\"J\"\"\",T1,\"a\nb\"\nbob,T1,%\n");
        assert_eq!(found.rows[0].values["agent"], "O'Neil, \"J\"");
        assert_eq!(found.rows[0].values["note"], "a\nb");
        assert_eq!((found.rows[0].line, found.rows[1].line), (2, 4));
        assert_eq!(found.rows[1].values["note"], "", "nothing but a sign, as the reference has it");
    }

    #[test]
    fn a_row_of_another_length_fails_alone() {
        let found = rows(
            Kind::Queue,
            "Queue,StartInterval,A\nSales\nSales,T1,1\nSales,T2,1,2\n,T3,1\nSales,,1\n  ,T4,1\n",
        );
        let problems: Vec<(u64, &str)> =
            found.problems.iter().map(|problem| (problem.line, problem.code.as_str())).collect();
        assert_eq!(
            problems,
            [
                (2, "report.row_too_short"),
                (4, "report.row_too_long"),
                (5, "report.row_without_name"),
                (6, "report.row_without_interval"),
                (7, "report.row_without_name"),
            ]
        );
        assert_eq!(found.rows.len(), 1);
    }

    #[test]
    fn a_file_that_is_damaged_as_a_whole_is_refused_as_a_whole() {
        assert_eq!(Report::read(b"Agent,StartInterval\nj\xFF,T1"), Err(ReportError::NotUtf8(21)));
        assert_eq!(Report::read(b"\xFF\xFEA\0"), Err(ReportError::Utf16));
        assert_eq!(
            Report::read(b"Agent,StartInterval\na,T1\n\"b,T1\nc,T1\n"),
            Err(ReportError::OpenQuote(3)),
            "a row would be lost in the quote"
        );
        assert!(Report::read(b"Agent,StartInterval\nJ\"B,T1").is_ok(), "a quote within a value");
        let report = Report::read(b"Queue,StartInterval\nSales,T1\n").unwrap();
        assert_eq!(report.rows(Kind::Agent), Err(ReportError::NoColumn("agent")));
        let report = Report::read(b"Queue,EndInterval\nSales,T1\n").unwrap();
        assert_eq!(report.rows(Kind::Queue), Err(ReportError::NoColumn("StartInterval")));
        for empty in ["", "\u{FEFF}", "\r\n", "Agent,StartInterval\n"] {
            assert_eq!(rows(Kind::Agent, empty), Rows::default(), "{empty:?}");
        }
    }

    #[test]
    fn ids_are_those_the_reference_wrote() {
        assert_eq!(
            ids(Kind::Agent, "Agent,StartInterval\n\"O'Neil, J\",2024-02-28T23:00:00Z\na/b?c#d,T1\n50%,T1\n"),
            ["O'Neil, J2024-02-28T23:00:00Zus-west-2", "a/b?c#dT1us-west-2", "50T1us-west-2"]
        );
        assert_eq!(
            ids(
                Kind::Queue,
                "Queue,StartInterval\nBilling - Tier/1 (US) & Co_2,T1\nZoë 東京,T1\nहिंदी ①,T1\n"
            ),
            ["BillingTier1USCo_2T1us-west-2", "Zoë東京T1us-west-2", "हद①T1us-west-2"],
            "vowel signs are no word characters in Python"
        );
        assert_eq!(rows(Kind::Agent, "Agent,StartInterval\njane,T1").rows[0].record_id(None), "janeT1");
    }

    #[test]
    fn names_that_come_to_the_same_id_do_not_overwrite_each_other() {
        let found = ids(Kind::Queue, "Queue,StartInterval\nA-B,T1\nAB,T1\nA B,T1\nA-B,T2\nC-D,T1\n");
        assert_eq!(found[1], "ABT1us-west-2", "the one that is its own id keeps it");
        assert_eq!(found[4], "CDT1us-west-2", "and so does one that is alone");
        assert!(found[0].starts_with("ABT1us-west-2~") && found[3].starts_with("ABT2us-west-2~"));
        assert_eq!(found[0].split_once('~').unwrap().1, found[3].split_once('~').unwrap().1);
        let symbols = ids(Kind::Queue, "Queue,StartInterval\n***,T1\n---,T1\n");
        assert!(symbols.iter().all(|id| id.starts_with("T1us-west-2~")) && symbols[0] != symbols[1]);
        assert_eq!(ids(Kind::Queue, "Queue,StartInterval\n***,T1\n")[0], symbols[0], "alone or not");
        let signs = ids(Kind::Agent, "Agent,StartInterval\n5%,T1\n5,T1\n");
        assert_eq!(signs[1], "5T1us-west-2");
        assert!(signs[0].starts_with("5T1us-west-2~"));
    }

    #[test]
    fn the_last_row_of_a_name_and_interval_counts() {
        let found = rows(Kind::Queue, "Queue,StartInterval,A\nQ,T1,1\nR,T1,2\nQ,T1,3\n");
        assert_eq!(found.superseded, [2]);
        let kept: Vec<(u64, &Value)> = found.rows.iter().map(|row| (row.line, &row.values["a"])).collect();
        assert_eq!(kept, [(4, &json!("3")), (3, &json!("2"))]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_rows_or_a_reason(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(report) = Report::read(&bytes) {
                let _ = report.rows(Kind::Agent);
            }
        }

        #[test]
        fn no_two_rows_of_a_file_have_one_id(
            rows in prop::collection::vec(("[AB%*1 _é-]{1,3}", "[1T]{1,2}"), 1..12), queue in any::<bool>()
        ) {
            let mut text = "Agent,Queue,StartInterval\n".to_owned();
            for (name, interval) in &rows {
                text.extend(["\"", name, "\",\"", name, "\",", interval, "\n"]);
            }
            let kind = if queue { Kind::Queue } else { Kind::Agent };
            let found = Report::read(text.as_bytes()).unwrap().rows(kind).unwrap();
            let ids: HashSet<String> = found.rows.iter().map(|row| row.record_id(None)).collect();
            prop_assert_eq!(ids.len(), found.rows.len());
            let named: HashSet<_> = rows.iter().filter(|(name, _)| !name.trim().is_empty()).collect();
            prop_assert_eq!(found.rows.len(), named.len(), "every name and interval has a row");
        }
    }
}
