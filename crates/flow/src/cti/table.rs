//! Step ↔ block type, and the names of inputs and outputs on both sides.
//!
//! Block types and field names as seen in the published example flows; where none was published
//! the name follows the same style.

/// How one of our steps is written in a file.
pub(super) struct Row {
    /// Our name.
    pub step: &'static str,
    /// The block type.
    pub kind: &'static str,
    /// The title in the reference's list of blocks; hand-made files may use it as type.
    pub title: &'static str,
    /// Our name, theirs.
    pub inputs: &'static [(&'static str, &'static str)],
    /// Our name, theirs.
    pub outputs: &'static [(&'static str, &'static str)],
    /// Our output that stands for the whole result, where theirs is a bare value.
    pub whole: Option<&'static str>,
}

pub(super) const START: &str = "SE_Start";
pub(super) const END: &str = "SE_End";

/// What an unknown block is called in our documents: this, and its type.
pub(super) const FOREIGN: &str = "cti:";

/// A misspelling that files of old releases hold instead of the right name.
pub(super) const MISSPELT: [(&str, &str); 1] = [("TaskSubType", "TaskSubtype")];

pub(super) static TABLE: [Row; 15] = [
    Row {
        step: "contact.attribute",
        kind: "SE_ContactGetAttributeValue",
        title: "Get Contact Attribute",
        inputs: &[("name", "attributeName"), ("default", "defaultValue")],
        outputs: &[("value", "value")],
        whole: None,
    },
    Row {
        step: "contact.properties",
        kind: "SE_ContactProperties",
        title: "Get Contact Properties",
        inputs: &[],
        outputs: &[
            ("contact_id", "contactId"),
            ("type", "type"),
            ("channel", "channel"),
            ("queue", "queueName"),
            ("e164", "formattedPhoneNumber"),
            ("direction", "callType"),
            ("initiation", "initiationMethod"),
            ("is_monitor", "isMonitor"),
        ],
        whole: None,
    },
    Row {
        step: "contact.customer_number",
        kind: "SE_ContactCustomerPhoneNumber",
        title: "Get Customer Phone Number",
        inputs: &[],
        outputs: &[
            ("e164", "phone"),
            ("country", "country"),
            ("national", "nationalNumber"),
            ("withheld", "withheld"),
        ],
        whole: None,
    },
    Row {
        step: "phone.format",
        kind: "SE_CoreFormatPhoneNumber",
        title: "Format Phone Number",
        inputs: &[("number", "phoneNumber"), ("region", "countryCode")],
        outputs: &[("value", "value")],
        whole: None,
    },
    Row {
        step: "phone.format_e164",
        kind: "SE_CoreFormatPhoneNumberE164",
        title: "Format Phone Number (E164)",
        inputs: &[("number", "phoneNumber"), ("region", "countryCode")],
        outputs: &[("value", "value")],
        whole: None,
    },
    Row {
        step: "logic.is_truthy",
        kind: "SE_CoreTruthy",
        title: "Is Truthy?",
        inputs: &[("value", "value")],
        outputs: &[("value", "value")],
        whole: Some("value"),
    },
    Row {
        step: "crm.search_and_pop",
        kind: "SE_SFSearchAndScreenpop",
        title: "Search And Screenpop",
        inputs: &[
            ("search", "searchParams"),
            ("call_type", "callType"),
            ("query", "queryParams"),
            ("defaults", "defaultFieldValues"),
            ("deferred", "deferred"),
        ],
        outputs: &[("count", "count"), ("id", "id"), ("results", "results")],
        whole: None,
    },
    Row {
        step: "crm.pop_record",
        kind: "SE_SFScreenpopObject",
        title: "Screenpop Object",
        inputs: &[("record", "recordId"), ("quiet_when_empty", "noPopOnEmpty")],
        outputs: &[],
        whole: None,
    },
    Row {
        step: "crm.pop_new_record",
        kind: "SE_SFScreenpopNewRecord",
        title: "Screenpop New Record",
        inputs: &[("object", "entityName"), ("fields", "defaultFieldValues")],
        outputs: &[],
        whole: None,
    },
    Row {
        step: "crm.find_person",
        kind: "SE_SFGetContactId",
        title: "Get Salesforce Contact Id",
        inputs: &[("number", "formattedPhoneNumber"), ("field", "fieldName")],
        outputs: &[("id", "sfContactId"), ("count", "count")],
        whole: None,
    },
    Row {
        step: "crm.get_record",
        kind: "SE_SFRetrieve",
        title: "Retrieve Salesforce Record",
        inputs: &[("object", "type"), ("id", "id"), ("fields", "fields")],
        outputs: &[("record", "record")],
        whole: None,
    },
    Row {
        step: "value.extract",
        kind: "SE_CoreExtractValue",
        title: "Extract Value",
        inputs: &[("from", "targetField"), ("path", "keyPath")],
        outputs: &[("value", "value")],
        whole: None,
    },
    Row {
        step: "crm.create_task",
        kind: "SE_SFCreateTask",
        title: "Create a Task",
        inputs: &[
            ("contact", "CallObject"),
            ("type", "Type"),
            ("status", "Status"),
            ("priority", "Priority"),
            ("is_closed", "IsClosed"),
            ("subtype", "TaskSubtype"),
            ("who", "WhoId"),
            ("what", "WhatId"),
            ("disposition", "CallDisposition"),
            ("duration_secs", "CallDurationInSeconds"),
            ("call_type", "CallType"),
            ("activity_date", "ActivityDate"),
            ("subject1", "subject1"),
            ("subject2", "subject2"),
            ("subject3", "subject3"),
            ("fields", "otherTaskFields"),
        ],
        outputs: &[("id", "id"), ("values", "values")],
        whole: None,
    },
    Row {
        step: "phone.dial",
        kind: "SE_AgentDialNumber",
        title: "Dial Number",
        inputs: &[("number", "phoneNumber"), ("queue", "queueARN")],
        outputs: &[("contact_id", "contactId")],
        whole: None,
    },
    Row {
        step: "log",
        kind: "SE_Log",
        title: "Log to Console",
        inputs: &[("level", "level"), ("message", "message")],
        outputs: &[],
        whole: None,
    },
];

/// Published block types that have no step yet, with their titles.
const NOT_YET: [(&str, &str); 6] = [
    ("SE_GetProperty", "Get Property"),
    ("SE_SetProperty", "Set Property"),
    ("SE_ContactUpdateAttributes", "Update Contact Attributes"),
    ("SE_SFSaveLog", "Save (or Create) a Record"),
    ("SE_SFGetLeadId", "Get Salesforce Lead Id"),
    ("SE_SFCompleteHvsWorkWithTaskSaved", "Complete High Velocity Sales Work With Task Saved"),
];

/// The row of a block type or title.
pub(super) fn by_kind(kind: &str) -> Option<&'static Row> {
    let kind = kind.trim();
    TABLE.iter().find(|row| row.kind == kind || row.title.eq_ignore_ascii_case(kind))
}

pub(super) fn by_step(step: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.step == step)
}

pub(super) fn is_start(kind: &str) -> bool {
    kind == START || kind.trim().eq_ignore_ascii_case("start")
}

pub(super) fn is_end(kind: &str) -> bool {
    kind == END || kind.trim().eq_ignore_ascii_case("end")
}

impl Row {
    pub fn their_input(&self, ours: &str) -> Option<&'static str> {
        self.inputs.iter().find(|(name, _)| *name == ours).map(|(_, theirs)| *theirs)
    }

    pub fn our_input(&self, theirs: &str) -> Option<&'static str> {
        self.inputs.iter().find(|(_, name)| *name == theirs).map(|(ours, _)| *ours)
    }

    pub fn their_output(&self, ours: &str) -> Option<&'static str> {
        self.outputs.iter().find(|(name, _)| *name == ours).map(|(_, theirs)| *theirs)
    }

    pub fn our_output(&self, theirs: &str) -> Option<&'static str> {
        self.outputs.iter().find(|(_, name)| *name == theirs).map(|(ours, _)| *ours)
    }
}

/// What to call a step that only exists in such a file; `None` for any other name.
pub(crate) fn foreign_step(name: &str) -> Option<String> {
    let kind = name.strip_prefix(FOREIGN)?;
    let shown = crate::value::cut(kind);
    Some(match NOT_YET.iter().find(|(known, title)| *known == kind || title.eq_ignore_ascii_case(kind)) {
        Some((_, title)) => format!("`{title}` ({shown})"),
        None if shown.trim().is_empty() => "a block without a type".to_owned(),
        None => format!("`{shown}`"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_of_the_catalog_has_its_row_with_all_its_names() {
        for spec in crate::catalog() {
            let row = by_step(spec.name).unwrap_or_else(|| panic!("{} has no row", spec.name));
            for input in spec.inputs {
                assert!(row.their_input(input.name).is_some(), "{}.{}", spec.name, input.name);
            }
            assert_eq!(row.inputs.len(), spec.inputs.len(), "{}", spec.name);
            for output in spec.outputs {
                assert!(row.their_output(output.name).is_some(), "{}.{}", spec.name, output.name);
            }
            assert_eq!(row.outputs.len(), spec.outputs.len(), "{}", spec.name);
        }
        assert_eq!(TABLE.len(), crate::catalog().len());
    }

    #[test]
    fn no_name_stands_for_two_things() {
        for row in &TABLE {
            for pairs in [row.inputs, row.outputs] {
                for (index, (ours, theirs)) in pairs.iter().enumerate() {
                    assert!(pairs[..index].iter().all(|(o, t)| o != ours && t != theirs), "{}", row.step);
                }
            }
        }
    }

    #[test]
    fn a_block_is_known_by_type_or_title() {
        assert_eq!(by_kind("SE_CoreTruthy").unwrap().step, "logic.is_truthy");
        assert_eq!(by_kind("is truthy?").unwrap().step, "logic.is_truthy");
        assert!(by_kind("SE_SFSaveLog").is_none());
        assert_eq!(foreign_step("cti:SE_SFSaveLog").unwrap(), "`Save (or Create) a Record` (SE_SFSaveLog)");
        assert_eq!(foreign_step("cti:SE_Nobody").unwrap(), "`SE_Nobody`");
        assert_eq!(foreign_step("log"), None);
    }
}
