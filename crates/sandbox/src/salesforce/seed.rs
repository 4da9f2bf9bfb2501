//! The org's people and companies, made from the world's seed: `sandbox.md` §2.
//!
//! Those with a name there are the same in every world; the rest are drawn. All numbers come
//! from the ranges set aside for fiction, and no two people share one unless they are meant to.

use std::collections::HashSet;

use jiff::{Timestamp, ToSpan};
use rusqlite::types::Value as Sql;
use serde_json::{Map, Value, json};

use super::ids;
use super::records::{Actor, Failure, Writer};
use super::schema::Schema;
use super::storage::{Row, Storage};
use crate::world::stable_bytes;

/// `sandbox.md` §2: every user's password, and what follows it where Salesforce asks for a
/// security token.
pub(super) const PASSWORD: &str = "sandbox";
pub(super) const SECURITY_TOKEN: &str = "token";

/// (first name, last name, user name before the `@`, title, profile)
const USERS: [(&str, &str, &str, &str, usize); 5] = [
    ("Nora", "Quist", "nora.quist", "Agent", 2),
    ("Otto", "Lund", "otto.lund", "Agent", 2),
    ("Petra", "Vale", "petra.vale", "Supervisor", 2),
    ("Ada", "Admin", "admin", "Administrator", 1),
    ("Tieline", "Integration", "integration", "Integration", 3),
];
const PROFILES: [&str; 3] =
    ["System Administrator", "Standard User", "Minimum Access - API Only Integrations"];

const ACCOUNTS: usize = 12;
const CONTACTS: usize = 40;
const LEADS: usize = 8;
const CASES: usize = 25;

const FIRST: [&str; 24] = [
    "Alma", "Bruno", "Chiara", "Derek", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Leon",
    "Maya", "Nils", "Olga", "Pavel", "Rosa", "Samir", "Tilda", "Umar", "Vera", "Willem", "Yara", "Zeno",
];
const LAST: [&str; 24] = [
    "Abbott",
    "Berger",
    "Castillo",
    "Dahl",
    "Eriksen",
    "Fontaine",
    "Grant",
    "Hashimoto",
    "Ivanov",
    "Jansen",
    "Kowalski",
    "Lindqvist",
    "Marchetti",
    "Novak",
    "Okafor",
    "Pereira",
    "Quinn",
    "Ramos",
    "Schmidt",
    "Tanaka",
    "Underwood",
    "Vargas",
    "Weber",
    "Young",
];
const COMPANIES: [&str; 20] = [
    "Amber Logistics",
    "Birchwood Dental",
    "Copperline Energy",
    "Driftwood Hotels",
    "Evergreen Foods",
    "Foxglove Media",
    "Granite Builders",
    "Harbor Insurance",
    "Ironbark Tools",
    "Juniper Travel",
    "Kingfisher Optics",
    "Lakeside Clinic",
    "Meridian Shipping",
    "Northwind Textiles",
    "Oakhurst Schools",
    "Pinecrest Motors",
    "Quarry Street Bank",
    "Redwood Printing",
    "Silverbrook Farms",
    "Tallgrass Software",
];
const CITIES: [(&str, &str, &str); 6] = [
    ("Chicago", "IL", "312"),
    ("Boston", "MA", "617"),
    ("Denver", "CO", "303"),
    ("Seattle", "WA", "206"),
    ("Atlanta", "GA", "404"),
    ("Portland", "OR", "503"),
];
const TITLES: [&str; 6] = ["Office Manager", "Buyer", "Owner", "Accountant", "Engineer", "Director"];
const SUBJECTS: [&str; 10] = [
    "Invoice does not match the order",
    "Delivery came damaged",
    "Cannot sign in to the portal",
    "Question about the contract",
    "Replacement part is missing",
    "Address has changed",
    "Asks for a call back",
    "Device restarts by itself",
    "Refund has not arrived",
    "Wants to cancel",
];
const INDUSTRIES: [&str; 6] =
    ["Banking", "Construction", "Education", "Healthcare", "Retail", "Transportation"];

/// Fills empty storage.
pub(super) fn fill(schema: &Schema, storage: &mut Storage, seed: u64, now: Timestamp) -> Result<(), Failure> {
    let mut seeder = Seeder { schema, storage, random: Random::new(seed), used: HashSet::new(), now };
    seeder.organization()?;
    seeder.users()?;
    seeder.storage.set_counter("Case.CaseNumber", 1_000);
    let accounts = seeder.accounts()?;
    let contacts = seeder.contacts(&accounts)?;
    seeder.leads()?;
    seeder.cases(&contacts)
}

struct Seeder<'a> {
    schema: &'a Schema,
    storage: &'a mut Storage,
    random: Random,
    /// Numbers and names that were given away.
    used: HashSet<String>,
    now: Timestamp,
}

impl Seeder<'_> {
    /// Creates a record as it would have been `days` ago, by the administrator.
    fn create(&mut self, object: &str, days: i64, fields: Value) -> Result<String, Failure> {
        let (Some(object), Value::Object(fields)) = (self.schema.object(object), fields) else {
            return Err(Failure::new(500, "UNKNOWN_EXCEPTION", "the seed names an object that is not there"));
        };
        let day = self.now.checked_sub((days * 24).hours()).unwrap_or(self.now);
        let actor = Actor { user: user_id(4), now: day };
        Writer { schema: self.schema, storage: self.storage, actor: &actor, locked: false }
            .create(object, &fields)
    }

    /// Puts in a row of an object that nobody may create.
    fn put(&mut self, object: &str, id: String, values: &[(&str, &str)]) -> Result<(), Failure> {
        let Some(object) = self.schema.object(object) else { return Err(Failure::not_found()) };
        let row: Row = values.iter().map(|(k, v)| ((*k).to_owned(), Sql::Text((*v).to_owned()))).collect();
        let actor = Actor { user: user_id(4), now: self.now };
        Writer { schema: self.schema, storage: self.storage, actor: &actor, locked: false }
            .insert(object, row, id)?;
        Ok(())
    }

    fn organization(&mut self) -> Result<(), Failure> {
        self.put(
            "Organization",
            ids::ORGANIZATION.to_owned(),
            &[
                ("Name", "Tieline Sandbox"),
                ("InstanceName", "SBX1"),
                ("OrganizationType", "Developer Edition"),
                ("DefaultLocaleSidKey", "en_US"),
                ("LanguageLocaleKey", "en_US"),
                ("TimeZoneSidKey", "GMT"),
                ("Country", "US"),
            ],
        )
    }

    fn users(&mut self) -> Result<(), Failure> {
        for (number, name) in (1..).zip(PROFILES) {
            self.put("Profile", ids::nth("00e", number), &[("Name", name)])?;
        }
        for (first, last, login, title, profile) in USERS {
            let alias: String = login.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
            self.create(
                "User",
                400,
                json!({
                    "FirstName": first,
                    "LastName": last,
                    "Username": format!("{login}@example.com"),
                    "Email": format!("{login}@example.com"),
                    "Alias": alias,
                    "CommunityNickname": login,
                    "Title": title,
                    "ProfileId": ids::nth("00e", profile as u64),
                }),
            )?;
        }
        Ok(())
    }

    fn accounts(&mut self) -> Result<Vec<String>, Failure> {
        let mut all = Vec::new();
        for index in 0..ACCOUNTS {
            let name = if index == 0 { "Keller & Sons".to_owned() } else { self.company() };
            let (city, state, area) = self.random.pick(&CITIES);
            let domain: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
            let fields = json!({
                "Name": name,
                "Phone": self.number(area),
                "Website": format!("https://{domain}.example.com"),
                "Industry": self.random.pick(&INDUSTRIES),
                "BillingCity": city,
                "BillingState": state,
                "BillingCountry": "US",
                "NumberOfEmployees": 10 + self.random.below(900),
                "Type": "Customer - Direct",
                "OwnerId": self.agent(),
            });
            let days = 200 + self.random.below(150);
            all.push(self.create("Account", days, fields)?);
        }
        Ok(all)
    }

    fn contacts(&mut self, accounts: &[String]) -> Result<Vec<String>, Failure> {
        // The first has the case every guide speaks of; their order is part of the contract.
        let known = [
            json!({"FirstName": "Anna", "LastName": "Keller", "MobilePhone": "+12025550143",
                "Email": "anna.keller@example.com", "Title": "Owner", "AccountId": accounts[0]}),
            json!({"FirstName": "Sean", "LastName": "O'Neil", "Phone": "(202) 555-0147",
                "Email": "sean.oneil@example.com", "Title": "Buyer", "AccountId": accounts[1]}),
            json!({"FirstName": "Giulia", "LastName": "Rossi", "Phone": "+39 06 5550 0123",
                "Email": "giulia.rossi@example.com", "Title": "Director", "AccountId": accounts[2]}),
            json!({"FirstName": "Dana", "LastName": "Moss", "Phone": "+12025550150",
                "Email": "dana.moss@example.com", "AccountId": accounts[3]}),
            json!({"FirstName": "Eli", "LastName": "Moss", "Phone": "+12025550150",
                "Email": "eli.moss@example.com", "AccountId": accounts[3]}),
            json!({"LastName": "=SUM(A1)", "Phone": "(202) 555-0151", "Email": "sum@example.com",
                "Title": "<img src=x onerror=alert(1)>", "Department": "\"'; --",
                "Description": "<img src=x onerror=alert(1)>", "AccountId": accounts[4]}),
        ];
        let mut all = Vec::new();
        for index in 0..CONTACTS {
            let fields = match known.get(index) {
                Some(fields) => with(fields, "OwnerId", user_id(1 + index as u64 % 2)),
                None => self.person(accounts),
            };
            let days = 30 + self.random.below(150);
            all.push(self.create("Contact", days, fields)?);
        }
        Ok(all)
    }

    fn person(&mut self, accounts: &[String]) -> Value {
        let (first, last) = self.name();
        let (city, state, area) = self.random.pick(&CITIES);
        let mut fields = json!({
            "FirstName": first,
            "LastName": last,
            "Email": address(first, last),
            "Title": self.random.pick(&TITLES),
            "Phone": self.number(area),
            "MailingCity": city,
            "MailingState": state,
            "MailingCountry": "US",
            "AccountId": self.random.pick(accounts),
            "OwnerId": self.agent(),
        });
        if self.random.below(2) == 0 {
            fields = with(&fields, "MobilePhone", self.number(area));
        }
        fields
    }

    fn leads(&mut self) -> Result<(), Failure> {
        for index in 0..LEADS {
            let fields = if index == 0 {
                json!({"FirstName": "Wei", "LastName": "Zhang", "Company": "Thames Robotics",
                    "Phone": "+442079460018", "Email": "wei.zhang@example.com", "Country": "GB", "OwnerId": user_id(1)})
            } else {
                let (first, last) = self.name();
                let (city, state, area) = self.random.pick(&CITIES);
                json!({
                    "FirstName": first,
                    "LastName": last,
                    "Company": self.company(),
                    "Email": address(first, last),
                    "Phone": self.number(area),
                    "City": city,
                    "State": state,
                    "Country": "US",
                    "LeadSource": "Web",
                    "OwnerId": self.agent(),
                })
            };
            let days = 1 + self.random.below(60);
            self.create("Lead", days, fields)?;
        }
        Ok(())
    }

    fn cases(&mut self, contacts: &[String]) -> Result<(), Failure> {
        for index in 0..CASES {
            let subject = self.random.pick(&SUBJECTS);
            let fields = if index == 0 {
                json!({"Subject": "Order arrived incomplete", "ContactId": contacts[0], "Status": "New",
                    "Origin": "Phone", "Priority": "High", "OwnerId": user_id(1),
                    "Description": "Two of five boxes are missing."})
            } else {
                json!({
                    "Subject": subject,
                    // Anna has one case only, so that "her open case" means something.
                    "ContactId": contacts[1 + self.random.index(contacts.len() - 1)],
                    "Status": self.random.pick(&["New", "Working", "Working", "Closed"]),
                    "Origin": self.random.pick(&["Phone", "Email", "Web"]),
                    "Priority": self.random.pick(&["High", "Medium", "Medium", "Low"]),
                    "OwnerId": self.agent(),
                })
            };
            let days = 1 + self.random.below(25);
            self.create("Case", days, fields)?;
        }
        Ok(())
    }

    fn agent(&mut self) -> String {
        user_id(1 + self.random.below(2).unsigned_abs())
    }

    fn name(&mut self) -> (&'static str, &'static str) {
        loop {
            let name = (self.random.pick(&FIRST), self.random.pick(&LAST));
            if self.used.insert(format!("{} {}", name.0, name.1)) {
                return name;
            }
        }
    }

    fn company(&mut self) -> String {
        loop {
            let name = self.random.pick(&COMPANIES);
            if self.used.insert(name.to_owned()) {
                return name.to_owned();
            }
        }
    }

    /// A number of the range for fiction (555-0100 to 555-0199) with this area code, written in
    /// one of the ways people write them.
    fn number(&mut self, area: &str) -> String {
        loop {
            let line = 100 + self.random.below(100);
            if self.used.insert(format!("{area}{line}")) {
                return match self.random.below(3) {
                    0 => format!("({area}) 555-0{line}"),
                    1 => format!("+1{area}5550{line}"),
                    _ => format!("+1 {area} 555 0{line}"),
                };
            }
        }
    }
}

fn address(first: &str, last: &str) -> String {
    format!("{}.{}@example.com", first.to_lowercase(), last.to_lowercase())
}

fn with(fields: &Value, name: &str, value: String) -> Value {
    let mut map: Map<String, Value> = fields.as_object().cloned().unwrap_or_default();
    map.insert(name.to_owned(), value.into());
    map.into()
}

/// The id of the `number`-th user.
pub(super) fn user_id(number: u64) -> String {
    ids::nth("005", number)
}

/// The same numbers for the same seed on every machine and in every version.
struct Random {
    seed: u64,
    drawn: u64,
}

impl Random {
    fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    fn below(&mut self, limit: i64) -> i64 {
        self.drawn += 1;
        let bytes = stable_bytes(self.seed, &format!("salesforce/{}", self.drawn));
        let mut first = [0; 4];
        first.copy_from_slice(&bytes[..4]);
        i64::from(u32::from_be_bytes(first)) % limit
    }

    fn index(&mut self, length: usize) -> usize {
        let limit = i64::try_from(length).unwrap_or(i64::MAX);
        usize::try_from(self.below(limit)).unwrap_or(0)
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        let index = self.index(items.len());
        items[index].clone()
    }
}
