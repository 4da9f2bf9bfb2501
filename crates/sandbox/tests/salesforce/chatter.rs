use serde_json::json;

use crate::harness::Org;

#[tokio::test]
async fn posts_and_comments_stand_on_the_record_and_queries_find_them() {
    let org = Org::start().await;
    let case = org.post("/sobjects/Case", json!({"Subject": "Bill"})).await.id();
    let post = json!({
        "body": {"messageSegments": [{"type": "Text", "text": "Called, ask "},
                                     {"type": "Mention", "id": "005000000000005AAA"}]},
        "feedElementType": "FeedItem", "subjectId": case,
    });
    let posted = org.post("/chatter/feed-elements", post).await;
    assert_eq!(posted.status, 201);
    assert!(posted.id().starts_with("0D5"), "{posted:?}");
    let text = posted.body["body"]["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("Called, ask @"), "{text}");

    let items = format!("/chatter/feed-elements/{}/capabilities/comments/items", posted.id());
    let comment = json!({"body": {"messageSegments": [{"type": "Text", "text": "Done"}]}});
    let commented = org.post(&items, comment).await;
    assert_eq!(commented.status, 201);
    assert!(commented.id().starts_with("0D7"), "{commented:?}");

    let read = org.get(&format!("/chatter/feed-elements/{}", posted.id())).await;
    assert_eq!(read.body["parent"]["id"], json!(case));
    assert_eq!(read.body["capabilities"]["comments"]["page"]["items"][0]["body"]["text"], "Done");
    let query = format!("/query?q=SELECT+Body+FROM+FeedItem+WHERE+ParentId='{case}'");
    assert_eq!(org.get(&query).await.body["records"][0]["Body"], json!(text));
    assert_eq!(org.count("FeedComment").await, 1);
}

#[tokio::test]
async fn what_cannot_be_posted_is_refused_and_leaves_nothing() {
    let org = Org::start().await;
    let text = json!({"messageSegments": [{"type": "Text", "text": "x"}]});
    for (body, status, code) in [
        (json!({"subjectId": "me", "body": text}), 400, "POST_BODY_PARSE_ERROR"),
        (json!({"subjectId": "me", "feedElementType": "Poll", "body": text}), 400, "POST_BODY_PARSE_ERROR"),
        (json!({"feedElementType": "FeedItem", "body": text}), 400, "POST_BODY_PARSE_ERROR"),
        (json!({"subjectId": "zzz", "feedElementType": "FeedItem", "body": text}), 400, "INVALID_ID_FIELD"),
        (
            json!({"subjectId": "003000000000zzz", "feedElementType": "FeedItem", "body": text}),
            404,
            "NOT_FOUND",
        ),
        (
            json!({"subjectId": "me", "feedElementType": "FeedItem", "body": {"messageSegments": []}}),
            400,
            "MISSING_ARGUMENT",
        ),
    ] {
        let refused = org.post("/chatter/feed-elements", body.clone()).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (status, code), "{body}");
    }
    let nowhere = "/chatter/feed-elements/0D5000000000zzz/capabilities/comments/items";
    let refused = org.post(nowhere, json!({"body": text})).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (404, "NOT_FOUND"));
    assert_eq!((org.count("FeedItem").await, org.count("FeedComment").await), (0, 0));
}
