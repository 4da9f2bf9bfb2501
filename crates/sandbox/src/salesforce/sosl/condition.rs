//! A search expression as a condition in SQL on one object.

use super::Expression;
use crate::salesforce::schema::{Field, Kind, Object};
use crate::salesforce::soql::Params;

/// Which fields are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Group {
    #[default]
    All,
    Name,
    Email,
    Phone,
    /// What the search box of the page looks through; here the same as all.
    Sidebar,
}

impl Group {
    pub fn from_word(word: &str) -> Option<Self> {
        match word.to_ascii_uppercase().as_str() {
            "ALL" => Some(Self::All),
            "NAME" => Some(Self::Name),
            "EMAIL" => Some(Self::Email),
            "PHONE" => Some(Self::Phone),
            "SIDEBAR" => Some(Self::Sidebar),
            _ => None,
        }
    }

    fn holds(self, field: &Field) -> bool {
        if !field.stored() {
            return false;
        }
        match self {
            Self::All | Self::Sidebar => field.kind.is_text() && field.kind != Kind::LongTextArea,
            Self::Name => field.name_field || matches!(field.name.as_str(), "FirstName" | "LastName"),
            Self::Email => field.kind == Kind::Email,
            Self::Phone => field.kind == Kind::Phone,
        }
    }
}

/// A term is found when any of the fields has it; terms joined by AND may be in different fields.
pub(crate) fn condition(
    expression: &Expression,
    group: Group,
    object: &Object,
    params: &mut Params,
) -> String {
    let fields: Vec<&Field> = object.fields().iter().filter(|f| group.holds(f)).collect();
    write(expression, &fields, params)
}

fn write(expression: &Expression, fields: &[&Field], params: &mut Params) -> String {
    let joined = |all: &[Expression], word: &str, params: &mut Params| {
        let parts: Vec<String> = all.iter().map(|one| write(one, fields, params)).collect();
        format!("({})", parts.join(word))
    };
    match expression {
        Expression::And(all) => joined(all, " AND ", params),
        Expression::Or(all) => joined(all, " OR ", params),
        Expression::Not(inner) => format!("(NOT {})", write(inner, fields, params)),
        Expression::Term(text) => {
            let pattern = params.bind(text.clone());
            let mut parts = Vec::new();
            for field in fields {
                if field.kind == Kind::Phone {
                    parts.push(format!("sf_phone({pattern}, t0.\"{}\")", field.name));
                } else {
                    parts.push(format!("sf_word({pattern}, t0.\"{}\")", field.name));
                }
            }
            if parts.is_empty() { "0".into() } else { format!("({})", parts.join(" OR ")) }
        }
    }
}
