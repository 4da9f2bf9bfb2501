use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use tieline_amazon_connect::{
    AmazonConnect, Batch, BatchItem, FirehoseAnswer, Said, UnreadableRecord, read_item, request_id,
};
use tieline_core::{ContactCenter, Delivery, DeliverySource, error_chain};

use crate::input::{parts, says_nothing_of, text};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// A delivery is refused without a word of what is in it, or taken apart into parts that are decoded
/// to the same every time. A record is the same record in every wrapping it can come in.
pub fn contact_record(data: &[u8]) {
    let document = serde_json::from_slice::<Value>(data).unwrap_or(Value::Null);
    let connect = AmazonConnect::default();
    for source in [DeliverySource::Event, DeliverySource::Stream] {
        match connect.split(source, data, NOW) {
            Ok(deliveries) => deliveries.iter().for_each(|delivery| decoded(&connect, delivery, &document)),
            Err(error) => says_nothing_of(&document, &error_chain(&error), messages),
        }
    }
    if let Some(batch) = Batch::read(&document) {
        for item in &batch.items {
            assert_eq!(read_item(item), read_item(item));
        }
    }
    wrapped(data);

    if let Some(id) = request_id(data) {
        let answer: Value =
            serde_json::from_str(&FirehoseAnswer::stored(&id, NOW).body).expect("an answer is JSON");
        assert_eq!(answer["requestId"], id);
    }
}

/// All that is said against a delivery.
fn messages(document: &Value) -> Vec<String> {
    let connect = AmazonConnect::default();
    let data = document.to_string();
    [DeliverySource::Event, DeliverySource::Stream]
        .into_iter()
        .flat_map(|source| match connect.split(source, data.as_bytes(), NOW) {
            Ok(deliveries) => {
                let refused = deliveries.iter().filter_map(|delivery| connect.decode(delivery).err());
                refused.map(|error| error_chain(&error)).collect()
            }
            Err(error) => vec![error_chain(&error)],
        })
        .collect()
}

fn decoded(connect: &AmazonConnect, delivery: &Delivery, document: &Value) {
    let changes = match connect.decode(delivery) {
        Ok(changes) => changes,
        Err(error) => return says_nothing_of(document, &error_chain(&error), messages),
    };
    assert_eq!(connect.decode(delivery).expect("as before"), changes);
    for change in changes {
        assert!(!change.contact.as_str().is_empty());
        let kept = serde_json::to_string(&change.document).expect("what is kept is JSON");
        let read = serde_json::from_str(&kept).expect("what is kept can be read");
        assert_eq!(change.document, read, "{kept}");
    }
}

/// What `data` says is the same, whoever hands it over.
fn wrapped(data: &[u8]) {
    let plain = read_item(&BatchItem { id: String::new(), data: Some(data.to_vec()) });
    if let Ok(said) = &plain {
        for said in said {
            let Said::Record(record) = said else { continue };
            assert_eq!(record.document["ContactId"], record.contact.as_str());
        }
    }
    let encoded = STANDARD.encode(data);
    let mut events = vec![
        json!({"Records": [{"kinesis": {"sequenceNumber": "7", "data": encoded}}]}),
        json!([{"sequenceNumber": "7", "data": encoded}]),
        json!({"invocationId": "i", "records": [{"recordId": "r", "data": encoded}]}),
        json!({"requestId": "q", "records": [{"data": encoded}]}),
        json!({"record": encoded}),
    ];
    if let Ok(text) = str::from_utf8(data) {
        events.push(json!({"Records": [{"messageId": "m", "body": text}]}));
        events.push(json!([{"messageId": "m", "body": text}]));
        events.push(json!({"Records": [{"Sns": {"Message": text}}]}));
    }
    for event in events {
        let batch = Batch::read(&event).expect("a form we know");
        let [item] = &batch.items[..] else { panic!("one item: {event}") };
        assert_eq!(read_item(item), plain, "{event}");
    }
    // In an event's envelope, a record is that record.
    if let Ok(said) = &plain
        && let [Said::Record(record)] = &said[..]
    {
        let event = json!({"detail-type": "Contact Record", "detail": record.document}).to_string();
        let item = BatchItem { id: String::new(), data: Some(event.into_bytes()) };
        assert_eq!(read_item(&item).as_deref(), Ok(&said[..]));
    }
    if let Err(UnreadableRecord::Encoding) = plain {
        panic!("nothing was encoded");
    }
}

/// A delivery's key is of its content and of nothing else: not of when it came, of what stands
/// around it, or of how it was cut into requests. (two bodies)
pub fn delivery_key(data: &[u8]) {
    let input = text(data);
    let [first, second] = parts(&input);
    let connect = AmazonConnect::default();
    let later = Timestamp::constant(1_780_000_000, 0);
    for source in [DeliverySource::Event, DeliverySource::Stream] {
        let Ok(now) = connect.split(source, first.as_bytes(), NOW) else { continue };
        let then = connect.split(source, first.as_bytes(), later).expect("as before");
        assert_eq!(keys(&now), keys(&then));
        for (delivery, again) in now.iter().zip(&then) {
            assert!((1..=128).contains(&delivery.dedupe_key.len()), "{}", delivery.dedupe_key);
            assert_eq!(delivery.body, again.body);
        }
        // One key, one content: but an event, or an object, brings its own.
        let own = |delivery: &&Delivery| source == DeliverySource::Event && delivery.dedupe_key.len() != 64;
        let of_content: Vec<&Delivery> = now.iter().filter(|delivery| !own(delivery)).collect();
        let bodies: BTreeSet<&[u8]> = of_content.iter().map(|delivery| delivery.body.as_slice()).collect();
        let keys: BTreeSet<&str> = of_content.iter().map(|delivery| delivery.dedupe_key.as_str()).collect();
        assert_eq!(bodies.len(), keys.len());
    }

    let stream = |records: &[&str]| {
        let records: Vec<Value> = records.iter().map(|data| json!({"data": STANDARD.encode(data)})).collect();
        let body = json!({"requestId": "r", "records": records}).to_string();
        connect.split(DeliverySource::Stream, body.as_bytes(), NOW).expect("a batch")
    };
    let apart = stream(&[first, second]);
    assert_eq!(keys(&stream(&[&format!("\n {first}\r\n"), second])), keys(&apart));
    let is_one = |text: &str| serde_json::from_str::<Value>(text).is_ok();
    if is_one(first) && is_one(second) {
        assert_eq!(apart.len(), 2);
        assert_eq!(keys(&stream(&[&format!("{first}\n{second}")])), keys(&apart));
        assert_eq!(apart[0].dedupe_key == apart[1].dedupe_key, first.trim() == second.trim());
    }
}

fn keys(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.dedupe_key.as_str()).collect()
}
