//! Jobs of the simulated Amazon Transcribe.

use serde_json::{Value, json};

use crate::harness::Instance;
use crate::rest::{Answer, authorization};

const BUCKET: &str = "tieline-sandbox-connect";

impl Instance {
    async fn start_job(&self, name: &str, contact: &str) -> Answer {
        let recording = format!("connect/sandbox/CallRecordings/2026/11/20/{contact}_20261120T12:00_UTC.wav");
        let ask = json!({
            "TranscriptionJobName": name,
            "LanguageCode": "en-US",
            "MediaFormat": "wav",
            "Media": {"MediaFileUri": format!("s3://{BUCKET}/{recording}")},
            "OutputBucketName": BUCKET,
            "Settings": {"ChannelIdentification": true},
        });
        self.operation("transcribe", "Transcribe.StartTranscriptionJob", &ask).await
    }

    async fn job(&self, name: &str) -> Value {
        let ask = json!({"TranscriptionJobName": name});
        let answer = self.operation("transcribe", "Transcribe.GetTranscriptionJob", &ask).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["TranscriptionJob"].clone()
    }

    async fn transcript(&self, name: &str) -> Value {
        serde_json::from_slice(&self.object(&format!("{name}.json")).await).unwrap()
    }
}

/// Words and marks of a side.
fn heard(transcript: &Value, channel: usize) -> Vec<&str> {
    let items = transcript["results"]["channel_labels"]["channels"][channel]["items"].as_array().unwrap();
    items.iter().map(|item| item["alternatives"][0]["content"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_job_is_done_after_five_seconds_and_says_so() {
    let mut instance = Instance::start().await;
    instance.make("nora.quist", "Available").await;
    let contact = instance.call(json!({"from": "+12025550143"})).await;
    instance.act(&contact, "accept").await;
    instance.act_with(&contact, "speak", json!({"text": "Hello, Nora."})).await;
    instance.act_with(&contact, "speak", json!({"text": "Good day", "who": "agent"})).await;
    instance.events(3).await;

    let started = instance.start_job("c_1", &contact).await;
    assert_eq!(started.status, 200, "{}", started.body);
    assert_eq!(started.body["TranscriptionJob"]["TranscriptionJobStatus"], "IN_PROGRESS");
    let again = instance.start_job("c_1", &contact).await;
    assert_eq!((again.status, again.code.as_str()), (400, "ConflictException"));
    assert_eq!(again.body["__type"], "ConflictException");
    instance.advance("PT4.9S").await;
    let under_way = instance.job("c_1").await;
    assert_eq!(under_way["TranscriptionJobStatus"], "IN_PROGRESS");
    assert_eq!((under_way.get("Transcript"), under_way.get("CompletionTime")), (None, None));
    instance.settled_deliveries().await;
    assert!(instance.nothing_arrived());
    instance.advance("PT0.1S").await;

    let told = instance.next().await.body;
    assert_eq!(
        (&told["source"], &told["detail-type"]),
        (&json!("aws.transcribe"), &json!("Transcribe Job State Change"))
    );
    let detail = json!({"TranscriptionJobName": "c_1", "TranscriptionJobStatus": "COMPLETED"});
    assert_eq!(told["detail"], detail);
    let job = instance.job("c_1").await;
    let file = format!("https://s3.us-east-1.amazonaws.com/{BUCKET}/c_1.json");
    assert_eq!(job["Transcript"]["TranscriptFileUri"], file);
    assert_eq!(job["LanguageCode"], "en-US");
    assert_eq!(
        (&job["CreationTime"], &job["CompletionTime"]),
        (&json!(1_795_176_000.0), &json!(1_795_176_005.0))
    );
    let transcript = instance.transcript("c_1").await;
    assert_eq!(heard(&transcript, 0), ["Hello", ",", "Nora", "."]);
    assert_eq!(heard(&transcript, 1), ["Good", "day"]);
    let items = &transcript["results"]["channel_labels"]["channels"][1]["items"];
    assert_eq!((&items[0]["start_time"], &items[0]["end_time"]), (&json!("1.100"), &json!("1.500")));
    assert_eq!(transcript["results"]["items"].as_array().unwrap().len(), 6);
    let deliveries = instance.settled_deliveries().await;
    assert_eq!(deliveries.last().unwrap()["contactId"], contact);
}

#[tokio::test]
async fn a_job_ends_when_and_as_it_is_asked_to() {
    let mut instance = Instance::start().await;
    instance.start_job("first", "nobody").await;
    instance.start_job("second", "nobody").await;
    let said = json!([{"who": "agent", "text": "Is it done?"}, {"who": "customer", "text": "Yes!"}]);

    let (status, done) = instance.post("/transcriptions", json!({"job": "first", "said": said})).await;
    assert_eq!((status.as_u16(), &done["status"]), (200, &json!("COMPLETED")));
    let (_, failed) = instance.post("/transcriptions", json!({"job": "second", "fail": "no sound"})).await;
    assert_eq!(failed["status"], "FAILED");

    let transcript = instance.transcript("first").await;
    assert_eq!(
        (heard(&transcript, 0), heard(&transcript, 1)),
        (vec!["Yes", "!"], vec!["Is", "it", "done", "?"])
    );
    let mut ends = [instance.next().await, instance.next().await]
        .map(|told| told.body["detail"]["TranscriptionJobStatus"].as_str().unwrap().to_owned());
    ends.sort();
    assert_eq!(ends, ["COMPLETED", "FAILED"]);
    let job = instance.job("second").await;
    assert_eq!((&job["FailureReason"], job.get("Transcript")), (&json!("no sound"), None));
    let jobs = instance.get("/transcriptions").await;
    assert_eq!((&jobs[0]["job"], &jobs[1]["key"]), (&json!("first"), &json!("second.json")));
    for (ask, status) in [
        (json!({"job": "first"}), 409),
        (json!({"job": "third"}), 404),
        (json!({"job": "first", "said": []}), 422),
    ] {
        assert_eq!(instance.post("/transcriptions", ask).await.0, status);
    }
    instance.advance("PT5S").await;
    instance.settled_deliveries().await;
    assert!(instance.nothing_arrived(), "their time was over already");
}

#[tokio::test]
async fn what_cannot_be_a_job_is_refused() {
    let instance = Instance::start().await;
    let refused = async |target: &str, body: Value| {
        let answer = instance.operation("transcribe", target, &body).await;
        (answer.status, answer.code)
    };
    let bad = (400, "BadRequestException".to_owned());
    assert_eq!(refused("Transcribe.GetTranscriptionJob", json!({"TranscriptionJobName": "x"})).await, bad);
    assert_eq!(
        refused("Transcribe.StartTranscriptionJob", json!({"TranscriptionJobName": "a b"})).await,
        bad
    );
    assert_eq!(refused("Transcribe.StartTranscriptionJob", json!({"TranscriptionJobName": "x"})).await, bad);
    let unknown = (400, "UnknownOperationException".to_owned());
    assert_eq!(refused("Transcribe.DeleteTranscriptionJob", json!({})).await, unknown);
    assert_eq!(refused("Nothing", json!({})).await, unknown);

    let url = format!("{}/", instance.connect.url());
    let ask = |service: &str| {
        let request = instance.http.post(&url).header("authorization", authorization(service));
        request
            .header("x-amz-date", "20261120T120000Z")
            .header("x-amz-target", "Transcribe.GetTranscriptionJob")
    };
    let other = ask("comprehend").send().await.unwrap();
    assert_eq!(other.headers()["x-amzn-errortype"], "InvalidSignatureException");
    let empty = ask("transcribe").send().await.unwrap();
    assert_eq!(empty.headers()["x-amzn-errortype"], "SerializationException");
}
