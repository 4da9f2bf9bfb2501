use std::collections::BTreeMap;

use serde::Deserialize;

use super::{DipCode, DipError, Operation, Understood};

/// What one key may ask: operations by name, and, where listed, objects and their fields.
///
/// Written in the configuration as `operations = ["dips:lookup", "dips:*"]`; a missing list of
/// objects allows all that the CRM's own user may see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allowed {
    pub operations: Vec<String>,
    pub objects: Option<Grants>,
}

/// Objects with their fields; `["*"]` is all fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub struct Grants(pub BTreeMap<String, Vec<String>>);

/// One object with the fields of it that a statement names; `*` stands for all of them, a child's
/// fields are `Contacts.Name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    pub object: String,
    pub fields: Vec<String>,
}

impl Allowed {
    /// Everything: for those who hold the credentials themselves.
    pub fn everything() -> Self {
        Self { operations: vec!["dips:*".into()], objects: None }
    }

    /// # Errors
    ///
    /// [`DipCode::NotAllowed`], naming what is missing.
    pub fn check(&self, asked: &Understood) -> Result<(), DipError> {
        self.check_with(asked, None)
    }

    /// As [`Self::check`], knowing what the text of a statement names; nobody knows when `None`.
    ///
    /// # Errors
    ///
    /// [`DipCode::NotAllowed`], naming what is missing.
    pub fn check_with(&self, asked: &Understood, touched: Option<&[Touched]>) -> Result<(), DipError> {
        let wanted = format!("dips:{}", asked.name);
        if !self.operations.iter().any(|granted| *granted == wanted || granted == "dips:*" || granted == "*")
        {
            return Err(refused(format!("this key may not ask `{wanted}`")));
        }
        let Some(objects) = &self.objects else { return Ok(()) };
        match &asked.operation {
            Operation::Lookup(query) | Operation::LookupAll(query) => objects.check(
                &query.object,
                query.fields.iter().chain(query.conditions.iter().map(|condition| &condition.field)),
            ),
            Operation::PhoneLookup { object, fields, .. } => match object {
                Some(object) => objects.check(object, fields.iter()),
                None => Err(refused("this key is bound to objects: name the one to look in".into())),
            },
            // The search itself keeps to what is granted, see `bind`.
            Operation::FindCaller(find) => {
                find.objects.iter().try_for_each(|object| objects.check(object, [].iter()))
            }
            // What a part says that nobody could read is not known, so nothing is allowed by it.
            Operation::Query { .. } | Operation::SearchText { .. } => objects.check_text(touched),
            Operation::Create { object, fields } | Operation::Update { object, fields, .. } => {
                objects.check(object, fields.keys())
            }
            Operation::Delete { object, .. } => objects.check_all(object),
            Operation::Search(search) => {
                objects.check(&search.object, search.fields.iter())?;
                if search.filter.is_some() { objects.check_text(touched) } else { Ok(()) }
            }
            // An id does not say what it is of.
            Operation::Post { .. } | Operation::Comment { .. } => {
                Err(refused("a key bound to objects may not post to records named by id alone".into()))
            }
        }
    }
}

impl Allowed {
    /// Lets an operation that can keep to the key's bounds by itself know them.
    pub(super) fn bind(&self, asked: &mut Understood) {
        if let Operation::FindCaller(find) = &mut asked.operation {
            find.grants.clone_from(&self.objects);
        }
    }
}

impl Grants {
    /// Whether anything of `object` may be touched.
    pub fn object(&self, object: &str) -> bool {
        self.check(object, [].iter()).is_ok()
    }

    /// Whether `field` of `object` may be read, compared or written.
    pub fn field(&self, object: &str, field: &str) -> bool {
        self.check(object, [field.to_owned()].iter()).is_ok()
    }

    /// Whether nothing of `object` is withheld.
    pub fn all_fields(&self, object: &str) -> bool {
        self.0.iter().any(|(name, granted)| {
            name.eq_ignore_ascii_case(object) && granted.iter().any(|field| field == "*")
        })
    }

    fn check_text(&self, touched: Option<&[Touched]>) -> Result<(), DipError> {
        let Some(touched) = touched else {
            return Err(refused(
                "this key is bound to objects, and what the statement names could not be understood".into(),
            ));
        };
        touched.iter().try_for_each(|one| self.check(&one.object, one.fields.iter()))
    }

    fn of(&self, object: &str) -> Result<&[String], DipError> {
        let granted = self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(object));
        granted
            .map(|(_, fields)| fields.as_slice())
            .ok_or_else(|| refused(format!("this key may not touch the object `{object}`")))
    }

    /// Who deletes a record touches every field of it.
    fn check_all(&self, object: &str) -> Result<(), DipError> {
        if self.of(object)?.iter().any(|name| name == "*") {
            return Ok(());
        }
        Err(refused(format!(
            "this key may not delete records of `{object}`: it may not touch all their fields"
        )))
    }

    fn check<'a>(&self, object: &str, fields: impl Iterator<Item = &'a String>) -> Result<(), DipError> {
        let granted = self.of(object)?;
        for field in fields {
            if !granted.iter().any(|name| covers(name, field)) {
                return Err(refused(format!("this key may not touch the field `{field}` of `{object}`")));
            }
        }
        Ok(())
    }
}

/// `*` stands for the object's own fields, `Account.*` for those of a related record; a function or
/// a child query (`(SELECT Id FROM Cases)`) is neither.
fn covers(granted: &str, field: &str) -> bool {
    if granted.eq_ignore_ascii_case(field) {
        return true;
    }
    let Some(prefix) = granted.strip_suffix('*') else { return false };
    let rest = field.get(..prefix.len()).filter(|head| head.eq_ignore_ascii_case(prefix));
    rest.is_some_and(|_| field[prefix.len()..].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}

fn refused(detail: String) -> DipError {
    DipError::new(DipCode::NotAllowed, detail)
}

#[cfg(test)]
mod tests {
    use tieline_core::{Caller, Comparison, Condition, Paging, Query};

    use super::*;
    use crate::dip::{Search, Shape, Which};

    fn lookup(object: &str, field: &str, condition: &str) -> Understood {
        Understood {
            name: "lookup",
            operation: Operation::Lookup(Query {
                object: object.into(),
                fields: vec![field.into()],
                conditions: vec![Condition {
                    field: condition.into(),
                    comparison: Comparison::Equals("x".into()),
                }],
                limit: None,
                paging: Paging::FirstPage,
            }),
            shape: Shape::Flat,
            deadline: None,
        }
    }

    fn key(operations: &[&str], objects: &[(&str, &[&str])]) -> Allowed {
        let grants = |fields: &[&str]| fields.iter().map(ToString::to_string).collect();
        Allowed {
            operations: operations.iter().map(ToString::to_string).collect(),
            objects: (!objects.is_empty()).then(|| {
                Grants(objects.iter().map(|(name, fields)| ((*name).into(), grants(fields))).collect())
            }),
        }
    }

    #[test]
    fn a_key_asks_only_the_operations_it_was_given() {
        let asked = lookup("Contact", "Name", "Email");
        assert!(key(&["dips:lookup"], &[]).check(&asked).is_ok());
        assert!(key(&["dips:*"], &[]).check(&asked).is_ok());
        assert_eq!(key(&["dips:create"], &[]).check(&asked).unwrap_err().code, DipCode::NotAllowed);
        assert!(key(&["contacts:read"], &[]).check(&asked).is_err());
        assert!(key(&[], &[]).check(&asked).is_err());
    }

    #[test]
    fn a_key_bound_to_objects_sees_only_their_listed_fields() {
        let key = key(&["dips:*"], &[("Contact", &["Name", "email"]), ("Case", &["*"])]);
        assert!(key.check(&lookup("contact", "Name", "Email")).is_ok());
        assert!(key.check(&lookup("Case", "Anything", "Subject")).is_ok());
        assert!(key.check(&lookup("Case", "(SELECT Id FROM CaseComments)", "Subject")).is_err());
        assert!(key.check(&lookup("Contact", "Birthdate", "Email")).is_err());
        assert!(key.check(&lookup("Contact", "Name", "Birthdate")).is_err(), "a condition tells as much");
        assert!(key.check(&lookup("User", "Name", "Email")).is_err());
    }

    #[test]
    fn related_fields_are_granted_by_name_and_not_by_a_star() {
        let grants = |fields: &[&str]| key(&["dips:*"], &[("Contact", fields)]);
        let ask = |fields, field| grants(fields).check(&lookup("Contact", field, "Id")).is_ok();
        assert!(!ask(&["*"], "Account.AnnualRevenue"));
        assert!(ask(&["*", "Account.Name"], "account.name"));
        assert!(ask(&["*", "Account.*"], "Account.AnnualRevenue"));
        assert!(!ask(&["*", "Account.*"], "Account.Owner.Email"));
        assert!(!ask(&["Id", "Account.*"], "AccountNumber"));
    }

    #[test]
    fn a_statement_is_held_to_what_it_names() {
        let key = key(&["dips:*"], &[("Contact", &["Id", "Name"]), ("Case", &["*"])]);
        let query = Understood {
            name: "query",
            operation: Operation::Query { text: String::new(), wanted: Which::All },
            shape: Shape::Flat,
            deadline: None,
        };
        let touched = |object: &str, fields: &[&str]| Touched {
            object: object.into(),
            fields: fields.iter().map(ToString::to_string).collect(),
        };
        let ask = |touched: &[Touched]| key.check_with(&query, Some(touched));
        assert!(ask(&[touched("Contact", &["Name"]), touched("case", &["Anything", "*"])]).is_ok());
        assert!(ask(&[touched("Contact", &["*"])]).is_err());
        assert!(ask(&[touched("Contact", &["Name"]), touched("User", &["Id"])]).is_err());
        assert_eq!(key.check(&query).unwrap_err().code, DipCode::NotAllowed);
        assert!(Allowed::everything().check(&query).is_ok());
    }

    #[test]
    fn a_key_changes_deletes_and_searches_only_what_it_may_touch() {
        let key = key(&["dips:*"], &[("Contact", &["Name"]), ("Case", &["*"])]);
        let check = |operation| {
            key.check(&Understood { name: "x", operation, shape: Shape::Flat, deadline: None }).is_ok()
        };
        let update = |object: &str, field: &str| Operation::Update {
            object: object.into(),
            id: "1".into(),
            fields: [(field.to_owned(), "x".into())].into_iter().collect(),
        };
        assert!(check(update("Contact", "Name")) && !check(update("Contact", "Email")));
        let delete = |object: &str| Operation::Delete { object: object.into(), id: "1".into() };
        assert!(check(delete("Case")) && !check(delete("Contact")) && !check(delete("User")));
        let search = |field: &str, filter: Option<&str>| {
            Operation::Search(Search {
                words: "x".into(),
                object: "Contact".into(),
                fields: vec![field.into()],
                filter: filter.map(str::to_owned),
                limit: 1,
                wanted: Which::All,
            })
        };
        assert!(check(search("Name", None)) && !check(search("Email", None)));
        assert!(!check(search("Name", Some("Email != null"))), "a condition tells as much");
    }

    #[test]
    fn a_key_bound_to_objects_can_neither_send_query_text_nor_look_everywhere() {
        let key = key(&["dips:*"], &[("Contact", &["*"])]);
        let ask = |name, operation| Understood { name, operation, shape: Shape::Flat, deadline: None };
        let text = String::new();
        assert!(
            key.check(&ask("query", Operation::Query { text: text.clone(), wanted: Which::All })).is_err()
        );
        let search = Operation::SearchText { text: text.clone(), wanted: Which::All };
        assert!(key.check(&ask("searchSOSL", search)).is_err());
        let comment = Operation::Comment { post: "0D5".into(), text };
        assert!(key.check(&ask("createChatterComment", comment)).is_err());
        let anywhere =
            Operation::PhoneLookup { caller: Caller::Withheld, object: None, fields: vec!["Id".into()] };
        assert!(key.check(&ask("phoneLookup", anywhere)).is_err());
    }
}
