//! Contact Lens analyses in the instance's bucket.

use serde_json::{Value, json};

use crate::harness::Instance;

impl Instance {
    /// A call that was answered at noon and is over.
    pub async fn talked(&mut self) -> String {
        self.make("nora.quist", "Available").await;
        let contact = self.call(json!({"from": "+12025550143"})).await;
        self.act(&contact, "accept").await;
        self.act(&contact, "hangup").await;
        self.events(4).await;
        contact
    }

    /// The bytes of an object of the bucket.
    pub async fn object(&self, key: &str) -> Vec<u8> {
        let url = format!("{}/s3/tieline-sandbox-connect/{key}", self.connect.url());
        let found = self.http.get(format!("{url}?X-Amz-Signature=0")).send().await.unwrap();
        assert_eq!(found.status(), 200, "{key}");
        found.bytes().await.unwrap().to_vec()
    }

    async fn analysis(&self, ask: Value) -> (Value, Value) {
        let (status, written) = self.post("/analyses", ask).await;
        assert_eq!(status, 201, "{written}");
        let file = self.object(written["key"].as_str().unwrap()).await;
        (written, serde_json::from_slice(&file).unwrap())
    }
}

#[tokio::test]
async fn the_analysis_of_a_call_lies_in_the_bucket_and_tieline_is_told() {
    let mut instance = Instance::start().await;
    let contact = instance.talked().await;

    let said = json!([
        {"who": "customer", "text": "There is a problem with my bill."},
        {"who": "agent", "text": "Thank you, I look at it."},
        {"who": "customer", "text": "Great."},
    ]);
    let (written, file) = instance.analysis(json!({"contact": contact, "said": said})).await;

    let key = format!("Analysis/Voice/2026/11/20/{contact}_analysis_2026-11-20T12:00:00Z.json");
    assert_eq!(written["key"], key);
    assert_eq!(file["CustomerMetadata"]["ContactId"], contact);
    assert_eq!(file["CustomerMetadata"]["InstanceId"], "11111111-2222-4333-8444-555555555555");
    assert_eq!(file["Categories"]["MatchedCategories"], json!(["Billing"]));
    let traits = &file["ConversationCharacteristics"];
    assert_eq!(traits["TotalConversationDurationMillis"], 2800 + 300 + 2400 + 300 + 400);
    assert_eq!(traits["Sentiment"]["OverallSentiment"], json!({"CUSTOMER": 0.0, "AGENT": 5.0}));
    let quarters = traits["Sentiment"]["SentimentByPeriod"]["QUARTER"]["CUSTOMER"].as_array().unwrap();
    let scores: Vec<&Value> = quarters.iter().map(|quarter| &quarter["Score"]).collect();
    assert_eq!(json!(scores), json!([-5.0, 0.0, 0.0, 5.0]));
    assert_eq!(traits["TalkSpeed"]["DetailsByParticipant"]["AGENT"]["AverageWordsPerMinute"], 150);
    assert_eq!(traits["TalkTime"]["TotalTimeMillis"], 5600);
    assert_eq!(traits["NonTalkTime"]["TotalTimeMillis"], 0);
    let turn = &file["Transcript"][1];
    assert_eq!((&turn["ParticipantId"], &turn["Sentiment"]), (&json!("AGENT"), &json!("POSITIVE")));
    assert_eq!((&turn["BeginOffsetMillis"], &turn["EndOffsetMillis"]), (&json!(3100), &json!(5500)));
    assert_eq!(turn["LoudnessScore"].as_array().unwrap().len(), 3);
    assert_eq!(turn.get("Redaction"), None);
    let input = file["CustomerMetadata"]["InputS3Uri"].as_str().unwrap();
    let recording = input.strip_prefix("s3://tieline-sandbox-connect/").unwrap();
    assert!(recording.ends_with(&format!("CallRecordings/2026/11/20/{contact}_20261120T12:00_UTC.wav")));
    assert!(instance.object(recording).await.starts_with(b"RIFF"));

    let told = instance.next().await;
    assert_eq!(told.header("x-tieline-key"), "sandbox-eventbridge-key");
    assert_eq!(
        (&told.body["source"], &told.body["detail-type"]),
        (&json!("aws.s3"), &json!("Object Created"))
    );
    assert_eq!(told.body["detail"]["bucket"]["name"], "tieline-sandbox-connect");
    assert_eq!(told.body["detail"]["object"]["key"], key);
    let object = &written["event"]["Records"][0]["s3"]["object"];
    assert_eq!(object["key"], key.replace(':', "%3A"));
    assert_eq!(object["size"], told.body["detail"]["object"]["size"]);
    let delivery = instance.settled_deliveries().await.pop().unwrap();
    assert_eq!((&delivery["eventType"], &delivery["contactId"]), (&json!("Object Created"), &json!(contact)));
}

#[tokio::test]
async fn a_redacted_analysis_hides_numbers_and_has_a_recording_beside_it() {
    let mut instance = Instance::start().await;
    let contact = instance.talked().await;
    let said = json!([{"who": "customer", "text": "It is 4711 0815."}]);

    let (written, file) = instance.analysis(json!({"redacted": true, "said": said, "deliver": false})).await;

    let folder = "Analysis/Voice/Redacted/2026/11/20";
    assert_eq!(
        written["key"],
        format!("{folder}/{contact}_analysis_redacted_2026-11-20T12:00:00Z.json"),
        "the newest contact that is over"
    );
    assert_eq!(file["ContentMetadata"]["Output"], "Redacted");
    let turn = &file["Transcript"][0];
    assert_eq!(turn["Content"], "It is [PII].");
    // 1,600 ms for 16 characters.
    let hidden = json!([{"BeginOffsetMillis": 600, "EndOffsetMillis": 1500}]);
    assert_eq!(turn["Redaction"]["RedactedTimestamps"], hidden);
    let recording = format!("{folder}/{contact}_call_recording_redacted_2026-11-20T12:00:00Z.wav");
    assert_eq!(&instance.object(&recording).await[..4], b"RIFF");
    instance.settled_deliveries().await;
    assert!(instance.nothing_arrived());
}

#[tokio::test]
async fn a_chat_has_messages_with_their_times() {
    let mut instance = Instance::start().await;
    let contact = instance.talked().await;
    let said = json!([
        {"who": "customer", "text": "I want a refund for order 4711."},
        {"who": "agent", "text": "Let me look."},
    ]);

    let ask = json!({"contact": contact, "channel": "chat", "redacted": true, "said": said});
    let (written, file) = instance.analysis(ask).await;

    let key =
        format!("Analysis/Chat/Redacted/2026/11/20/{contact}_analysis_redacted_2026-11-20T12:00:00Z.json");
    assert_eq!((&written["key"], &file["Channel"]), (&json!(key), &json!("CHAT")));
    let message = &file["Transcript"][0];
    assert_eq!(message["Content"], "I want a refund for order [PII].");
    assert_eq!(
        message["Redaction"]["CharacterOffsets"],
        json!([{"BeginOffsetChar": 26, "EndOffsetChar": 31}])
    );
    assert_eq!(message["ParticipantId"], file["Participants"][0]["ParticipantId"]);
    assert_eq!(file["Transcript"][1]["AbsoluteTime"], "2026-11-20T12:00:03.100Z");
    let sentiment = &file["ConversationCharacteristics"]["Sentiment"];
    assert_eq!(sentiment["OverallSentiment"]["DetailsByParticipantRole"]["CUSTOMER"], 0.0);
    let item = &file["Categories"]["MatchedDetails"]["Refund"]["PointsOfInterest"][0]["TranscriptItems"][0];
    assert_eq!(item["Id"], message["Id"]);
}

#[tokio::test]
async fn what_was_said_on_the_call_is_analysed_where_nothing_else_is_told() {
    let instance = Instance::start().await;
    instance.make("nora.quist", "Available").await;
    let contact = instance.call(json!({"from": "+12025550143"})).await;
    instance.act(&contact, "accept").await;
    instance.act_with(&contact, "speak", json!({"text": "Hello"})).await;
    let early = instance.post("/analyses", json!({"contact": contact})).await;
    assert_eq!((early.0.as_u16(), early.1["code"].as_str()), (409, Some("conflict")));
    instance.advance("PT10S").await;
    instance.act_with(&contact, "speak", json!({"text": "Good day", "who": "agent"})).await;
    instance.act(&contact, "hangup").await;

    let (_, file) = instance.analysis(json!({})).await;

    assert_eq!(file["Transcript"][1]["Content"], "Good day");
    assert_eq!(file["Transcript"][1]["BeginOffsetMillis"], 10_000);
    assert_eq!(file["ConversationCharacteristics"]["NonTalkTime"]["TotalTimeMillis"], 9_600);
    for ask in [
        json!({"contact": "nobody"}),
        json!({"said": []}),
        json!({"said": [{"who": "agent", "text": " "}]}),
        json!({"said": [{"who": "nobody", "text": "x"}]}),
        json!({"channel": "email"}),
        json!({"more": true}),
    ] {
        let refused = instance.post("/analyses", ask.clone()).await.0;
        assert!(refused.is_client_error(), "{ask}: {refused}");
    }
}
