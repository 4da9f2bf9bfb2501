use std::collections::BTreeSet;

use tieline_core::JsonMap;

/// A row's fields as the CRM has them, and what it has not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fitted {
    pub fields: JsonMap,
    /// In alphabetical order.
    pub unknown: BTreeSet<String>,
}

/// Keeps the fields the CRM has, in its own spelling, which `spelling` knows. A field that an org has
/// made itself may lack the package's namespace.
pub fn fit(fields: JsonMap, namespace: Option<&str>, spelling: impl Fn(&str) -> Option<String>) -> Fitted {
    let mut fitted = Fitted::default();
    for (name, value) in fields {
        let bare = namespace.and_then(|namespace| name.strip_prefix(namespace)?.strip_prefix("__"));
        match spelling(&name).or_else(|| spelling(bare?)) {
            Some(spelling) => {
                fitted.fields.insert(spelling, value);
            }
            None => {
                fitted.unknown.insert(name);
            }
        }
    }
    fitted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_written_as_the_crm_spells_them_with_or_without_the_namespace() {
        let known = ["Occupancy__c", "ac__Name__c"];
        let spelling =
            |name: &str| known.iter().find(|it| it.eq_ignore_ascii_case(name)).map(|it| (*it).to_owned());
        let fields = json!({"ac__occupancy__c": "1", "ac__name__c": "2", "ac__Other__c": "3"});
        let fitted = fit(fields.as_object().unwrap().clone(), Some("ac"), spelling);
        assert_eq!(json!(fitted.fields), json!({"Occupancy__c": "1", "ac__Name__c": "2"}));
        assert_eq!(fitted.unknown, BTreeSet::from(["ac__Other__c".to_owned()]));
        let bare = fit(fitted.fields, None, spelling);
        assert_eq!((bare.fields.len(), bare.unknown.len()), (2, 0));
    }
}
