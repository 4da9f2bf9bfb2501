//! The field maps against the org: what would be left out of records, told before any is written.

use serde_json::{Map, Value, json};

use crate::LambdaError;
use crate::context::{Context, ONE_RECORD};
use crate::name::Manner;
use crate::rows;

/// Answers `{"ok": …, "<map>": {"object": …, "problems": [ … ]}}`, for every map in force. Writes nothing.
pub(crate) async fn run(context: &Context) -> Result<Value, LambdaError> {
    let salesforce = context.org_for_the_rest(ONE_RECORD).await?;
    let namespace = salesforce.namespace();
    let mut answer = Map::new();
    let mut ok = true;
    for (name, map) in context.maps()?.iter() {
        let object = map.object(namespace);
        let problems = match salesforce.fields(&object).await {
            Ok(fields) => rows::complaints(map, namespace, &fields),
            Err(error) if error.kind.is_target_down() => {
                return Err(LambdaError::of_crm(Manner::Ours, error));
            }
            Err(error) => vec![LambdaError::of_crm(Manner::Ours, error).error_message],
        };
        ok &= problems.is_empty();
        answer.insert(name.to_owned(), json!({ "object": object, "problems": problems }));
    }
    answer.insert("ok".into(), ok.into());
    Ok(answer.into())
}
