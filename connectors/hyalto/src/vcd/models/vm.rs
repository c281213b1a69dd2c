//! Virtual machines.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};
use tallyline_core::wire::non_empty;

use super::{figure, flag, text, word};

tallyline_core::wire_enum! {
    /// How a machine is. There are others, such as `UNRESOLVED`.
    pub enum VmStatus {
        /// It runs.
        PoweredOn = "POWERED_ON",
        /// It does not.
        PoweredOff = "POWERED_OFF",
        /// It is suspended.
        Suspended = "SUSPENDED",
    }
}

/// A machine, of a vApp or of a template.
///
/// `QueryResultVMRecordType`, `QueryResultAdminVMRecordType`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VmRecord {
    /// Its address; the UUID at its end stays when it is renamed.
    #[serde(deserialize_with = "text")]
    pub href: String,
    /// Its name.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The vApp or template that it belongs to.
    #[serde(default, deserialize_with = "non_empty")]
    pub container_name: Option<String>,
    /// The address of its virtual data centre.
    #[serde(default, deserialize_with = "non_empty")]
    pub vdc: Option<String>,
    /// The name of its virtual data centre.
    #[serde(default, deserialize_with = "non_empty")]
    pub vdc_name: Option<String>,
    /// The address of its organisation; told to the provider alone.
    #[serde(default, deserialize_with = "non_empty")]
    pub org: Option<String>,
    /// Whether it is part of a template, and so no machine that runs.
    #[serde(rename = "isVAppTemplate", default, deserialize_with = "flag")]
    pub is_vapp_template: Option<bool>,
    /// Whether it is deleted.
    #[serde(default, deserialize_with = "flag")]
    pub is_deleted: Option<bool>,
    /// How it is; numbers of older servers are read as their words.
    #[serde(default, deserialize_with = "status")]
    pub status: Option<VmStatus>,
    /// Virtual processors.
    #[serde(default, with = "figure")]
    pub number_of_cpus: Option<Decimal>,
    /// Memory, in MB of 1,048,576 bytes.
    #[serde(rename = "memoryMB", default, with = "figure")]
    pub memory_mb: Option<Decimal>,
    /// Storage of all its disks, in MB.
    #[serde(default, with = "figure")]
    pub total_storage_allocated_mb: Option<Decimal>,
    /// The name of its storage policy; its disks may have others.
    #[serde(default, deserialize_with = "non_empty")]
    pub storage_profile_name: Option<String>,
    /// Its operating system.
    #[serde(default, deserialize_with = "non_empty")]
    pub guest_os: Option<String>,
    /// When it was made, as it came.
    #[serde(default, deserialize_with = "word")]
    pub date_created: Option<String>,
}

/// One client on record maps 3 to suspended, 4 to on and 8 to off, as older servers have it.
fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<VmStatus>, D::Error> {
    Ok(word(deserializer)?.map(|word| match word.as_str() {
        "3" => VmStatus::Suspended,
        "4" => VmStatus::PoweredOn,
        "8" => VmStatus::PoweredOff,
        other => VmStatus::from(other),
    }))
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::decode_json;

    use super::*;

    #[test]
    fn numbers_come_as_texts_too_and_unknown_words_and_members_break_nothing() {
        let vm: VmRecord = decode_json(
            br#"{"_type":"QueryResultVMRecordType","link":[],"metadata":null,"id":null,"type":null,"otherAttributes":{},
               "href":"https://vcd.example.com/api/vApp/vm-3f1d7c1a-0a4e-4f0e-8a53-1f2b6a7c9d10","name":"nwd-dc01",
               "isVAppTemplate":"false","isDeleted":false,"status":"PARTIALLY_POWERED_OFF","numberOfCpus":"4",
               "memoryMB":16384,"totalStorageAllocatedMb":"153600","brandNew":{"a":[1]}}"#,
        )
        .unwrap();
        assert_eq!(vm.is_vapp_template, Some(false));
        assert_eq!(
            vm.status,
            Some(VmStatus::Unknown("PARTIALLY_POWERED_OFF".into()))
        );
        assert_eq!(vm.number_of_cpus, Some(4.into()));
        assert_eq!(vm.memory_mb, Some(16384.into()));
        assert_eq!(vm.total_storage_allocated_mb, Some(153_600.into()));
    }

    #[test]
    fn the_numbers_of_older_servers_are_the_same_states() {
        for (json, wanted) in [
            ("4", VmStatus::PoweredOn),
            ("\"8\"", VmStatus::PoweredOff),
            ("3", VmStatus::Suspended),
            ("\"POWERED_OFF\"", VmStatus::PoweredOff),
            ("17", VmStatus::Unknown("17".into())),
        ] {
            let vm: VmRecord =
                decode_json(format!(r#"{{"href":"x","status":{json}}}"#).as_bytes()).unwrap();
            assert_eq!(vm.status, Some(wanted), "{json}");
        }
    }

    #[test]
    fn a_record_without_an_address_is_none() {
        for json in ["{}", r#"{"href":null}"#, r#"{"href":" "}"#, r#"{"href":7}"#] {
            assert!(decode_json::<VmRecord>(json.as_bytes()).is_err(), "{json}");
        }
    }
}
