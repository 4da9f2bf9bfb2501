use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tieline_core::{ConnectionName, ContactId, Delivery, Report, WorkspaceName};

use super::{SqliteStore, contacts, deliveries, outbox};
use crate::{
    Budget, ClaimedRow, ContactFilter, ContactRow, ContactSnapshot, ContactUpdate, DeadDelivery,
    DeliveryMark, DocumentPut, Due, Insertion, OutboxEntry, QueueDepths, RecordStore, RowMark, StoreError,
    StoredDelivery, Swept,
};

#[async_trait]
impl RecordStore for SqliteStore {
    async fn add_deliveries(
        &self,
        connection: &ConnectionName,
        deliveries: Vec<Delivery>,
    ) -> Result<Vec<Insertion>, StoreError> {
        let connection = connection.clone();
        self.write(move |db| deliveries::add(db, &connection, &deliveries)).await
    }

    async fn claim_deliveries(
        &self,
        limit: usize,
        lease: Duration,
    ) -> Result<Vec<StoredDelivery>, StoreError> {
        let now = self.now_ms();
        self.write(move |db| deliveries::claim(db, "new", now, limit, lease)).await
    }

    async fn claim_files(&self, limit: usize, lease: Duration) -> Result<Vec<StoredDelivery>, StoreError> {
        let now = self.now_ms();
        self.write(move |db| deliveries::claim(db, "file", now, limit, lease)).await
    }

    async fn waiting_deliveries(&self) -> Result<u64, StoreError> {
        self.read(deliveries::waiting).await
    }

    async fn dead_deliveries(&self, limit: usize) -> Result<Vec<DeadDelivery>, StoreError> {
        self.read(move |db| deliveries::dead(db, limit)).await
    }

    async fn delivery(&self, id: i64) -> Result<Option<StoredDelivery>, StoreError> {
        self.read(move |db| deliveries::get(db, id)).await
    }

    async fn revive_delivery(&self, id: i64) -> Result<bool, StoreError> {
        self.write(move |db| deliveries::revive(db, id)).await
    }

    async fn contacts(&self, ids: &[(WorkspaceName, ContactId)]) -> Result<Vec<ContactSnapshot>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |db| {
            ids.iter().map(|(workspace, contact)| contacts::snapshot(db, workspace, contact)).collect()
        })
        .await
    }

    async fn save_delivered(
        &self,
        updates: Vec<ContactUpdate>,
        documents: Vec<DocumentPut>,
        marks: Vec<DeliveryMark>,
    ) -> Result<bool, StoreError> {
        let now = self.now_ms();
        self.write_if(move |db| contacts::save(db, now, &updates, &documents, &marks)).await
    }

    async fn list_contacts(
        &self,
        workspace: &WorkspaceName,
        filter: &ContactFilter,
        limit: usize,
    ) -> Result<Vec<ContactRow>, StoreError> {
        let (workspace, filter) = (workspace.clone(), filter.clone());
        self.read(move |db| contacts::list(db, &workspace, &filter, limit)).await
    }

    async fn due_rows(
        &self,
        target: &ConnectionName,
        object: &str,
        patience: u32,
        limit: usize,
    ) -> Result<Due, StoreError> {
        let (target, object, now) = (target.clone(), object.to_owned(), self.now_ms());
        self.read(move |db| outbox::due(db, now, &target, &object, patience, limit)).await
    }

    async fn claim_rows(
        &self,
        target: &ConnectionName,
        object: &str,
        patience: u32,
        limit: usize,
        lease: Duration,
    ) -> Result<Vec<ClaimedRow>, StoreError> {
        let (target, object, now) = (target.clone(), object.to_owned(), self.now_ms());
        self.write(move |db| outbox::claim(db, now, &target, &object, patience, limit, lease)).await
    }

    async fn mark_rows(&self, marks: Vec<RowMark>) -> Result<(), StoreError> {
        let now = self.now_ms();
        self.write(move |db| outbox::mark(db, now, &marks)).await
    }

    async fn outbox_row(
        &self,
        workspace: &WorkspaceName,
        target: &ConnectionName,
        object: &str,
        key: &str,
    ) -> Result<Option<OutboxEntry>, StoreError> {
        let (workspace, target) = (workspace.clone(), target.clone());
        let (object, key) = (object.to_owned(), key.to_owned());
        self.read(move |db| outbox::get(db, &workspace, &target, &object, &key)).await
    }

    async fn dead_rows(&self, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        self.read(move |db| outbox::dead(db, limit)).await
    }

    async fn revive_row(&self, id: i64) -> Result<bool, StoreError> {
        let now = self.now_ms();
        self.write(move |db| outbox::revive(db, now, id)).await
    }

    async fn share_budget(
        &self,
        target: &ConnectionName,
        report: Report,
        since: i64,
    ) -> Result<Budget, StoreError> {
        let target = target.clone();
        self.write(move |db| outbox::share_budget(db, &target, &report, since)).await
    }

    async fn queue_depths(&self) -> Result<QueueDepths, StoreError> {
        self.read(outbox::depths).await
    }

    async fn sweep(
        &self,
        deliveries_before: Timestamp,
        parts_before: Timestamp,
        limit: usize,
    ) -> Result<Swept, StoreError> {
        self.write(move |db| {
            Ok(Swept {
                deliveries: deliveries::sweep(db, deliveries_before.as_millisecond(), limit)?,
                parts: contacts::sweep_parts(db, parts_before.as_millisecond(), limit)?,
                outbox: outbox::sweep(db, parts_before.as_millisecond(), limit)?,
            })
        })
        .await
    }
}
