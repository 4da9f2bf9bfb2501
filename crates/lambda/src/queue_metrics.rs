//! What is happening in the queues now.
//!
//! Queues page by page, of each page the metrics page by page, and all of it in calls of 200 rows.
//! A queue AWS has nothing to say about is idle and written with zeros: its last numbers would
//! stand for ever otherwise.

use std::collections::HashMap;

use serde_json::{Value, json};
use tieline_amazon_connect::{ConnectApi, ListedQueue, Metric, QUEUES_A_CALL, QueueNow, Walk};
use tieline_aws::AwsError;
use tieline_bridge::map::MapContext;
use tieline_core::{JsonMap, OutboxRow, RowFailure};
use tracing::{error, info, warn};

use crate::LambdaError;
use crate::config::ConfigError;
use crate::context::{Context, MANY_ROWS};
use crate::name::Manner;
use crate::rows::write_all;
use crate::wording;

/// As the reference asks for them.
const METRICS: [Metric; 10] = [
    ("AGENTS_ONLINE", "COUNT"),
    ("AGENTS_AVAILABLE", "COUNT"),
    ("AGENTS_ON_CONTACT", "COUNT"),
    ("AGENTS_STAFFED", "COUNT"),
    ("AGENTS_AFTER_CONTACT_WORK", "COUNT"),
    ("AGENTS_NON_PRODUCTIVE", "COUNT"),
    ("AGENTS_ERROR", "COUNT"),
    ("CONTACTS_IN_QUEUE", "COUNT"),
    ("OLDEST_CONTACT_AGE", "SECONDS"),
    ("CONTACTS_SCHEDULED", "COUNT"),
];

struct Settings<'a> {
    instance: &'a str,
    queues_a_page: u32,
    metrics_a_page: u32,
}

impl<'a> Settings<'a> {
    fn read(context: &'a Context) -> Result<Self, ConfigError> {
        let size = |name: &'static str, most: u32| match context.environment.get(name) {
            None | Some("") => Ok(100),
            Some(text) => match text.trim().parse() {
                Ok(size) if (1..=most).contains(&size) => Ok(size),
                _ => Err(ConfigError::Wrong { name, problem: format!("is no number from 1 to {most}") }),
            },
        };
        let instance = context.environment.required("AMAZON_CONNECT_INSTANCE_ID")?;
        Ok(Self {
            // The instance's ARN is what consoles show.
            instance: instance.rsplit('/').next().unwrap_or(instance),
            queues_a_page: size("AMAZON_CONNECT_QUEUE_MAX_RESULT", 1000)?,
            metrics_a_page: size("AMAZON_CONNECT_QUEUEMETRICS_MAX_RESULT", 100)?,
        })
    }
}

/// Why the numbers of some queues are not known.
enum Unknown {
    Aws(AwsError, &'static str),
    Endless,
}

impl Unknown {
    fn told(&self, manner: Manner) -> LambdaError {
        match (self, manner) {
            (Self::Aws(error, operation), Manner::Legacy) => wording::of_aws(error, operation),
            (Self::Aws(error, operation), Manner::Ours) => {
                let code =
                    if error.is_passing() { "queue_metrics.aws_down" } else { "queue_metrics.aws_refused" };
                LambdaError::new(code, format!("{operation}: {error}"))
            }
            (Self::Endless, _) => LambdaError::new(
                "queue_metrics.endless_pages",
                "the pages of Amazon Connect's answer come to no end",
            ),
        }
    }
}

/// A queue and its numbers; none at all where it is idle.
struct Known {
    queue: ListedQueue,
    now: Option<QueueNow>,
}

pub(crate) async fn run(context: &Context, manner: Manner, _event: &Value) -> Result<Value, LambdaError> {
    let settings = Settings::read(context)?;
    let api = context.connect_api(settings.instance);
    let mut known = Vec::new();
    // What is known is written even when the rest could not be asked.
    let unknown = ask(api, &settings, &mut known).await.err();
    let written = write(context, manner, &known).await?;
    if let Some(unknown) = unknown {
        return Err(unknown.told(manner));
    }
    let idle = known.iter().filter(|known| known.now.is_none()).count();
    info!(queues = known.len(), idle, "Wrote what is happening in the queues");
    Ok(match manner {
        Manner::Legacy => Value::Null,
        Manner::Ours => json!({"queues": known.len(), "idle": idle, "written": written}),
    })
}

async fn ask(api: &ConnectApi, settings: &Settings<'_>, known: &mut Vec<Known>) -> Result<(), Unknown> {
    let mut walk = Walk::default();
    loop {
        let page = api
            .queues(settings.queues_a_page, walk.token())
            .await
            .map_err(|error| Unknown::Aws(error, "list_queues"))?;
        for queues in page.items.chunks(QUEUES_A_CALL) {
            let mut numbers = numbers(api, settings, queues).await?;
            known.extend(
                queues.iter().map(|queue| Known { now: numbers.remove(&queue.id), queue: queue.clone() }),
            );
        }
        if !walk.go_on(page.next).map_err(|_| Unknown::Endless)? {
            return Ok(());
        }
    }
}

/// What AWS has to say about these queues, by id. All of it or nothing: a queue on a page that is
/// missing is not an idle one.
async fn numbers(
    api: &ConnectApi,
    settings: &Settings<'_>,
    queues: &[ListedQueue],
) -> Result<HashMap<String, QueueNow>, Unknown> {
    let ids: Vec<&str> = queues.iter().map(|queue| queue.id.as_str()).collect();
    let mut numbers = HashMap::new();
    let mut walk = Walk::default();
    loop {
        let page = api
            .current_metrics(&ids, &METRICS, settings.metrics_a_page, walk.token())
            .await
            .map_err(|error| Unknown::Aws(error, "get_current_metric_data"))?;
        if page.nameless > 0 {
            warn!(results = page.nameless, "Results that name no queue are left out");
        }
        numbers.extend(page.items.into_iter().map(|now| (now.queue.clone(), now)));
        if !walk.go_on(page.next).map_err(|_| Unknown::Endless)? {
            return Ok(numbers);
        }
    }
}

/// How many were written. Refused ones do not keep the others, and fail the invocation after them.
async fn write(context: &Context, manner: Manner, known: &[Known]) -> Result<usize, LambdaError> {
    if known.is_empty() {
        return Ok(0);
    }
    let salesforce = context.org_for_the_rest(MANY_ROWS).await?;
    let map = context.map("queue-metrics")?;
    let namespace = salesforce.namespace();
    let fields = salesforce.fields(&map.object(namespace)).await;
    let fields = fields.map_err(|error| LambdaError::of_crm(manner, error))?;
    let region_field = namespace.map_or_else(|| "Region__c".into(), |ns| format!("{ns}__Region__c"));
    let region = context.region().filter(|_| fields.has(&region_field));

    let row = |known: &Known| -> Option<OutboxRow> {
        let mut extra = JsonMap::new();
        let id = &known.queue.id;
        let id = region.map_or_else(|| id.clone(), |region| format!("{id}-{region}"));
        extra.insert("record_id".into(), id.into());
        let context = MapContext { namespace, region, now: context.clock.now(), extra: &extra };
        let of_metrics = known.now.as_ref();
        let document = json!({
            "Id": known.queue.id,
            "Name": known.queue.name,
            "Arn": known.queue.arn.as_ref().or_else(|| of_metrics?.arn.as_ref()),
            "Metrics": of_metrics.map(|now| &now.metrics),
        });
        map.row(&document, &context).ok()
    };
    let rows: Vec<OutboxRow> = known.iter().filter_map(row).collect();
    let done = write_all(&salesforce, &rows).await;
    if let Some(error) = done.stopped {
        return Err(LambdaError::of_crm(manner, error));
    }
    let total = done.results.len();
    let mut refused = done.results.into_iter().filter_map(Result::err);
    let Some(first) = refused.next() else { return Ok(total) };
    let number = 1 + refused.count();
    let (RowFailure::Permanent { code, .. } | RowFailure::Contention { code, .. }) = &first;
    Err(match manner {
        Manner::Legacy => LambdaError::of_row(manner, &first),
        Manner::Ours => LambdaError::new(
            "queue_metrics.rows_refused",
            format!("{number} of {total} queues could not be written; the first: {code}"),
        ),
    })
}

/// The reference's loop: counts on, and has the metrics written once. As there, nobody hears of a
/// failure but the log.
pub(crate) async fn run_loop(context: &Context, event: &Value) -> Result<Value, LambdaError> {
    let variable = "SFDC_REALTIME_QUEUE_METRICS_LAMBDA";
    if context.environment.get(variable).is_none_or(str::is_empty) {
        warn!("{variable} is not set, so no queue metrics are written");
        return Ok(Value::Null);
    }
    let number = |name: &str| {
        event.pointer(&format!("/iterator/{name}")).and_then(Value::as_i64).ok_or_else(|| {
            LambdaError::new("KeyError", format!("'{name}': the event needs the number `iterator.{name}`"))
        })
    };
    let (index, count) = (number("index")?.saturating_add(1), number("count")?);
    if let Err(error) = run(context, Manner::Ours, &Value::Null).await {
        error!(code = error.error_type, "The queue metrics were not written: {}", error.error_message);
    }
    Ok(json!({"index": index, "continue": index < count, "count": count}))
}
