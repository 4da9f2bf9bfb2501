//! `limits`.

use serde_json::{Value, json};

use super::Api;

pub(super) fn limits(api: &Api<'_>) -> Value {
    let (max, remaining) = api.daily;
    json!({
        "DailyApiRequests": {"Max": max, "Remaining": remaining},
        "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
        "DailyAsyncApexExecutions": {"Max": 250_000, "Remaining": 250_000},
        "DataStorageMB": {"Max": 1_024, "Remaining": 1_000},
        "FileStorageMB": {"Max": 1_024, "Remaining": 1_000},
    })
}
