//! What the simulator holds, and the switches for what the reference leaves open.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use super::auth::Session;
use super::records::{EdgeGateway, Org, Policy, Vdc, Vm};
use crate::clock::Clock;
use crate::limit::RateLimit;

/// The name of the provider's organisation.
pub(super) const SYSTEM: &str = "System";

/// A user who may sign in.
#[derive(Clone, Debug)]
pub struct User {
    /// The organisation's name.
    pub org: String,
    /// The user's name.
    pub name: String,
    /// The password.
    pub password: String,
}

/// An API token of a user.
#[derive(Clone, Debug)]
pub struct ApiToken {
    /// The organisation's name.
    pub org: String,
    /// The token.
    pub token: String,
}

/// Switches for what the reference leaves open.
#[derive(Clone, Debug)]
pub struct Switches {
    /// A session that is not used for so long ends.
    pub idle_seconds: i64,
    /// Every other number comes as a text.
    pub numbers_as_text: bool,
    /// The states of machines come as the numbers of older servers.
    pub status_as_number: bool,
    /// `record` does not come at all where there is none.
    pub no_empty_record: bool,
    /// No page holds more, whatever is asked for.
    pub max_page: Option<usize>,
    /// Lists of OpenAPI name their next page in a `Link`.
    pub links: bool,
    /// Lists of OpenAPI do not say how many records and pages there are.
    pub untold_totals: bool,
    /// Filters of the query service are passed over.
    pub filters_ignored: bool,
    /// Filters for another thing by its address find nothing.
    pub addresses_unknown: bool,
    /// Versions come as XML.
    pub versions_as_xml: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            idle_seconds: 1800,
            numbers_as_text: false,
            status_as_number: false,
            no_empty_record: false,
            max_page: None,
            links: true,
            untold_totals: false,
            filters_ignored: false,
            addresses_unknown: false,
            versions_as_xml: false,
        }
    }
}

/// One server.
#[derive(Clone, Debug)]
pub struct VcdState {
    /// The clock.
    pub clock: Clock,
    /// Who may sign in.
    pub users: Vec<User>,
    /// Who may sign in by a token.
    pub api_tokens: Vec<ApiToken>,
    /// The versions that are offered, and whether each is to be given up.
    pub versions: Vec<(String, bool)>,
    /// What nobody has a right to: types of queries, `orgs`, `edgeGateways`, `sessions`.
    pub denied: BTreeSet<String>,
    /// The switches.
    pub switches: Switches,
    /// How many calls are admitted; those that sign in are not counted.
    pub limit: RateLimit,
    /// The organisations, the provider's first.
    pub orgs: Vec<Org>,
    /// Their virtual data centres.
    pub vdcs: Vec<Vdc>,
    /// Their storage policies.
    pub policies: Vec<Policy>,
    /// Their machines, those of templates and deleted ones among them.
    pub vms: Vec<Vm>,
    /// Their edge gateways.
    pub edges: Vec<EdgeGateway>,
    /// How many sessions were opened.
    pub sessions_opened: u64,
    pub(super) sessions: Vec<Session>,
    next_id: u64,
}

impl Default for VcdState {
    fn default() -> Self {
        Self::new()
    }
}

impl VcdState {
    /// A server without organisations but the provider's, whose clock stands at 15 March 2026.
    ///
    /// `administrator` may sign in to `System`, with the password `example-password`, and by the token
    /// `example-api-token`.
    pub fn new() -> Self {
        Self::on(date(2026, 3, 15))
    }

    /// The same, whose clock stands at noon UTC of a day.
    pub fn on(today: Date) -> Self {
        let mut state = Self {
            clock: Clock::on(today),
            users: Vec::new(),
            api_tokens: Vec::new(),
            versions: [("36.3", true), ("37.0", false), ("38.1", false)]
                .map(|(version, deprecated)| (version.to_owned(), deprecated))
                .into(),
            denied: BTreeSet::new(),
            switches: Switches::default(),
            limit: RateLimit::unlimited(),
            orgs: Vec::new(),
            vdcs: Vec::new(),
            policies: Vec::new(),
            vms: Vec::new(),
            edges: Vec::new(),
            sessions_opened: 0,
            sessions: Vec::new(),
            next_id: 0,
        };
        state.add_org(SYSTEM);
        state.add_user(SYSTEM, "administrator", "example-password");
        state.add_api_token(SYSTEM, "example-api-token");
        state
    }

    fn fresh(&mut self) -> String {
        self.next_id += 1;
        format!("0a1b2c3d-0000-4000-8000-{:012x}", self.next_id)
    }

    /// Adds a user.
    pub fn add_user(&mut self, org: &str, name: &str, password: &str) {
        self.users.push(User {
            org: org.to_owned(),
            name: name.to_owned(),
            password: password.to_owned(),
        });
    }

    /// Adds an API token.
    pub fn add_api_token(&mut self, org: &str, token: &str) {
        self.api_tokens.push(ApiToken {
            org: org.to_owned(),
            token: token.to_owned(),
        });
    }

    /// Adds an organisation, which is shown by its name, and gives its UUID.
    pub fn add_org(&mut self, name: &str) -> String {
        let uuid = self.fresh();
        self.orgs.push(Org {
            uuid: uuid.clone(),
            name: name.to_owned(),
            display_name: Some(name.to_owned()),
            enabled: true,
        });
        uuid
    }

    /// Adds a virtual data centre to an organisation, and gives its UUID: 10 GHz, 32 GB and 500 GB are allocated, and a
    /// half of each is used. It has the machine of a template, and one that is deleted.
    pub fn add_vdc(&mut self, org: &str, name: &str) -> String {
        let uuid = self.fresh();
        let both = |allocated: i64| (Some(allocated.into()), Some((allocated / 2).into()));
        self.vdcs.push(Vdc {
            uuid: uuid.clone(),
            org: org.to_owned(),
            name: name.to_owned(),
            cpu: both(10_000),
            memory: both(32 * 1024),
            storage: both(500 * 1024),
            allocation_model: 1,
            names_org: true,
        });
        let template = self.add_vm(&uuid, "template-machine", 64, 65_536, 999_999);
        self.edit_vm(&template, |vm| {
            vm.is_template = true;
            vm.status = Some("POWERED_OFF".to_owned());
        });
        let deleted = self.add_vm(&uuid, "deleted-machine", 32, 32_768, 888_888);
        self.edit_vm(&deleted, |vm| vm.is_deleted = true);
        uuid
    }

    /// Adds a storage policy to a virtual data centre, with a limit and what is used in MB, and gives its UUID.
    pub fn add_policy(&mut self, vdc: &str, name: &str, limit: Decimal, used: Decimal) -> String {
        let uuid = self.fresh();
        self.policies.push(Policy {
            uuid: uuid.clone(),
            vdc: vdc.to_owned(),
            name: name.to_owned(),
            limit: Some(limit),
            used: Some(used),
        });
        uuid
    }

    /// Adds a machine that runs to a virtual data centre, with processors, memory and storage in MB, and gives its UUID.
    pub fn add_vm(
        &mut self,
        vdc: &str,
        name: &str,
        cpus: i64,
        memory: i64,
        storage: i64,
    ) -> String {
        let uuid = self.fresh();
        self.vms.push(Vm {
            uuid: uuid.clone(),
            vdc: vdc.to_owned(),
            name: name.to_owned(),
            cpus: Some(cpus.into()),
            memory: Some(memory.into()),
            storage: Some(storage.into()),
            status: Some("POWERED_ON".to_owned()),
            is_template: false,
            is_deleted: false,
            names_org: true,
            names_vdc: true,
        });
        uuid
    }

    /// Adds an edge gateway to a virtual data centre, and gives its UUID.
    pub fn add_edge(&mut self, vdc: &str, name: &str) -> String {
        let uuid = self.fresh();
        self.edges.push(EdgeGateway {
            uuid: uuid.clone(),
            vdc: vdc.to_owned(),
            name: name.to_owned(),
            names_org: true,
        });
        uuid
    }

    /// Adds three organisations: one with two data centres, machines, storage policies and an edge gateway, one that pays as
    /// it goes, so that nothing is allocated to it, and one that has nothing.
    pub fn add_sample(&mut self) {
        let northwind = self.add_org("northwind-dental");
        let first = self.add_vdc(&northwind, "nwd-vdc-01");
        self.add_policy(&first, "Gold", (300 * 1024).into(), (120 * 1024).into());
        self.add_policy(&first, "Silver", (200 * 1024).into(), (80 * 1024).into());
        self.add_vm(&first, "nwd-dc01", 4, 16 * 1024, 150 * 1024);
        self.add_vm(&first, "nwd-web01", 2, 4 * 1024, 50 * 1024);
        self.add_edge(&first, "nwd-edge");
        let second = self.add_vdc(&northwind, "nwd-vdc-02");
        self.add_vm(&second, "nwd-backup", 2, 8 * 1024, 250 * 1024);
        let oak = self.add_org("oak-legal");
        let used = self.add_vdc(&oak, "oak-payg");
        self.edit_vdc(&used, |vdc| {
            vdc.cpu = (Some(0.into()), Some(2600.into()));
            vdc.memory = (Some(0.into()), Some((12 * 1024).into()));
            vdc.storage = (Some(0.into()), Some((90 * 1024).into()));
        });
        self.add_vm(&used, "oak-app01", 8, 12 * 1024, 90 * 1024);
        self.add_org("birch-gym");
        self.add_user("northwind-dental", "reader", "example-tenant-password");
    }

    /// Changes an organisation. False when there is none.
    pub fn edit_org(&mut self, uuid: &str, change: impl FnOnce(&mut Org)) -> bool {
        let mut all = self.orgs.iter_mut();
        all.find(|own| own.uuid == uuid).map(change).is_some()
    }

    /// Changes a virtual data centre. False when there is none.
    pub fn edit_vdc(&mut self, uuid: &str, change: impl FnOnce(&mut Vdc)) -> bool {
        let mut all = self.vdcs.iter_mut();
        all.find(|own| own.uuid == uuid).map(change).is_some()
    }

    /// Changes a storage policy. False when there is none.
    pub fn edit_policy(&mut self, uuid: &str, change: impl FnOnce(&mut Policy)) -> bool {
        let mut all = self.policies.iter_mut();
        all.find(|own| own.uuid == uuid).map(change).is_some()
    }

    /// Changes a machine. False when there is none.
    pub fn edit_vm(&mut self, uuid: &str, change: impl FnOnce(&mut Vm)) -> bool {
        let mut all = self.vms.iter_mut();
        all.find(|own| own.uuid == uuid).map(change).is_some()
    }

    /// Changes an edge gateway. False when there is none.
    pub fn edit_edge(&mut self, uuid: &str, change: impl FnOnce(&mut EdgeGateway)) -> bool {
        let mut all = self.edges.iter_mut();
        all.find(|own| own.uuid == uuid).map(change).is_some()
    }

    pub(super) fn vdc(&self, uuid: &str) -> Option<&Vdc> {
        self.vdcs.iter().find(|own| own.uuid == uuid)
    }

    /// The organisation of a virtual data centre.
    pub(super) fn org_of(&self, vdc: &str) -> Option<&Org> {
        let org = &self.vdc(vdc)?.org;
        self.orgs.iter().find(|own| own.uuid == *org)
    }
}
