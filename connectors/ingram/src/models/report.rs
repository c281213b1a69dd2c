//! Reports, whose files are the only invoices.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};
use tallyline_core::wire::non_empty;

use super::id;

tallyline_core::wire_enum! {
    /// How far a report is.
    pub enum ReportStatus {
        /// Asked for.
        Submitted = "submitted",
        /// In work.
        Processing = "processing",
        /// There.
        Completed = "completed",
        /// Gone wrong.
        Error = "error",
    }
}

tallyline_core::wire_enum! {
    /// When a report is made.
    pub enum ReportType {
        /// Again and again.
        Periodic = "periodic",
        /// Every day.
        Daily = "daily",
        /// Every month.
        Monthly = "monthly",
        /// Once.
        OneTime = "onetime",
        /// When an invoice is issued.
        OnInvoice = "on_invoice",
    }
}

tallyline_core::wire_enum! {
    ignore_case
    /// The form of a report's file, in any case of its letters.
    pub enum ReportFormat {
        /// Comma-separated values.
        Csv = "csv",
        /// XML.
        Xml = "xml",
        /// A sheet.
        Xlsx = "xlsx",
        /// JSON.
        Json = "json",
    }
}

/// The address of a report's file. Who knows it can read the file: it is a secret.
///
/// It is to be fetched without this API's credentials, which this crate does not do.
#[derive(Clone)]
pub struct DownloadUrl(SecretString);

impl DownloadUrl {
    /// The address itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for DownloadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DownloadUrl([redacted])")
    }
}

impl PartialEq for DownloadUrl {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl<'de> Deserialize<'de> for DownloadUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|url| Self(SecretString::from(url)))
    }
}

/// A report. Files are kept 90 days.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Report {
    /// The id.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The name of its generator.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The name that a person gave it.
    #[serde(default, deserialize_with = "non_empty")]
    pub customization_name: Option<String>,
    /// How far it is.
    #[serde(default)]
    pub status: Option<ReportStatus>,
    /// When it is made.
    #[serde(default, rename = "type")]
    pub kind: Option<ReportType>,
    /// The form of its file.
    #[serde(default)]
    pub format: Option<ReportFormat>,
    /// When it was made, as it is written.
    #[serde(default, deserialize_with = "non_empty")]
    pub creation_date: Option<String>,
    /// From when on it tells, as it is written.
    #[serde(default, deserialize_with = "non_empty")]
    pub start_date: Option<String>,
    /// Until when it tells, as it is written.
    #[serde(default, deserialize_with = "non_empty")]
    pub end_date: Option<String>,
    /// Where its file lies.
    #[serde(default)]
    pub download_url: Option<DownloadUrl>,
}
