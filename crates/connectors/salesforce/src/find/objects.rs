//! Which objects and fields a caller is looked for in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tieline_bridge::dip::Grants;
use tieline_bridge::dip::find::{FindCaller, FindObject, FindSettings};

use crate::client::Client;
use crate::describe::Describe;
use crate::failure::Failure;
use crate::soql;

/// Settings of the search and what was learned of the org; shared by the clones of one connector.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub settings: Arc<FindSettings>,
    /// The org lacks a field other orgs have: descriptions are looked at before it is asked.
    pub careful: Arc<AtomicBool>,
}

impl Default for Finding {
    fn default() -> Self {
        Self::new(find_defaults())
    }
}

/// Contact, Lead, Account and Case by what every org's own have, and the last seven digits.
pub fn find_defaults() -> FindSettings {
    let objects = KNOWN.iter().map(|known| FindObject::named(known.object)).collect();
    FindSettings { objects, weak_digits: 7 }
}

impl Finding {
    pub fn new(settings: FindSettings) -> Self {
        Self { settings: Arc::new(settings), careful: Arc::default() }
    }
}

/// One object of a search with all that is asked of it.
#[derive(Debug, Clone)]
pub(super) struct Searched {
    pub object: String,
    pub place: usize,
    pub name: Option<String>,
    pub phones: Vec<Phone>,
    pub emails: Vec<String>,
    pub last_contact: Option<String>,
    /// `IsConverted` of leads, `IsClosed` of cases.
    pub also: Option<&'static str>,
    pub tells_id: bool,
    pub tells_last_contact: bool,
    /// No field of it is withheld from the key.
    pub all_fields: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Phone {
    pub field: String,
    /// As the reason calls it: `mobile`.
    pub label: &'static str,
    /// Whether it is searched as a number, whatever the punctuation. A text field is not.
    pub number: bool,
}

/// What every org's own objects have.
struct Known {
    object: &'static str,
    name: &'static str,
    phones: &'static [&'static str],
    emails: &'static [&'static str],
    last_contact: &'static str,
    also: Option<&'static str>,
}

/// (Salesforce, Object Reference for the Salesforce Platform: Contact, Lead, Account, Case. A case has
/// no `LastActivityDate`. Read 2026-11-21.)
const KNOWN: [Known; 4] = [
    Known {
        object: "Contact",
        name: "Name",
        phones: &["MobilePhone", "Phone", "HomePhone", "OtherPhone", "AssistantPhone"],
        emails: &["Email"],
        last_contact: "LastActivityDate",
        also: None,
    },
    Known {
        object: "Lead",
        name: "Name",
        phones: &["MobilePhone", "Phone"],
        emails: &["Email"],
        last_contact: "LastActivityDate",
        also: Some("IsConverted"),
    },
    Known {
        object: "Account",
        name: "Name",
        phones: &["Phone"],
        emails: &[],
        last_contact: "LastActivityDate",
        also: None,
    },
    Known {
        object: "Case",
        name: "CaseNumber",
        phones: &["SuppliedPhone"],
        emails: &["SuppliedEmail"],
        last_contact: "LastModifiedDate",
        also: Some("IsClosed"),
    },
];

/// How the reason calls a field.
fn label(field: &str) -> &'static str {
    let field = field.to_ascii_lowercase();
    let known = [("mobile", "mobile"), ("home", "home"), ("assistant", "assistant"), ("other", "other")];
    known.into_iter().find(|(part, _)| field.contains(part)).map_or("phone", |(_, label)| label)
}

/// The name of a configured object as the configuration writes it.
pub(crate) fn is_known<'a>(settings: &'a FindSettings, object: &str) -> Option<&'a str> {
    let found = settings.objects.iter().find(|one| one.object.eq_ignore_ascii_case(object));
    found.map(|one| one.object.as_str())
}

/// The objects a search covers, in their order, with the fields that exist and may be touched.
pub(super) async fn searched(
    client: &Client,
    finding: &Finding,
    asked: &FindCaller,
) -> Result<Vec<Searched>, Failure> {
    let careful = finding.careful.load(Ordering::Relaxed);
    let mut all = Vec::new();
    for (place, configured) in finding.settings.objects.iter().enumerate() {
        let wanted = asked.objects.is_empty()
            || asked.objects.iter().any(|object| object.eq_ignore_ascii_case(&configured.object));
        let granted = asked.grants.as_ref().is_none_or(|grants| grants.object(&configured.object));
        if !wanted || !granted {
            continue;
        }
        let known = KNOWN.iter().find(|known| known.object.eq_ignore_ascii_case(&configured.object));
        let is_open = configured.name.is_none()
            || configured.phones.is_none()
            || configured.emails.is_none()
            || configured.last_contact.is_none();
        let describe = if careful || (known.is_none() && is_open) {
            match client.describe(&configured.object).await {
                Ok(describe) => Some(describe),
                // An object this org does not have, or hides from us.
                Err(Failure::Rejected { status: 403 | 404, .. }) => continue,
                Err(failure) => return Err(failure),
            }
        } else {
            None
        };
        let mut one = resolve(place, configured, known, describe.as_deref());
        if let Some(describe) = describe.filter(|_| careful) {
            keep_existing(&mut one, &describe);
        }
        check_names(&one)?;
        if let Some(grants) = &asked.grants {
            keep_granted(&mut one, grants);
        }
        all.push(one);
    }
    Ok(all)
}

fn resolve(
    place: usize,
    configured: &FindObject,
    known: Option<&Known>,
    describe: Option<&Describe>,
) -> Searched {
    let of_kind = |kind: &str| describe.map(|describe| describe.fields_of(kind)).unwrap_or_default();
    let texts = |known: &[&str]| known.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let phones = configured.phones.clone().unwrap_or_else(|| match known {
        Some(known) => texts(known.phones),
        None => of_kind("phone"),
    });
    let emails = configured.emails.clone().unwrap_or_else(|| match known {
        Some(known) => texts(known.emails),
        None => of_kind("email"),
    });
    let name = configured.name.clone().or_else(|| match known {
        Some(known) => Some(known.name.to_owned()),
        None => describe?.name_field().map(str::to_owned),
    });
    let last_contact = configured.last_contact.clone().or_else(|| match known {
        Some(known) => Some(known.last_contact.to_owned()),
        None => describe?.field("LastActivityDate").map(|field| field.name.clone()),
    });
    let phones = phones
        .into_iter()
        .map(|field| {
            let described = describe.and_then(|describe| describe.field(&field));
            let number = match described.and_then(|field| field.kind.as_deref()) {
                Some(kind) => kind == "phone",
                None => field != "SuppliedPhone",
            };
            Phone { label: label(&field), number, field }
        })
        .collect();
    Searched {
        object: known.map_or_else(|| configured.object.clone(), |known| known.object.to_owned()),
        place,
        name,
        phones,
        emails,
        last_contact,
        also: known.and_then(|known| known.also),
        tells_id: true,
        tells_last_contact: true,
        all_fields: true,
    }
}

fn keep_existing(one: &mut Searched, describe: &Describe) {
    let exists = |field: &str| describe.field(field).is_some();
    one.name.take_if(|field| !exists(field));
    one.phones.retain(|phone| exists(&phone.field));
    one.emails.retain(|field| exists(field));
    one.last_contact.take_if(|field| !exists(field));
    one.also.take_if(|field| !exists(field));
}

/// What a key may not touch is neither compared nor told.
fn keep_granted(one: &mut Searched, grants: &Grants) {
    let object = one.object.clone();
    let granted = |field: &str| grants.field(&object, field);
    one.name.take_if(|field| !granted(field));
    one.phones.retain(|phone| granted(&phone.field));
    one.emails.retain(|field| granted(field));
    one.tells_last_contact = one.last_contact.as_deref().is_some_and(granted);
    if !one.tells_last_contact {
        one.last_contact = None;
    }
    one.tells_id = granted("Id");
    one.all_fields = grants.all_fields(&object);
    // A lead's conversion only keeps it out; whether a case is closed is told.
    if object == "Case" {
        one.also.take_if(|field| !granted(field));
    }
}

/// Names come from the configuration, and none may be more than a name.
fn check_names(one: &Searched) -> Result<(), Failure> {
    let names = [Some(&one.object), one.name.as_ref(), one.last_contact.as_ref()];
    let fields = one.phones.iter().map(|phone| &phone.field).chain(&one.emails);
    if names.into_iter().flatten().chain(fields).all(|name| soql::is_name(name)) {
        return Ok(());
    }
    Err(Failure::refused_by_us("UNSAFE_NAME", "an object or field must be letters, digits and underscores"))
}
