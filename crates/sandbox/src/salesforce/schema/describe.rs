//! What `describe` answers.
//!
//! (Salesforce, REST API Developer Guide, "sObject Describe"; member names as there. Read 2026-11-20.)

use serde_json::{Value, json};

use super::{Field, Kind, Object, Schema};

/// One element of the global describe, and the head of the full one.
pub(crate) fn describe_brief(object: &Object, base: &str) -> Value {
    let url = format!("{base}/sobjects/{}", object.name);
    json!({
        "activateable": false,
        "associateEntityType": null,
        "associateParentEntity": null,
        "createable": object.writable,
        "custom": object.custom,
        "customSetting": false,
        "deepCloneable": false,
        "deletable": object.deletable,
        "deprecatedAndHidden": false,
        "feedEnabled": false,
        "hasSubtypes": false,
        "isInterface": false,
        "isSubtype": false,
        "keyPrefix": object.prefix,
        "label": object.label,
        "labelPlural": object.plural,
        "layoutable": object.writable,
        "mergeable": false,
        "mruEnabled": object.writable,
        "name": object.name,
        "queryable": true,
        "replicateable": true,
        "retrieveable": true,
        "searchable": object.searchable,
        "triggerable": object.writable,
        "undeletable": object.deletable,
        "updateable": object.writable,
        "urls": {
            "rowTemplate": format!("{url}/{{ID}}"),
            "describe": format!("{url}/describe"),
            "sobject": url,
        },
    })
}

/// The full describe.
pub(crate) fn describe(schema: &Schema, object: &Object, base: &str) -> Value {
    let mut all = describe_brief(object, base);
    let fields: Vec<Value> = object.fields().iter().map(|f| field(object, f)).collect();
    let children: Vec<Value> = schema
        .children(object)
        .map(|(child, field)| {
            json!({
                "cascadeDelete": false,
                "childSObject": child.name,
                "deprecatedAndHidden": false,
                "field": field.name,
                "junctionIdListNames": [],
                "junctionReferenceTo": [],
                "relationshipName": field.child_relationship,
                "restrictedDelete": false,
            })
        })
        .collect();
    if let Some(map) = all.as_object_mut() {
        map.insert("fields".into(), fields.into());
        map.insert("childRelationships".into(), children.into());
        map.insert("actionOverrides".into(), json!([]));
        map.insert("namedLayoutInfos".into(), json!([]));
        map.insert("recordTypeInfos".into(), json!([]));
        map.insert(
            "supportedScopes".into(),
            json!([{"label": format!("All {}", object.plural), "name": "everything"}]),
        );
    }
    all
}

fn field(object: &Object, field: &Field) -> Value {
    let values: Vec<Value> = field
        .values
        .iter()
        .map(|v| json!({"active": true, "defaultValue": v.default, "label": v.label, "validFor": null, "value": v.value}))
        .collect();
    let createable = field.createable && object.writable;
    let mut first = json!({
        "aggregatable": field.filterable() && field.kind != Kind::Boolean,
        "aiPredictionField": false,
        "autoNumber": field.auto_number.is_some(),
        "byteLength": field.length * 3,
        "calculated": field.formula.is_some(),
        "calculatedFormula": null,
        "cascadeDelete": false,
        "caseSensitive": field.case_sensitive,
        "compoundFieldName": null,
        "controllerName": null,
        "createable": createable,
        "custom": field.custom,
        "defaultValue": field.default,
        "defaultValueFormula": null,
        "defaultedOnCreate": field.default.is_some() || field.kind == Kind::Boolean || field.name == "OwnerId",
        "dependentPicklist": false,
        "deprecatedAndHidden": false,
        "digits": if field.kind == Kind::Int { field.precision } else { 0 },
        "displayLocationInDecimal": false,
        "encrypted": false,
        "externalId": field.external_id,
        "extraTypeInfo": null,
        "filterable": field.filterable(),
        "filteredLookupInfo": null,
        "formulaTreatNullNumberAsZero": false,
        "groupable": field.groupable(),
        "highScaleNumber": false,
        "htmlFormatted": false,
    });
    let second = json!({
        "idLookup": field.kind == Kind::Id || field.external_id,
        "inlineHelpText": null,
        "label": field.label,
        "length": field.length,
        "mask": null,
        "maskType": null,
        "name": field.name,
        "nameField": field.name_field,
        "namePointing": field.polymorphic(),
        "nillable": field.nillable,
        "permissionable": !field.required && field.createable,
        "picklistValues": values,
        "polymorphicForeignKey": field.polymorphic(),
        "precision": if field.kind == Kind::Int { 0 } else { field.precision },
        "queryByDistance": false,
        "referenceTargetField": null,
        "referenceTo": field.references,
        "relationshipName": field.relationship,
        "relationshipOrder": null,
        "restrictedDelete": false,
        "restrictedPicklist": field.restricted,
        "scale": field.scale,
        "searchPrefilterable": false,
        "soapType": field.kind.soap_type(),
        "sortable": field.filterable(),
        "type": field.kind.word(),
        "unique": field.unique,
        "updateable": field.updateable && object.writable,
        "writeRequiresMasterRead": false,
    });
    // In two halves: the macro does not take so many members at once.
    if let (Some(first), Value::Object(second)) = (first.as_object_mut(), second) {
        first.extend(second);
    }
    first
}
