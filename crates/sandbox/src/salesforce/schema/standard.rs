//! The standard objects we offer, with the fields in ordinary use.
//!
//! (Salesforce, Object Reference for the Salesforce Platform: Account, Attachment, Case, Contact, FeedComment,
//! FeedItem, Lead, Opportunity, Organization, Profile, Task, User; lengths and defaults as there. Read 2026-11-20.)
//!
//! To add a field, add a line. Rules that are more than a line (a name made of two fields, a
//! status that closes) are in `records`.

use super::{Field, Kind, Object};

pub(super) fn objects(customs: &[Object]) -> Vec<Object> {
    let mut objects = vec![
        account(),
        contact(),
        lead(),
        opportunity(),
        case(),
        task(customs),
        user(),
        feed_item(),
        feed_comment(),
        attachment(customs),
        read_only(Object::new("Profile", "Profile", "Profile", "00e", profile_fields())),
        read_only(Object::new("Organization", "Organization", "Organization", "00D", organization_fields())),
    ];
    for object in &mut objects {
        if object.name == "User" {
            object.deletable = false;
        }
    }
    objects
}

/// (Salesforce, Object Reference, "Name": what `Who`, `What` and other references to several objects offer.)
pub(super) fn any() -> Object {
    let fields = vec![
        Field::new("Id", "Name ID", Kind::Id).length(18),
        text("Name", "Name", 255).name_field(),
        text("Type", "Type", 40),
        text("FirstName", "First Name", 40),
        text("LastName", "Last Name", 80),
        text("Alias", "Alias", 8),
        text("Username", "Username", 80),
        email("Email", "Email"),
        phone("Phone", "Phone"),
        text("Title", "Title", 128),
        boolean("IsActive", "Active"),
    ];
    Object::new("Name", "Name", "Names", "", fields)
}

/// The fields every object has; `owned` objects have an owner besides.
pub(super) fn system_fields(owned: bool) -> (Vec<Field>, Vec<Field>) {
    let mut first = vec![Field::new("Id", "Record ID", Kind::Id).length(18).never_null().read_only()];
    if owned {
        first.push(reference("OwnerId", "Owner ID", &["User"], "Owner", None).never_null());
    }
    let last = vec![
        boolean("IsDeleted", "Deleted").read_only(),
        moment("CreatedDate", "Created Date").never_null().read_only(),
        reference("CreatedById", "Created By ID", &["User"], "CreatedBy", None).never_null().read_only(),
        moment("LastModifiedDate", "Last Modified Date").never_null().read_only(),
        reference("LastModifiedById", "Last Modified By ID", &["User"], "LastModifiedBy", None)
            .never_null()
            .read_only(),
        moment("SystemModstamp", "System Modstamp").never_null().read_only(),
    ];
    (first, last)
}

fn object(name: &str, label: &str, plural: &str, prefix: &str, owned: bool, own: Vec<Field>) -> Object {
    let (mut fields, last) = system_fields(owned);
    fields.extend(own);
    fields.extend(last);
    Object::new(name, label, plural, prefix, fields)
}

fn read_only(mut object: Object) -> Object {
    object.writable = false;
    object.deletable = false;
    object.searchable = false;
    object
}

fn text(name: &str, label: &str, length: usize) -> Field {
    Field::new(name, label, Kind::Text).length(length)
}

fn long(name: &str, label: &str) -> Field {
    Field::new(name, label, Kind::LongTextArea).length(32_000)
}

fn phone(name: &str, label: &str) -> Field {
    Field::new(name, label, Kind::Phone).length(40).indexed()
}

fn email(name: &str, label: &str) -> Field {
    Field::new(name, label, Kind::Email).length(80)
}

fn url(name: &str, label: &str) -> Field {
    Field::new(name, label, Kind::Url).length(255)
}

fn pick(name: &str, label: &str, values: &[&str]) -> Field {
    Field::new(name, label, Kind::Picklist).length(255).values(values)
}

fn boolean(name: &str, label: &str) -> Field {
    Field::new(name, label, Kind::Boolean).default(false)
}

fn int(name: &str, label: &str) -> Field {
    Field::new(name, label, Kind::Int).digits(8, 0)
}

fn money(name: &str, label: &str) -> Field {
    Field::new(name, label, Kind::Currency).digits(18, 2)
}

fn date(name: &str, label: &str) -> Field {
    Field::new(name, label, Kind::Date)
}

fn moment(name: &str, label: &str) -> Field {
    Field::new(name, label, Kind::DateTime)
}

pub(super) fn reference(
    name: &str,
    label: &str,
    to: &[&str],
    relationship: &str,
    children: Option<&str>,
) -> Field {
    let mut field = Field::new(name, label, Kind::Reference).length(18);
    field.references = to.iter().map(|&o| o.to_owned()).collect();
    field.relationship = Some(relationship.to_owned());
    field.child_relationship = children.map(str::to_owned);
    field
}

fn address(prefix: &str, label: &str) -> Vec<Field> {
    let name = |part: &str| format!("{prefix}{part}");
    let title = |part: &str| if label.is_empty() { part.to_owned() } else { format!("{label} {part}") };
    vec![
        Field::new(&name("Street"), &title("Street"), Kind::TextArea).length(255),
        text(&name("City"), &title("City"), 40),
        text(&name("State"), &title("State/Province"), 80),
        text(&name("PostalCode"), &title("Zip/Postal Code"), 20),
        text(&name("Country"), &title("Country"), 80),
    ]
}

/// `Name` is made of the others by `records`.
fn person_name() -> Vec<Field> {
    vec![
        pick("Salutation", "Salutation", &["Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."]),
        text("FirstName", "First Name", 40),
        text("LastName", "Last Name", 80).required(),
        text("Name", "Full Name", 121).never_null().read_only().name_field(),
    ]
}

const INDUSTRIES: [&str; 8] = [
    "Banking",
    "Construction",
    "Education",
    "Electronics",
    "Healthcare",
    "Retail",
    "Transportation",
    "Utilities",
];
const SOURCES: [&str; 5] = ["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"];
const RATINGS: [&str; 3] = ["Hot", "Warm", "Cold"];

fn account() -> Object {
    let mut own = vec![
        text("Name", "Account Name", 255).required().name_field(),
        pick(
            "Type",
            "Account Type",
            &["Prospect", "Customer - Direct", "Customer - Channel", "Partner", "Other"],
        ),
        reference("ParentId", "Parent Account ID", &["Account"], "Parent", Some("ChildAccounts")),
    ];
    own.extend(address("Billing", "Billing"));
    own.extend(address("Shipping", "Shipping"));
    own.extend([
        phone("Phone", "Account Phone"),
        phone("Fax", "Account Fax"),
        text("AccountNumber", "Account Number", 40),
        url("Website", "Website"),
        pick("Industry", "Industry", &INDUSTRIES),
        money("AnnualRevenue", "Annual Revenue"),
        int("NumberOfEmployees", "Employees"),
        long("Description", "Account Description"),
        pick("Rating", "Account Rating", &RATINGS),
        text("Site", "Account Site", 80),
        pick("AccountSource", "Account Source", &SOURCES),
        date("LastActivityDate", "Last Activity").read_only(),
    ]);
    object("Account", "Account", "Accounts", "001", true, own)
}

fn contact() -> Object {
    let mut own = vec![reference("AccountId", "Account ID", &["Account"], "Account", Some("Contacts"))];
    own.extend(person_name());
    own.extend(address("Other", "Other"));
    own.extend(address("Mailing", "Mailing"));
    own.extend([
        phone("Phone", "Business Phone"),
        phone("Fax", "Business Fax"),
        phone("MobilePhone", "Mobile Phone"),
        phone("HomePhone", "Home Phone"),
        phone("OtherPhone", "Other Phone"),
        phone("AssistantPhone", "Asst. Phone"),
        reference("ReportsToId", "Reports To ID", &["Contact"], "ReportsTo", None),
        email("Email", "Email"),
        text("Title", "Title", 128),
        text("Department", "Department", 80),
        text("AssistantName", "Assistant's Name", 40),
        pick("LeadSource", "Lead Source", &SOURCES),
        date("Birthdate", "Birthdate"),
        long("Description", "Contact Description"),
        boolean("HasOptedOutOfEmail", "Email Opt Out"),
        boolean("DoNotCall", "Do Not Call"),
        date("LastActivityDate", "Last Activity").read_only(),
    ]);
    object("Contact", "Contact", "Contacts", "003", true, own)
}

fn lead() -> Object {
    let mut own = person_name();
    own.extend([text("Title", "Title", 128), text("Company", "Company", 255).required()]);
    own.extend(address("", ""));
    own.extend([
        phone("Phone", "Phone"),
        phone("MobilePhone", "Mobile Phone"),
        phone("Fax", "Fax"),
        email("Email", "Email"),
        url("Website", "Website"),
        long("Description", "Description"),
        pick("LeadSource", "Lead Source", &SOURCES),
        pick(
            "Status",
            "Status",
            &["Open - Not Contacted*", "Working - Contacted", "Closed - Converted", "Closed - Not Converted"],
        )
        .never_null(),
        pick("Industry", "Industry", &INDUSTRIES),
        pick("Rating", "Rating", &RATINGS),
        money("AnnualRevenue", "Annual Revenue"),
        int("NumberOfEmployees", "Employees"),
        boolean("HasOptedOutOfEmail", "Email Opt Out"),
        boolean("DoNotCall", "Do Not Call"),
        boolean("IsConverted", "Converted").read_only(),
        date("ConvertedDate", "Converted Date").read_only(),
        reference("ConvertedAccountId", "Converted Account ID", &["Account"], "ConvertedAccount", None)
            .read_only(),
        reference("ConvertedContactId", "Converted Contact ID", &["Contact"], "ConvertedContact", None)
            .read_only(),
        date("LastActivityDate", "Last Activity").read_only(),
    ]);
    object("Lead", "Lead", "Leads", "00Q", true, own)
}

fn opportunity() -> Object {
    let own = vec![
        reference("AccountId", "Account ID", &["Account"], "Account", Some("Opportunities")),
        text("Name", "Name", 120).required().name_field(),
        long("Description", "Description"),
        pick(
            "StageName",
            "Stage",
            &[
                "Prospecting",
                "Qualification",
                "Proposal/Price Quote",
                "Negotiation/Review",
                "Closed Won",
                "Closed Lost",
            ],
        )
        .required(),
        money("Amount", "Amount"),
        Field::new("Probability", "Probability (%)", Kind::Percent).digits(3, 0),
        date("CloseDate", "Close Date").required(),
        pick("Type", "Opportunity Type", &["Existing Customer - Upgrade", "New Customer"]),
        text("NextStep", "Next Step", 255),
        pick("LeadSource", "Lead Source", &SOURCES),
        boolean("IsClosed", "Closed").read_only(),
        boolean("IsWon", "Won").read_only(),
        date("LastActivityDate", "Last Activity").read_only(),
    ];
    object("Opportunity", "Opportunity", "Opportunities", "006", true, own)
}

fn case() -> Object {
    let own = vec![
        text("CaseNumber", "Case Number", 30).auto_number("{00000000}").name_field().indexed(),
        reference("ContactId", "Contact ID", &["Contact"], "Contact", Some("Cases")),
        reference("AccountId", "Account ID", &["Account"], "Account", Some("Cases")),
        reference("ParentId", "Parent Case ID", &["Case"], "Parent", Some("Cases")),
        text("SuppliedName", "Name", 80),
        email("SuppliedEmail", "Email Address"),
        text("SuppliedPhone", "Phone", 40),
        text("SuppliedCompany", "Company", 80),
        pick("Type", "Case Type", &["Mechanical", "Electrical", "Electronic", "Structural", "Other"]),
        pick("Status", "Status", &["New*", "Working", "Escalated", "Closed"]),
        pick("Reason", "Case Reason", &["Installation", "Breakdown", "Performance", "Feedback", "Other"]),
        pick("Origin", "Case Origin", &["Phone", "Email", "Web"]),
        text("Subject", "Subject", 255),
        pick("Priority", "Priority", &["High", "Medium*", "Low"]),
        long("Description", "Description"),
        boolean("IsClosed", "Closed").read_only(),
        moment("ClosedDate", "Closed Date").read_only(),
        boolean("IsEscalated", "Escalated"),
        phone("ContactPhone", "Contact Phone").formula("Contact.Phone"),
        phone("ContactMobile", "Contact Mobile").formula("Contact.MobilePhone"),
        email("ContactEmail", "Contact Email").formula("Contact.Email"),
    ];
    object("Case", "Case", "Cases", "500", true, own)
}

fn feed_item() -> Object {
    let parents = ["Account", "Contact", "Lead", "Opportunity", "Case", "User"];
    let own = vec![
        reference("ParentId", "Parent ID", &parents, "Parent", Some("Feeds")).required().create_only(),
        pick("Type", "Feed Item Type", &["TextPost*"]).length(40).create_only(),
        text("Title", "Title", 255).create_only(),
        Field::new("Body", "Body", Kind::LongTextArea).length(10_000).required(),
    ];
    unsearched(object("FeedItem", "Feed Item", "Feed Items", "0D5", false, own))
}

fn feed_comment() -> Object {
    let own = vec![
        reference("FeedItemId", "Feed Item ID", &["FeedItem"], "FeedItem", Some("FeedComments"))
            .required()
            .create_only(),
        Field::new("CommentBody", "Comment Body", Kind::LongTextArea).length(10_000).required(),
    ];
    unsearched(object("FeedComment", "Feed Comment", "Feed Comments", "0D7", false, own))
}

/// Found by queries, and not by a search that names no object.
fn unsearched(mut object: Object) -> Object {
    object.searchable = false;
    object
}

/// (Object Reference, Attachment: Description up to 500 characters, files up to 25 MB. Read 2026-11-21.)
fn attachment(customs: &[Object]) -> Object {
    let mut parents = vec!["Account", "Contact", "Lead", "Case", "Task", "Opportunity"];
    parents.extend(customs.iter().map(|object| object.name.as_str()));
    let own = vec![
        reference("ParentId", "Parent ID", &parents, "Parent", Some("Attachments")).required().create_only(),
        text("Name", "File Name", 255).required().name_field(),
        boolean("IsPrivate", "Private"),
        text("ContentType", "Content Type", 120),
        int("BodyLength", "Body Length").read_only(),
        Field::new("Body", "Body", Kind::Base64).required(),
        Field::new("Description", "Description", Kind::TextArea).length(500),
    ];
    unsearched(object("Attachment", "Attachment", "Attachments", "00P", true, own))
}

fn task(customs: &[Object]) -> Object {
    let mut what = vec!["Account", "Opportunity", "Case"];
    what.extend(
        customs.iter().filter(|o| o.fields().iter().any(|f| f.name == "OwnerId")).map(|o| o.name.as_str()),
    );
    let own = vec![
        reference("WhoId", "Name ID", &["Contact", "Lead"], "Who", Some("Tasks")),
        reference("WhatId", "Related To ID", &what, "What", Some("Tasks")),
        Field::new("Subject", "Subject", Kind::Combobox).length(255).name_field().values(&[
            "Call",
            "Send Letter",
            "Send Quote",
            "Other",
        ]),
        date("ActivityDate", "Due Date Only"),
        pick(
            "Status",
            "Status",
            &["Not Started*", "In Progress", "Completed", "Waiting on someone else", "Deferred"],
        )
        .never_null(),
        pick("Priority", "Priority", &["High", "Normal*", "Low"]).never_null(),
        boolean("IsHighPriority", "High Priority").read_only(),
        long("Description", "Description"),
        pick("Type", "Type", &["Call", "Meeting", "Email", "Other"]),
        reference("AccountId", "Account ID", &["Account"], "Account", None).read_only(),
        boolean("IsClosed", "Closed").read_only(),
        boolean("IsArchived", "Archived").read_only(),
        int("CallDurationInSeconds", "Call Duration"),
        pick("CallType", "Call Type", &["Internal", "Inbound", "Outbound"]).length(40).restricted(),
        text("CallDisposition", "Call Result", 255),
        text("CallObject", "Call Object Identifier", 255).indexed(),
        moment("ReminderDateTime", "Reminder Date/Time"),
        boolean("IsReminderSet", "Reminder Set"),
        boolean("IsRecurrence", "Create Recurring Series of Tasks").create_only(),
        pick("TaskSubtype", "Task Subtype", &["Task*", "Email", "ListEmail", "Cadence", "Call", "LinkedIn"])
            .length(40)
            .restricted()
            .create_only(),
        moment("CompletedDateTime", "Completed Date/Time").read_only(),
    ];
    object("Task", "Task", "Tasks", "00T", true, own)
}

fn user() -> Object {
    let mut own = vec![text("Username", "Username", 80).required().unique()];
    own.extend(person_name().into_iter().filter(|f| f.name != "Salutation"));
    own.extend([
        text("CompanyName", "Company Name", 80),
        text("Division", "Division", 80),
        text("Department", "Department", 80),
        text("Title", "Title", 80),
        Field::new("Email", "Email", Kind::Email).length(128).required(),
        phone("Phone", "Phone"),
        phone("MobilePhone", "Mobile"),
        phone("Extension", "Extension"),
        text("Alias", "Alias", 8).required(),
        text("CommunityNickname", "Nickname", 40),
        boolean("IsActive", "Active").default(true),
        text("TimeZoneSidKey", "Time Zone", 40).default("GMT"),
        text("LocaleSidKey", "Locale", 40).default("en_US"),
        text("LanguageLocaleKey", "Language", 40).default("en_US"),
        text("EmailEncodingKey", "Email Encoding", 40).default("UTF-8"),
        reference("ProfileId", "Profile ID", &["Profile"], "Profile", Some("Users")),
        pick("UserType", "User Type", &["Standard*"]).read_only(),
        text("EmployeeNumber", "Employee Number", 20),
        text("FederationIdentifier", "SAML Federation ID", 512),
        reference("ManagerId", "Manager ID", &["User"], "Manager", None),
        moment("LastLoginDate", "Last Login").read_only(),
    ]);
    object("User", "User", "Users", "005", false, own)
}

fn profile_fields() -> Vec<Field> {
    let (mut fields, last) = system_fields(false);
    fields.push(text("Name", "Name", 255).required().name_field());
    fields.extend(last);
    fields
}

fn organization_fields() -> Vec<Field> {
    let (mut fields, last) = system_fields(false);
    fields.extend([
        text("Name", "Name", 80).required().name_field(),
        text("InstanceName", "Instance Name", 5),
        text("OrganizationType", "Edition", 40),
        boolean("IsSandbox", "Is Sandbox"),
        text("NamespacePrefix", "Namespace Prefix", 15),
        text("DefaultLocaleSidKey", "Locale", 40),
        text("LanguageLocaleKey", "Language", 40),
        text("TimeZoneSidKey", "Time Zone", 40),
        text("Country", "Country", 80),
    ]);
    fields.extend(last);
    fields
}
