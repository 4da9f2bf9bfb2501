//! Posts and comments in the org's feeds.
//!
//! "Connect REST API Developer Guide", Post a Feed Element; Post a Comment to a Feed Element;
//! Message Segment Input, read 2026-11-21. Its "Status Codes and Error Responses" lists statuses (400
//! for an id of the wrong kind, 403, 404 for what is gone) and no codes, so none is relied upon here.

use serde_json::{Value, json};

use crate::client::{Call, Client};
use crate::failure::Failure;
use crate::wire::CreateAnswer;

/// Posts on a record (`subject`) and answers the feed element's id.
pub(crate) async fn post(
    client: &Client,
    element: &Value,
    subject: &Value,
    text: &Segment<'_>,
    mention: Option<&Value>,
) -> Result<String, Failure> {
    let mut segments = vec![text.json()];
    segments.extend(mention.map(|id| json!({ "type": "Mention", "id": id })));
    let body = json!({
        "body": { "messageSegments": segments }, "feedElementType": element, "subjectId": subject,
    });
    let call = Call::new(reqwest::Method::POST, &["chatter", "feed-elements"]).json(&body);
    Ok(client.call::<CreateAnswer>(call).await?.id)
}

/// Comments on a feed element and answers the comment's id.
pub(crate) async fn comment(client: &Client, element: &str, text: &Segment<'_>) -> Result<String, Failure> {
    let path = ["chatter", "feed-elements", element, "capabilities", "comments", "items"];
    let body = json!({ "body": { "messageSegments": [text.json()] } });
    Ok(client.call::<CreateAnswer>(Call::new(reqwest::Method::POST, &path).json(&body)).await?.id)
}

/// A piece of a message.
pub(crate) struct Segment<'a> {
    /// `Text`, unless an author says otherwise.
    pub kind: &'a Value,
    pub text: &'a str,
}

impl Segment<'_> {
    fn json(&self) -> Value {
        json!({ "type": self.kind, "text": self.text })
    }
}
