//! One object, and the table of all.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Field, custom, standard};

#[expect(clippy::struct_excessive_bools, reason = "mirrors the flags of an object in `describe`")]
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub name: String,
    pub label: String,
    pub plural: String,
    /// First three characters of its ids.
    pub prefix: String,
    pub custom: bool,
    /// Whether records can be made, changed and deleted through the API.
    pub writable: bool,
    pub deletable: bool,
    pub searchable: bool,
    fields: Vec<Field>,
    /// Lower-case name to place in `fields`.
    by_name: HashMap<String, usize>,
    /// Lower-case relationship word to place in `fields`.
    by_relationship: HashMap<String, usize>,
}

impl Object {
    pub fn new(name: &str, label: &str, plural: &str, prefix: &str, fields: Vec<Field>) -> Self {
        let by_name = fields.iter().enumerate().map(|(i, f)| (f.name.to_lowercase(), i)).collect();
        let by_relationship = fields
            .iter()
            .enumerate()
            .filter_map(|(i, f)| Some((f.relationship.as_ref()?.to_lowercase(), i)))
            .collect();
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            plural: plural.to_owned(),
            prefix: prefix.to_owned(),
            custom: name.ends_with("__c"),
            writable: true,
            deletable: true,
            searchable: true,
            fields,
            by_name,
            by_relationship,
        }
    }

    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Columns of its table, in order.
    pub fn stored(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|f| f.stored())
    }

    /// Names are compared without case, as in Salesforce.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.by_name.get(&name.to_lowercase()).map(|i| &self.fields[*i])
    }

    pub fn relationship(&self, word: &str) -> Option<&Field> {
        self.by_relationship.get(&word.to_lowercase()).map(|i| &self.fields[*i])
    }

    pub fn name_field(&self) -> Option<&Field> {
        self.fields.iter().find(|f| f.name_field)
    }
}

/// All objects of the org. Made once; a reset does not change it.
#[derive(Debug)]
pub(crate) struct Schema {
    objects: Vec<Arc<Object>>,
    /// What a reference to several objects is read through (`Who.Name`): not listed, not written.
    any: Arc<Object>,
    by_name: HashMap<String, usize>,
    by_prefix: HashMap<String, usize>,
}

impl Schema {
    /// The standard objects and those of `packages/salesforce`, where `namespace` prefixes the
    /// objects that the reference package has too.
    ///
    /// # Errors
    ///
    /// Text that names the file when a metadata file cannot be read.
    pub fn load(namespace: Option<&str>) -> Result<Self, String> {
        let customs = custom::objects(namespace)?;
        let mut objects = standard::objects(&customs);
        objects.extend(customs);
        Ok(Self::new(objects))
    }

    fn new(objects: Vec<Object>) -> Self {
        let by_name = objects.iter().enumerate().map(|(i, o)| (o.name.to_lowercase(), i)).collect();
        let by_prefix = objects.iter().enumerate().map(|(i, o)| (o.prefix.clone(), i)).collect();
        let any = Arc::new(standard::any());
        Self { objects: objects.into_iter().map(Arc::new).collect(), any, by_name, by_prefix }
    }

    pub fn any(&self) -> &Arc<Object> {
        &self.any
    }

    pub fn objects(&self) -> &[Arc<Object>] {
        &self.objects
    }

    /// Names are compared without case, as in Salesforce.
    pub fn object(&self, name: &str) -> Option<&Arc<Object>> {
        self.by_name.get(&name.to_lowercase()).map(|i| &self.objects[*i])
    }

    /// The object a record id belongs to.
    pub fn object_of(&self, id: &str) -> Option<&Arc<Object>> {
        self.by_prefix.get(id.get(..3)?).map(|i| &self.objects[*i])
    }

    /// Fields of other objects that point at `object`.
    pub fn children<'a>(&'a self, object: &'a Object) -> impl Iterator<Item = (&'a Object, &'a Field)> {
        self.objects.iter().flat_map(move |child| {
            child
                .fields()
                .iter()
                .filter(|f| f.references.contains(&object.name))
                .map(move |f| (child.as_ref(), f))
        })
    }
}
