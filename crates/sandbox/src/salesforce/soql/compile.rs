//! Tree to SQL.
//!
//! Every name is looked up in the schema and written from there; every value becomes a
//! numbered parameter. Parents are left joins, so a missing parent is null and not a lost row.

use std::collections::HashSet;
use std::fmt::Write;
use std::sync::Arc;

use jiff::civil::Date;
use rusqlite::types::Value;

use super::QueryError;
use super::ast::{Aggregate, FieldSet, Function, Operand, Order, Path, Query, Select};
use crate::salesforce::schema::{Field, Kind, Object, Schema};

/// (Salesforce, SOQL and SOSL Reference, "OFFSET": at most 2,000.)
const MAX_OFFSET: u64 = 2_000;
/// (The same, "Relationship Queries": at most five levels to a parent.)
const MAX_LEVELS: usize = 5;

/// What a query means besides its text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub schema: &'a Schema,
    /// The text, for messages that show the place.
    pub source: &'a str,
    pub today: Date,
    /// `queryAll`: deleted rows too.
    pub deleted: bool,
}

/// A statement that can be run, and how to turn its rows into JSON.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub sql: String,
    pub params: Vec<Value>,
    pub shape: Shape,
}

#[derive(Debug)]
pub(crate) enum Shape {
    /// One row, one number.
    Count,
    Records(Node),
    /// Name and type of each column.
    Aggregates(Vec<(String, Kind)>),
}

/// One record within the answer.
#[derive(Debug)]
pub(crate) struct Node {
    /// What `attributes.type` says.
    pub object: String,
    /// Column of the id; a null there means that there is no such parent.
    pub id: usize,
    /// Column of the object's name, where it differs from row to row.
    pub kind: Option<usize>,
    pub members: Vec<Member>,
}

#[derive(Debug)]
pub(crate) enum Member {
    Value { name: String, column: usize, kind: Kind },
    Parent { name: String, node: Node },
}

pub(crate) fn compile(context: Context<'_>, query: &Query) -> Result<Compiled, QueryError> {
    compile_search(context, query, |_, _| None)
}

/// As [`compile`], with one more condition made by `condition` from the object (whose columns
/// are `t0."…"`) and the parameters so far.
pub(crate) fn compile_search(
    context: Context<'_>,
    query: &Query,
    condition: impl FnOnce(&Object, &mut Params) -> Option<String>,
) -> Result<Compiled, QueryError> {
    let mut builder = Builder { context, params: Params::default(), tables: 0 };
    let mut scope = builder.scope(query)?;
    let extra = condition(&scope.object.clone(), &mut builder.params);
    builder.whole(query, &mut scope, extra)
}

/// Values bound by number.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<Value>);

impl Params {
    /// Keeps `value` and says how SQL refers to it.
    pub fn bind(&mut self, value: impl Into<Value>) -> String {
        self.0.push(value.into());
        format!("?{}", self.0.len())
    }
}

pub(super) struct Builder<'a> {
    pub context: Context<'a>,
    pub params: Params,
    tables: usize,
}

/// The FROM of one query: its object and the parents joined so far.
pub(super) struct Scope {
    pub object: Arc<Object>,
    alias: String,
    /// What may stand before a field without being a relationship, in lower case.
    names: Vec<String>,
    joins: Vec<Join>,
}

struct Join {
    from: String,
    field: String,
    table: Table,
}

/// One table of a statement.
#[derive(Clone)]
struct Table {
    alias: String,
    object: Arc<Object>,
}

/// A field found by its path.
pub(super) struct Column {
    pub sql: String,
    pub field: Field,
}

impl Builder<'_> {
    pub fn error_at(&self, error: QueryError, at: usize) -> QueryError {
        error.at(self.context.source, at)
    }

    pub fn scope(&mut self, query: &Query) -> Result<Scope, QueryError> {
        let name = query.object.text();
        let Some(object) = self.context.schema.object(&name) else {
            let message = format!(
                "sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
            );
            return Err(self.error_at(QueryError::new("INVALID_TYPE", message), query.object.at));
        };
        let mut names = vec![object.name.to_lowercase()];
        names.extend(query.alias.as_ref().map(|a| a.to_lowercase()));
        let alias = self.next_alias();
        Ok(Scope { object: object.clone(), alias, names, joins: Vec::new() })
    }

    fn next_alias(&mut self) -> String {
        self.tables += 1;
        format!("t{}", self.tables - 1)
    }

    fn whole(
        &mut self,
        query: &Query,
        scope: &mut Scope,
        extra: Option<String>,
    ) -> Result<Compiled, QueryError> {
        if query.offset.is_some_and(|offset| offset > MAX_OFFSET) {
            let message = format!("Maximum SOQL offset allowed is {MAX_OFFSET}");
            return Err(QueryError::new("NUMBER_OUTSIDE_VALID_RANGE", message));
        }
        let (columns, shape) = self.selection(query, scope)?;
        let mut conditions = Vec::new();
        conditions.extend(extra);
        if !self.context.deleted {
            conditions.push(format!("{}.\"IsDeleted\" = 0", scope.alias));
        }
        if let Some(filter) = &query.filter {
            conditions.push(self.filter(scope, filter, false)?);
        }
        let mut tail = String::new();
        if !query.group_by.is_empty() {
            let mut by = Vec::new();
            for path in &query.group_by {
                by.push(self.groupable(scope, path)?.sql);
            }
            let _ = write!(tail, " GROUP BY {}", by.join(", "));
        }
        if let Some(having) = &query.having {
            if query.group_by.is_empty() {
                return Err(QueryError::malformed("HAVING needs GROUP BY"));
            }
            let _ = write!(tail, " HAVING {}", self.filter(scope, having, false)?);
        }
        if !matches!(shape, Shape::Count) {
            tail.push_str(&self.order(query, scope, &shape)?);
        }
        let limit = query.limit.map_or(-1, |n| i64::try_from(n).unwrap_or(i64::MAX));
        let offset = query.offset.map_or(0, |n| i64::try_from(n).unwrap_or(i64::MAX));
        let limit = self.params.bind(limit);
        let offset = self.params.bind(offset);
        let _ = write!(tail, " LIMIT {limit} OFFSET {offset}");

        let select = if columns.is_empty() { "1".to_owned() } else { columns.join(", ") };
        let mut sql = format!("SELECT {select} FROM {}{}{tail}", scope.tables(), where_clause(&conditions));
        if matches!(shape, Shape::Count) {
            sql = format!("SELECT COUNT(*) FROM ({sql})");
        }
        Ok(Compiled { sql, params: std::mem::take(&mut self.params).0, shape })
    }

    /// A query inside IN: one column of ids.
    pub fn inner(&mut self, query: &Query, at: usize) -> Result<String, QueryError> {
        let mut scope = self.scope(query)?;
        let [Select::Field { path, .. }] = query.select.as_slice() else {
            let error = QueryError::malformed("a sub-query of IN selects exactly one field");
            return Err(self.error_at(error, at));
        };
        let column = self.column(&mut scope, path)?;
        if !matches!(column.field.kind, Kind::Id | Kind::Reference) {
            let message =
                format!("the field {} of a sub-query of IN is neither an id nor a reference", path.text());
            return Err(self.error_at(QueryError::malformed(message), path.at));
        }
        let mut conditions =
            vec![format!("{}.\"IsDeleted\" = 0", scope.alias), format!("{} IS NOT NULL", column.sql)];
        if let Some(filter) = &query.filter {
            conditions.push(self.filter(&mut scope, filter, false)?);
        }
        Ok(format!("SELECT {} FROM {}{}", column.sql, scope.tables(), where_clause(&conditions)))
    }

    fn selection(&mut self, query: &Query, scope: &mut Scope) -> Result<(Vec<String>, Shape), QueryError> {
        if query.select == [Select::Count] {
            if !query.group_by.is_empty() {
                return Err(QueryError::malformed("COUNT() cannot stand beside GROUP BY; use COUNT(Id)"));
            }
            return Ok((Vec::new(), Shape::Count));
        }
        let aggregated = !query.group_by.is_empty()
            || query.select.iter().any(|item| matches!(item, Select::Aggregate { .. }));
        if aggregated { self.aggregates(query, scope) } else { self.records(query, scope) }
    }

    fn records(&mut self, query: &Query, scope: &mut Scope) -> Result<(Vec<String>, Shape), QueryError> {
        let root = scope.root();
        let mut columns = vec![format!("{}.\"Id\"", scope.alias)];
        let mut node = Node { object: scope.object.name.clone(), id: 0, kind: None, members: Vec::new() };
        let mut seen = HashSet::new();
        for item in &query.select {
            match item {
                Select::Field { path, alias } => {
                    if alias.is_some() {
                        let error =
                            QueryError::malformed("only aggregates and grouped fields can have an alias");
                        return Err(self.error_at(error, path.at));
                    }
                    let parts = scope.own(path);
                    if !seen.insert(parts.join(".").to_lowercase()) {
                        let message = format!("duplicate field selected: {}", parts.join("."));
                        return Err(self.error_at(QueryError::malformed(message), path.at));
                    }
                    self.place(scope, &root, &parts, path, &mut node, &mut columns)?;
                }
                Select::Fields { which, at } => {
                    if query.limit.is_none_or(|limit| limit > 200) {
                        let error = QueryError::malformed(
                            "The SOQL FIELDS function must have a LIMIT of at most 200",
                        );
                        return Err(self.error_at(error, *at));
                    }
                    for field in scope.object.clone().fields() {
                        let wanted = match which {
                            FieldSet::All => true,
                            FieldSet::Standard => !field.custom,
                            FieldSet::Custom => field.custom,
                        };
                        if wanted && seen.insert(field.name.to_lowercase()) {
                            let path = Path { parts: vec![field.name.clone()], at: *at };
                            self.place(scope, &root, &path.parts, &path, &mut node, &mut columns)?;
                        }
                    }
                }
                Select::Count => {
                    return Err(QueryError::malformed("COUNT() must be the only element of the SELECT list"));
                }
                Select::Aggregate { .. } => {
                    return Err(QueryError::malformed("an aggregate cannot stand here"));
                }
            }
        }
        Ok((columns, Shape::Records(node)))
    }

    /// Puts the field at `parts` into the tree of the answer, joining parents on the way.
    fn place(
        &mut self,
        scope: &mut Scope,
        table: &Table,
        parts: &[String],
        path: &Path,
        node: &mut Node,
        columns: &mut Vec<String>,
    ) -> Result<(), QueryError> {
        if let [name] = parts {
            let column = self.field(scope, table, name, path)?;
            columns.push(column.sql);
            node.members.push(Member::Value {
                name: column.field.name,
                column: columns.len() - 1,
                kind: column.field.kind,
            });
            return Ok(());
        }
        let Some((first, rest)) = parts.split_first() else { return Ok(()) };
        let (parent, relationship) = self.join(scope, table, first, path)?;
        let known = node
            .members
            .iter()
            .position(|m| matches!(m, Member::Parent { name, .. } if *name == relationship));
        let index = known.unwrap_or_else(|| {
            let any = parent.object.name == "Name";
            columns.push(format!("{}.\"Id\"", parent.alias));
            let id = columns.len() - 1;
            let kind = any.then(|| {
                columns.push(format!("{}.\"Type\"", parent.alias));
                columns.len() - 1
            });
            let inner = Node { object: parent.object.name.clone(), id, kind, members: Vec::new() };
            node.members.push(Member::Parent { name: relationship, node: inner });
            node.members.len() - 1
        });
        match &mut node.members[index] {
            Member::Parent { node, .. } => self.place(scope, &parent, rest, path, node, columns),
            Member::Value { .. } => Ok(()),
        }
    }

    fn aggregates(&mut self, query: &Query, scope: &mut Scope) -> Result<(Vec<String>, Shape), QueryError> {
        let mut columns = Vec::new();
        let mut names = Vec::new();
        let mut unnamed = 0;
        let grouped: Vec<Vec<String>> = query.group_by.iter().map(|path| lower(&scope.own(path))).collect();
        for item in &query.select {
            match item {
                Select::Field { path, alias } => {
                    let parts = scope.own(path);
                    if !grouped.contains(&lower(&parts)) {
                        let message = format!("Field must be grouped or aggregated: {}", path.text());
                        return Err(self.error_at(QueryError::malformed(message), path.at));
                    }
                    let column = self.groupable(scope, path)?;
                    columns.push(column.sql);
                    names.push((alias.clone().unwrap_or(column.field.name), column.field.kind));
                }
                Select::Aggregate { call, alias } => {
                    let (sql, kind) = self.aggregate(scope, call)?;
                    columns.push(sql);
                    let name = alias.clone().unwrap_or_else(|| {
                        unnamed += 1;
                        format!("expr{}", unnamed - 1)
                    });
                    names.push((name, kind));
                }
                Select::Count | Select::Fields { .. } => {
                    return Err(QueryError::malformed("COUNT() and FIELDS() cannot stand beside aggregates"));
                }
            }
        }
        Ok((columns, Shape::Aggregates(names)))
    }

    pub fn aggregate(&mut self, scope: &mut Scope, call: &Aggregate) -> Result<(String, Kind), QueryError> {
        let column = self.column(scope, &call.path)?;
        let kind = column.field.kind;
        let name = &column.field.name;
        let refused = |function: &str| {
            let message = format!("field {name} does not support aggregate operator {function}");
            Err(self.error_at(QueryError::malformed(message), call.path.at))
        };
        let sql = &column.sql;
        match call.function {
            Function::Count if column.field.filterable() => Ok((format!("COUNT({sql})"), Kind::Int)),
            Function::CountDistinct if column.field.filterable() => {
                Ok((format!("COUNT(DISTINCT {sql})"), Kind::Int))
            }
            Function::Sum if kind.is_number() => Ok((format!("SUM({sql})"), kind)),
            Function::Avg if kind.is_number() => Ok((format!("AVG({sql})"), Kind::Double)),
            Function::Min if column.field.filterable() && kind != Kind::Boolean => {
                Ok((format!("MIN({sql})"), kind))
            }
            Function::Max if column.field.filterable() && kind != Kind::Boolean => {
                Ok((format!("MAX({sql})"), kind))
            }
            Function::Count => refused("COUNT"),
            Function::CountDistinct => refused("COUNT_DISTINCT"),
            Function::Sum => refused("SUM"),
            Function::Avg => refused("AVG"),
            Function::Min => refused("MIN"),
            Function::Max => refused("MAX"),
        }
    }

    fn groupable(&mut self, scope: &mut Scope, path: &Path) -> Result<Column, QueryError> {
        let column = self.column(scope, path)?;
        if !column.field.groupable() {
            let message = format!("field '{}' can not be grouped in a query call", path.text());
            return Err(self.error_at(QueryError::malformed(message), path.at));
        }
        Ok(column)
    }

    fn order(&mut self, query: &Query, scope: &mut Scope, shape: &Shape) -> Result<String, QueryError> {
        let mut by = Vec::new();
        for Order { by: operand, descending, nulls_last, at } in &query.order_by {
            let sql = match operand {
                Operand::Field(path) => {
                    let column = self.column(scope, path)?;
                    if !column.field.filterable() {
                        let message = format!("field '{}' can not be sorted in a query call", path.text());
                        return Err(self.error_at(QueryError::malformed(message), *at));
                    }
                    column.sql
                }
                Operand::Aggregate(call) => self.aggregate(scope, call)?.0,
                Operand::Count => "COUNT(*)".to_owned(),
            };
            let direction = if *descending { "DESC" } else { "ASC" };
            let nulls = if *nulls_last { "LAST" } else { "FIRST" };
            by.push(format!("{sql} {direction} NULLS {nulls}"));
        }
        if matches!(shape, Shape::Records(_)) {
            // Ties stay in the order of creation, so that answers repeat and pages do not overlap.
            by.push(format!("{}.rowid", scope.alias));
        }
        Ok(if by.is_empty() { String::new() } else { format!(" ORDER BY {}", by.join(", ")) })
    }

    /// The column at `path`, joining parents as needed.
    pub fn column(&mut self, scope: &mut Scope, path: &Path) -> Result<Column, QueryError> {
        let parts = scope.own(path);
        let mut table = scope.root();
        let Some((name, parents)) = parts.split_last() else {
            return Err(self.error_at(QueryError::malformed("a field is missing"), path.at));
        };
        if parents.len() > MAX_LEVELS {
            let message = format!("more than {MAX_LEVELS} levels to a parent: {}", path.text());
            return Err(self.error_at(QueryError::malformed(message), path.at));
        }
        for word in parents {
            table = self.join(scope, &table, word, path)?.0;
        }
        self.field(scope, &table, name, path)
    }

    fn field(
        &mut self,
        scope: &mut Scope,
        table: &Table,
        name: &str,
        path: &Path,
    ) -> Result<Column, QueryError> {
        let Some(field) = table.object.field(name) else {
            let message = format!(
                "No such column '{name}' on entity '{}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.",
                table.object.name
            );
            return Err(self.error_at(QueryError::field(message), path.at));
        };
        let field = field.clone();
        if let Some(formula) = &field.formula {
            let mut source = table.clone();
            let mut parts: Vec<&str> = formula.split('.').collect();
            let last = parts.pop().unwrap_or_default();
            for word in parts {
                source = self.join(scope, &source, word, path)?.0;
            }
            return Ok(Column { sql: format!("{}.\"{last}\"", source.alias), field });
        }
        Ok(Column { sql: format!("{}.\"{}\"", table.alias, field.name), field })
    }

    /// The parent's table and the relationship as the schema spells it.
    fn join(
        &mut self,
        scope: &mut Scope,
        from: &Table,
        word: &str,
        path: &Path,
    ) -> Result<(Table, String), QueryError> {
        let Some(field) = from.object.relationship(word) else {
            let message = format!(
                "Didn't understand relationship '{word}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names."
            );
            return Err(self.error_at(QueryError::field(message), path.at));
        };
        let relationship = field.relationship.clone().unwrap_or_default();
        if let Some(join) = scope.joins.iter().find(|j| j.from == from.alias && j.field == field.name) {
            return Ok((join.table.clone(), relationship));
        }
        let target = match field.references.as_slice() {
            [one] => self.context.schema.object(one).cloned(),
            _ => Some(self.context.schema.any().clone()),
        };
        let Some(object) = target else {
            let message = format!("the sandbox has no object {}", field.references.join(", "));
            return Err(self.error_at(QueryError::field(message), path.at));
        };
        let table = Table { alias: self.next_alias(), object };
        scope.joins.push(Join { from: from.alias.clone(), field: field.name.clone(), table: table.clone() });
        Ok((table, relationship))
    }
}

impl Scope {
    fn root(&self) -> Table {
        Table { alias: self.alias.clone(), object: self.object.clone() }
    }

    /// `path` without the object's own name or alias before it.
    fn own(&self, path: &Path) -> Vec<String> {
        match path.parts.split_first() {
            Some((first, rest)) if !rest.is_empty() && self.names.contains(&first.to_lowercase()) => {
                rest.to_vec()
            }
            _ => path.parts.clone(),
        }
    }

    fn tables(&self) -> String {
        let mut sql = format!("\"{}\" {}", self.object.name, self.alias);
        for Join { from, field, table } in &self.joins {
            let Table { alias, object } = table;
            let _ =
                write!(sql, " LEFT JOIN \"{}\" {alias} ON {alias}.\"Id\" = {from}.\"{field}\"", object.name);
        }
        sql
    }
}

fn lower(parts: &[String]) -> Vec<String> {
    parts.iter().map(|p| p.to_lowercase()).collect()
}

fn where_clause(conditions: &[String]) -> String {
    if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) }
}
