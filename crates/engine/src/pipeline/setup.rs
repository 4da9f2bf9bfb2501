use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tieline_bridge::map::FieldMap;
use tieline_bridge::profile::Profile;
use tieline_core::{Clock, ConnectionName, ContactCenter, Crm, Purpose, WorkspaceName};
use tieline_store::Store;
use tokio::sync::Notify;

use super::metrics::Counters;
use super::writer::Target;

/// What a pipeline is made of.
pub struct PipelineSetup {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub contact_centers: BTreeMap<ConnectionName, Arc<dyn ContactCenter>>,
    pub crms: BTreeMap<ConnectionName, Arc<dyn Crm>>,
    pub workspaces: Vec<WorkspaceSetup>,
    pub options: PipelineOptions,
}

/// One contact center joined to one CRM.
#[derive(Clone)]
pub struct WorkspaceSetup {
    pub name: WorkspaceName,
    pub contact_center: ConnectionName,
    pub crm: ConnectionName,
    /// Two letters; the country of numbers without `+`.
    pub region: String,
    /// The field map; [`Profile::built_in`] has one for every pair of kinds.
    pub profile: Arc<Profile>,
    /// Which of the contact center's own records become CRM records too.
    pub records: RecordMaps,
}

/// Field maps of the records a contact center writes itself, in force in one workspace.
#[derive(Debug, Clone, Default)]
pub struct RecordMaps {
    /// By name: `contact-record`, `agent-report`.
    pub maps: BTreeMap<String, Arc<FieldMap>>,
    /// Of the package in the CRM.
    pub namespace: Option<String>,
    /// Where the contact center is, for CRMs that tell regions apart.
    pub region: Option<String>,
}

impl RecordMaps {
    /// Names of maps and their objects, as the CRM knows them.
    pub(super) fn objects(&self) -> impl Iterator<Item = (&str, String)> {
        self.maps.iter().map(|(name, map)| (name.as_str(), map.object(self.namespace.as_deref())))
    }

    /// What writing records of a map counts as: contact records are the call log's, the rest waits first.
    pub(super) fn purpose(map: &str) -> Purpose {
        if map == CONTACT_RECORD { Purpose::CallLog } else { Purpose::Other }
    }
}

/// The map of records that come with deliveries, not in files.
pub(super) const CONTACT_RECORD: &str = "contact-record";

/// Spans and sizes; the defaults are what `docs/ARCHITECTURE.md` describes.
#[derive(Debug, Clone)]
pub struct PipelineOptions {
    /// How long a claimed row belongs to the writer that claimed it. Longer than a request may take.
    pub lease: Duration,
    /// Longest wait for one call to the CRM, in the machine's own time.
    pub request: Duration,
    /// How long a due row may wait for company.
    pub linger: Duration,
    /// The same while deliveries wait to be decoded, so that a burst is written in full batches.
    pub linger_in_burst: Duration,
    /// How long a finished contact waits for its contact record before it is written without.
    pub record_wait: Duration,
    /// How long a contact in after-contact work waits for the end of it.
    pub close_wait: Duration,
    /// How long changes of an open contact that is in the CRM already wait for more.
    pub open_wait: Duration,
    /// How long deliveries are kept.
    pub keep_deliveries: Duration,
    /// How long parts and written rows are kept.
    pub keep_parts: Duration,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Default for PipelineOptions {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(60),
            request: Duration::from_secs(20),
            linger: Duration::from_millis(200),
            linger_in_burst: Duration::from_secs(2),
            record_wait: Duration::from_secs(10),
            close_wait: Duration::from_secs(60),
            open_wait: Duration::from_secs(3600),
            keep_deliveries: 14 * DAY,
            keep_parts: 90 * DAY,
        }
    }
}

/// What all parts of the pipeline hold in common.
pub(super) struct Shared {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub contact_centers: BTreeMap<ConnectionName, Arc<dyn ContactCenter>>,
    pub targets: BTreeMap<ConnectionName, Target>,
    pub workspaces: HashMap<WorkspaceName, WorkspaceSetup>,
    pub options: PipelineOptions,
    pub counters: Counters,
    /// Deliveries were stored.
    pub arrived: Notify,
    /// Deliveries that tell of files were decoded.
    pub files: Notify,
    /// Rows were marked: whoever waits for one looks again.
    pub marked: Notify,
}

impl Shared {
    pub fn new(setup: PipelineSetup) -> Self {
        let targets = setup
            .crms
            .into_iter()
            .map(|(name, crm)| {
                let here = || setup.workspaces.iter().filter(|workspace| workspace.crm == name);
                let mut objects: Vec<String> = Vec::new();
                for record in here().flat_map(|workspace| &workspace.profile.records) {
                    if !objects.contains(&record.object) {
                        objects.push(record.object.clone());
                    }
                }
                let mut spare = Vec::new();
                for (map, object) in here().flat_map(|workspace| workspace.records.objects()) {
                    if objects.contains(&object) {
                        continue;
                    }
                    if RecordMaps::purpose(map) == Purpose::Other {
                        spare.push(object.clone());
                    }
                    objects.push(object);
                }
                (name.clone(), Target::new(name, crm, objects, spare))
            })
            .collect();
        Self {
            store: setup.store,
            clock: setup.clock,
            contact_centers: setup.contact_centers,
            targets,
            workspaces: setup.workspaces.into_iter().map(|w| (w.name.clone(), w)).collect(),
            options: setup.options,
            counters: Counters::default(),
            arrived: Notify::new(),
            files: Notify::new(),
            marked: Notify::new(),
        }
    }

    /// The workspaces that a connection's deliveries are for.
    pub fn workspaces_of(&self, connection: &ConnectionName) -> impl Iterator<Item = &WorkspaceSetup> {
        self.workspaces.values().filter(move |workspace| workspace.contact_center == *connection)
    }

    /// Has the writers look for due rows.
    pub fn wake_writers(&self) {
        for target in self.targets.values() {
            target.wake.notify_one();
        }
    }
}
