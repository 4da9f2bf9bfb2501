//! One field: its type, its limits, and who may write it.

use serde_json::Value;

/// Types as `describe` names them; what is stored for each is in `storage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Id,
    Text,
    /// Up to 500 characters: may be filtered.
    TextArea,
    /// More than 255 characters: may be read, never filtered, sorted or grouped.
    LongTextArea,
    Picklist,
    /// A picklist that takes any text.
    Combobox,
    Phone,
    Email,
    Url,
    Int,
    Double,
    Currency,
    Percent,
    Boolean,
    Date,
    DateTime,
    Reference,
    /// A file: bytes, which answers give the address of.
    Base64,
}

impl Kind {
    /// The word in `describe`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Text => "string",
            Self::TextArea | Self::LongTextArea => "textarea",
            Self::Picklist => "picklist",
            Self::Combobox => "combobox",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Url => "url",
            Self::Int => "int",
            Self::Double => "double",
            Self::Currency => "currency",
            Self::Percent => "percent",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Reference => "reference",
            Self::Base64 => "base64",
        }
    }

    pub fn soap_type(self) -> &'static str {
        match self {
            Self::Id | Self::Reference => "tns:ID",
            Self::Int => "xsd:int",
            Self::Double | Self::Currency | Self::Percent => "xsd:double",
            Self::Boolean => "xsd:boolean",
            Self::Date => "xsd:date",
            Self::DateTime => "xsd:dateTime",
            Self::Base64 => "xsd:base64Binary",
            _ => "xsd:string",
        }
    }

    pub fn is_text(self) -> bool {
        matches!(
            self,
            Self::Text
                | Self::TextArea
                | Self::LongTextArea
                | Self::Picklist
                | Self::Combobox
                | Self::Phone
                | Self::Email
                | Self::Url
        )
    }

    pub fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Double | Self::Currency | Self::Percent)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PickValue {
    pub value: String,
    pub label: String,
    pub default: bool,
}

/// The switches are what `describe` lists one by one, so they stay one by one here.
#[expect(clippy::struct_field_names, reason = "`name_field` is the vendor's word")]
#[expect(clippy::struct_excessive_bools, reason = "mirrors the flags of a field in `describe`")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub name: String,
    pub label: String,
    pub kind: Kind,
    /// Characters; 0 for types without a length.
    pub length: usize,
    pub precision: u32,
    pub scale: u32,
    /// Must be given, and may not be emptied.
    pub required: bool,
    pub nillable: bool,
    pub createable: bool,
    pub updateable: bool,
    pub external_id: bool,
    pub unique: bool,
    pub case_sensitive: bool,
    /// Objects a reference may point at; several make it polymorphic.
    pub references: Vec<String>,
    /// The word by which a query walks the reference (`Account`, `Contact__r`).
    pub relationship: Option<String>,
    /// What the referenced object calls its side (`Contacts`).
    pub child_relationship: Option<String>,
    pub values: Vec<PickValue>,
    pub restricted: bool,
    pub default: Option<Value>,
    /// What stands for the record in lists.
    pub name_field: bool,
    /// `{00000000}`, with text around it.
    pub auto_number: Option<String>,
    /// Not stored: a path that is read instead (`Contact.Phone`).
    pub formula: Option<String>,
    pub custom: bool,
    /// Worth an index although nothing in Salesforce's own schema says so.
    pub indexed: bool,
}

impl Field {
    pub fn new(name: &str, label: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind,
            length: 0,
            precision: 0,
            scale: 0,
            required: false,
            nillable: kind != Kind::Boolean,
            createable: true,
            updateable: true,
            external_id: false,
            unique: false,
            case_sensitive: false,
            references: Vec::new(),
            relationship: None,
            child_relationship: None,
            values: Vec::new(),
            restricted: false,
            default: None,
            name_field: false,
            auto_number: None,
            formula: None,
            custom: name.ends_with("__c"),
            indexed: false,
        }
    }

    pub fn length(mut self, length: usize) -> Self {
        self.length = length;
        self
    }

    pub fn digits(mut self, precision: u32, scale: u32) -> Self {
        self.precision = precision;
        self.scale = scale;
        self
    }

    pub fn required(mut self) -> Self {
        self.required = true;
        self.nillable = false;
        self
    }

    pub fn read_only(mut self) -> Self {
        self.createable = false;
        self.updateable = false;
        self
    }

    pub fn create_only(mut self) -> Self {
        self.updateable = false;
        self
    }

    pub fn never_null(mut self) -> Self {
        self.nillable = false;
        self
    }

    pub fn name_field(mut self) -> Self {
        self.name_field = true;
        self
    }

    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    pub fn restricted(mut self) -> Self {
        self.restricted = true;
        self
    }

    pub fn indexed(mut self) -> Self {
        self.indexed = true;
        self
    }

    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    pub fn auto_number(mut self, format: &str) -> Self {
        self.auto_number = Some(format.to_owned());
        self.nillable = false;
        self.read_only()
    }

    pub fn formula(mut self, path: &str) -> Self {
        self.formula = Some(path.to_owned());
        self.read_only()
    }

    /// A picklist's values; the first whose name ends in `*` is the default.
    pub fn values(mut self, values: &[&str]) -> Self {
        self.values = values
            .iter()
            .map(|text| {
                let value = text.trim_end_matches('*').to_owned();
                PickValue { label: value.clone(), default: text.ends_with('*'), value }
            })
            .collect();
        if let Some(default) = self.values.iter().find(|v| v.default) {
            self.default = Some(Value::from(default.value.clone()));
        }
        self
    }

    /// A real column, as opposed to one computed from others.
    pub fn stored(&self) -> bool {
        self.formula.is_none()
    }

    pub fn filterable(&self) -> bool {
        !matches!(self.kind, Kind::LongTextArea | Kind::Base64)
    }

    pub fn groupable(&self) -> bool {
        !matches!(
            self.kind,
            Kind::LongTextArea
                | Kind::Base64
                | Kind::DateTime
                | Kind::Double
                | Kind::Currency
                | Kind::Percent
        ) && self.formula.is_none()
    }

    pub fn polymorphic(&self) -> bool {
        self.references.len() > 1
    }
}
