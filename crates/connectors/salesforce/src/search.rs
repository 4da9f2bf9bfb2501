//! Parties by number: one search for many numbers, judged again here.
//!
//! Salesforce's search finds digits in whatever way they are written, and sometimes too much;
//! every hit is parsed and compared, so that a false one never pops.

use serde_json::Value;
use tieline_core::{JsonMap, PartyMatch, PhoneNumber};

use crate::client::{Call, Client};
use crate::convert::{self, PHONE_OWNERS, PhoneOwner};
use crate::failure::Failure;
use crate::soql;
use crate::wire::SearchAnswer;

/// Numbers asked for in one search, so that its text stays far below Salesforce's 20,000 characters.
const NUMBERS_A_SEARCH: usize = 50;

pub(crate) async fn find_by_phone(
    client: &Client,
    phones: &[PhoneNumber],
    limit: usize,
) -> Result<Vec<Vec<PartyMatch>>, Failure> {
    let mut found = Vec::with_capacity(phones.len());
    for batch in phones.chunks(NUMBERS_A_SEARCH) {
        let rows = find_rows(client, batch, &PHONE_OWNERS, &[]).await?;
        for phone in batch {
            let region = phone.country();
            let mut parties: Vec<PartyMatch> =
                rows.iter().filter_map(|row| convert::party(row, phone, region.as_deref())).collect();
            convert::best_first(&mut parties);
            parties.truncate(limit);
            found.push(parties);
        }
    }
    Ok(found)
}

/// The owners of one number with `fields` of the best one.
pub(crate) async fn find_with_fields(
    client: &Client,
    phone: &PhoneNumber,
    object: Option<&str>,
    fields: &[String],
) -> Result<(Vec<PartyMatch>, Option<JsonMap>), Failure> {
    let owners: Vec<&PhoneOwner> = PHONE_OWNERS
        .iter()
        .filter(|owner| object.is_none_or(|wanted| owner.object.eq_ignore_ascii_case(wanted)))
        .collect();
    if owners.is_empty() {
        return Err(Failure::refused_by_us(
            "UNKNOWN_OBJECT",
            "only Contact, Lead and Account are searched by number",
        ));
    }
    let region = phone.country();
    let rows = find_rows_of(client, std::slice::from_ref(phone), &owners, fields).await?;
    let mut parties: Vec<PartyMatch> =
        rows.iter().filter_map(|row| convert::party(row, phone, region.as_deref())).collect();
    convert::best_first(&mut parties);
    let Some(best) = parties.first() else { return Ok((parties, None)) };
    let row = if best.object == owners[0].object {
        // The first object's rows came with the fields asked for.
        rows.into_iter().find(|row| convert::text(row, "Id") == Some(best.record.as_str()))
    } else {
        read_what_it_has(client, &best.object, best.record.as_str(), fields).await?
    };
    let row = row.map(|row| only(row, fields));
    Ok((parties, row))
}

/// Reads those of `fields` that `object` has: they were chosen with persons in mind.
async fn read_what_it_has(
    client: &Client,
    object: &str,
    id: &str,
    fields: &[String],
) -> Result<Option<JsonMap>, Failure> {
    let describe = client.describe(object).await?;
    let mut known: Vec<String> = fields.iter().filter(|field| describe.can_read(field)).cloned().collect();
    if known.is_empty() {
        known.push("Id".into());
    }
    crate::rows::record(client, object, id, &known).await
}

/// Keeps what was asked for, not what was needed to judge the hit.
fn only(mut row: JsonMap, fields: &[String]) -> JsonMap {
    row.retain(|name, _| {
        name == "attributes"
            || fields.iter().any(|field| {
                let first = field.split('.').next().unwrap_or(field);
                first.eq_ignore_ascii_case(name)
            })
    });
    row
}

async fn find_rows(
    client: &Client,
    phones: &[PhoneNumber],
    owners: &[PhoneOwner],
    fields: &[String],
) -> Result<Vec<JsonMap>, Failure> {
    find_rows_of(client, phones, &owners.iter().collect::<Vec<_>>(), fields).await
}

async fn find_rows_of(
    client: &Client,
    phones: &[PhoneNumber],
    owners: &[&PhoneOwner],
    fields: &[String],
) -> Result<Vec<JsonMap>, Failure> {
    let Some(text) = statement(phones, owners, fields)? else { return Ok(Vec::new()) };
    by_text(client, &text).await
}

/// `FIND {a OR b} IN PHONE FIELDS RETURNING Contact(…), …`; `None` when there is nothing to look for.
/// `fields` are read of the first object only, since the others may not have them.
fn statement(
    phones: &[PhoneNumber],
    owners: &[&PhoneOwner],
    fields: &[String],
) -> Result<Option<String>, Failure> {
    let terms: Vec<String> =
        phones.iter().flat_map(convert::search_terms).map(|term| soql::sosl(&term)).collect();
    if terms.is_empty() {
        return Ok(None);
    }
    let mut text = format!("FIND {{{}}} IN PHONE FIELDS RETURNING ", terms.join(" OR "));
    for (i, owner) in owners.iter().enumerate() {
        let mut columns: Vec<&str> = ["Id", "Name", "LastModifiedDate"].to_vec();
        columns.extend(owner.phones);
        columns.extend(owner.also);
        if i == 0 {
            for field in fields {
                if !soql::is_path(field) {
                    return Err(Failure::refused_by_us(
                        "UNSAFE_NAME",
                        "a field must be letters, digits and underscores",
                    ));
                }
                if !columns.iter().any(|column| column.eq_ignore_ascii_case(field)) {
                    columns.push(field);
                }
            }
        } else {
            text.push_str(", ");
        }
        text.push_str(owner.object);
        text.push('(');
        text.push_str(&columns.join(", "));
        text.push(')');
    }
    Ok(Some(text))
}

/// `parameterizedSearch` as the reference functions send it.
pub(crate) async fn parameterized(client: &Client, body: &Value) -> Result<Vec<JsonMap>, Failure> {
    let call = Call::new(reqwest::Method::POST, &["parameterizedSearch"]).json(body);
    Ok(client.call::<SearchAnswer>(call).await?.search_records)
}

/// A search in Salesforce's own language, its values escaped before. `attributes` are kept.
pub(crate) async fn by_text(client: &Client, text: &str) -> Result<Vec<JsonMap>, Failure> {
    Ok(client.call::<SearchAnswer>(Call::get(&["search"]).query("q", text)).await?.search_records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_search_covers_many_numbers_and_three_objects() {
        let phones = ["+12025550147", "+442079460018"].map(|text| PhoneNumber::parse(text, None).unwrap());
        let owners: Vec<&PhoneOwner> = PHONE_OWNERS.iter().collect();
        assert_eq!(
            statement(&phones, &owners, &["Email".into(), "name".into()]).unwrap().unwrap(),
            "FIND {12025550147 OR 2025550147 OR 442079460018 OR 02079460018 OR 2079460018} IN PHONE FIELDS \
             RETURNING Contact(Id, Name, LastModifiedDate, Phone, MobilePhone, HomePhone, OtherPhone, \
             AssistantPhone, Email), Lead(Id, Name, LastModifiedDate, Phone, MobilePhone, IsConverted), \
             Account(Id, Name, LastModifiedDate, Phone)"
        );
        assert_eq!(statement(&[], &owners, &[]).unwrap(), None);
        assert!(statement(&phones, &owners, &["Id) FROM".into()]).is_err());
    }
}
