use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tieline_amazon_connect::{Batch, BatchForm};
use tieline_core::DeliverySource;
use tracing::warn;

use super::Work;
use crate::LambdaError;
use crate::context::Context;
use crate::forward::{self, ForwardError};

/// The server takes 8 MiB after unpacking; base64 makes three bytes four.
const REQUEST: usize = 5 * 1024 * 1024;

/// As many as Firehose sends at once.
const RECORDS: usize = 500;

/// Hands every item to the server, together where they are many. The server judges each by itself,
/// and keeps what it cannot read as a dead letter.
pub(super) async fn run(context: &Context, batch: &Batch) -> Work {
    let mut work = Work::default();
    if batch.form == BatchForm::Whole && batch.items.len() == 1 {
        whole(context, batch, &mut work).await;
        return work;
    }
    let mut request: Vec<(usize, &[u8])> = Vec::new();
    let mut size = 0;
    for (place, item) in batch.items.iter().enumerate() {
        let Some(data) = item.data.as_deref() else {
            let problem = format!("record {place}: the data is not encoded as its sender encodes it");
            work.fail(place, LambdaError::malformed_event(problem), true);
            continue;
        };
        if !request.is_empty() && (size + data.len() > REQUEST || request.len() == RECORDS) {
            send(context, &request, &mut work).await;
            request.clear();
            size = 0;
        }
        size += data.len();
        request.push((place, data));
    }
    if !request.is_empty() {
        send(context, &request, &mut work).await;
    }
    work
}

async fn send(context: &Context, request: &[(usize, &[u8])], work: &mut Work) {
    let records: Vec<_> = request.iter().map(|(_, data)| json!({ "data": STANDARD.encode(data) })).collect();
    let now = context.clock.now();
    let body = json!({ "requestId": format!("tieline-{}", now.as_millisecond()), "timestamp": now.as_millisecond(), "records": records });
    let sent = forward::deliver(context, DeliverySource::Stream, body.to_string().into_bytes()).await;
    note(sent, request.iter().map(|(place, _)| *place), work);
}

/// An event keeps the id by which the server knows it again; anything else goes as a record.
async fn whole(context: &Context, batch: &Batch, work: &mut Work) {
    let data = batch.items[0].data.clone().unwrap_or_default();
    let is_event = serde_json::from_slice::<serde_json::Value>(&data)
        .is_ok_and(|document| document.get("detail-type").is_some() && document.get("detail").is_some());
    if is_event {
        let sent = forward::deliver(context, DeliverySource::Event, data).await;
        note(sent, std::iter::once(0), work);
    } else {
        send(context, &[(0, &data)], work).await;
    }
}

fn note(sent: Result<(), ForwardError>, places: impl Iterator<Item = usize>, work: &mut Work) {
    match sent {
        Ok(()) => work.done += places.count(),
        Err(error) => {
            warn!(%error, "Deliveries wait with their sender");
            for place in places {
                work.fail(place, error.clone().into(), error.permanent);
            }
        }
    }
}
