//! The one configuration file. Secrets are named in it, never written in it.

mod check;
mod secret;
mod sink;
mod source;
mod vcd;

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;
use tallyline_core::plan::Policy;
use tallyline_core::{Error, ErrorKind, Result};

use crate::files;

pub(crate) use self::secret::SecretRef;
pub(crate) use self::sink::{
    AgreementKeyConfig, AutotaskConfig, ConnectWiseConfig, EffectiveDaysConfig, GradientConfig,
    MarkerConfig, NoteFieldConfig, ProductClassConfig, ProrateRounding, SinkConfig,
};
pub(crate) use self::source::{
    AuthSchemeConfig, ClientPairConfig, CloudmoreConfig, DandhConfig, HyAltoConfig, IngramConfig,
    QuantityPolicyConfig, ReductionConfig, ReportConfig, SherwebConfig, SourceConfig,
    StatusRuleConfig,
};
pub(crate) use self::vcd::VcdConfig;

/// The configuration, with paths made absolute to the file's folder.
#[derive(Debug)]
pub(crate) struct Config {
    /// The configuration file.
    pub(crate) path: PathBuf,
    /// The vendor's side.
    pub(crate) source: SourceConfig,
    /// The PSA's side.
    pub(crate) sink: SinkConfig,
    /// What a plan may do.
    pub(crate) policy: Policy,
    /// Where the mapping is kept.
    pub(crate) mapping_file: PathBuf,
    /// The vendor's name on the PSA's products: others are not matched by name.
    pub(crate) product_vendor: Option<String>,
    /// Whether only products that name that vendor are offered and linked by themselves.
    pub(crate) product_vendor_required: bool,
    /// The journal of what was applied.
    pub(crate) journal: PathBuf,
    /// How often a read is tried, where it is not the connector's own number.
    pub(crate) attempts: Option<u32>,
    /// How many requests a second, where it is not the connector's own number; 0 for no limit.
    pub(crate) requests_per_second: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    source: SourceConfig,
    sink: SinkConfig,
    #[serde(default)]
    policy: Policy,
    #[serde(default)]
    mapping: MappingSection,
    #[serde(default)]
    store: StoreSection,
    #[serde(default)]
    network: NetworkSection,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct MappingSection {
    file: PathBuf,
    product_vendor: Option<String>,
    product_vendor_required: Option<bool>,
}

impl Default for MappingSection {
    fn default() -> Self {
        Self {
            file: PathBuf::from("mapping.toml"),
            product_vendor: None,
            product_vendor_required: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StoreSection {
    journal: PathBuf,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self {
            journal: PathBuf::from("tallyline.db"),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NetworkSection {
    attempts: Option<u32>,
    requests_per_second: Option<u32>,
}

/// A secret, and what deserves attention about the place it came from.
pub(crate) struct Resolved {
    /// The secret.
    pub(crate) secret: SecretString,
    /// A sentence that says what to do.
    pub(crate) warning: Option<String>,
}

impl Config {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// `Config` with the file, the line and what to fix.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = files::read_text(path, "the configuration file", ErrorKind::Config)
            .map_err(|error| with_advice(&error, path))?;
        let file: File = toml::from_str(&text).map_err(|error| at_line(path, &text, &error))?;
        file.check().map_err(|error| {
            let message = format!("{}: {}", files::shown(path), error.message());
            Error::new(ErrorKind::Config, message)
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(Self {
            path: path.to_owned(),
            mapping_file: folder.join(file.mapping.file),
            product_vendor: file.mapping.product_vendor,
            // As the vendor's own connector has it.
            product_vendor_required: file
                .mapping
                .product_vendor_required
                .unwrap_or(matches!(file.source, SourceConfig::Sherweb(_))),
            journal: folder.join(file.store.journal),
            source: file.source,
            sink: file.sink,
            policy: file.policy,
            attempts: file.network.attempts,
            requests_per_second: file.network.requests_per_second,
        })
    }

    /// Fetches a secret of the setting `name`, such as `[source] client_secret`.
    ///
    /// # Errors
    /// `Config` naming the setting and the variable or file.
    pub(crate) fn secret(&self, name: &str, place: &SecretRef) -> Result<Resolved> {
        let wrong = |why: String| {
            Error::new(
                ErrorKind::Config,
                format!("{name} in {}: {why}", files::shown(&self.path)),
            )
        };
        let (text, warning) = match place {
            SecretRef::Env(variable) => {
                let shown = shown_variable(variable);
                let text = std::env::var(variable).map_err(|error| {
                    wrong(match error {
                        std::env::VarError::NotPresent => {
                            format!("the environment variable {shown} is not set")
                        }
                        std::env::VarError::NotUnicode(_) => {
                            format!("the environment variable {shown} is not text")
                        }
                    })
                })?;
                (text, None)
            }
            SecretRef::File(path) => {
                let path = self.path.parent().unwrap_or(Path::new("")).join(path);
                if !path.exists() {
                    // What stands there may be the secret itself, put in the wrong place.
                    return Err(wrong("the file that it names does not exist".to_owned()));
                }
                let text = files::read_text(&path, name, ErrorKind::Config)?;
                let open = files::others_can_read(&path);
                let shown = files::shown(&path);
                let warning = open.then(|| {
                    format!("{name}: others can read the file {shown}; chmod 600 {shown}")
                });
                (text, warning)
            }
        };
        let text = text.trim();
        if text.is_empty() {
            return Err(wrong("the secret is empty".to_owned()));
        }
        Ok(Resolved {
            secret: SecretString::from(text),
            warning,
        })
    }
}

/// The name of an environment variable, unless it looks more like a secret put in its place.
fn shown_variable(variable: &str) -> &str {
    let usual = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if variable.contains('_') && variable.chars().all(usual) {
        variable
    } else {
        "that it names"
    }
}

/// Says how to name another file, where the one asked for is not there.
fn with_advice(error: &Error, path: &Path) -> Error {
    let advice = if path.exists() {
        ""
    } else {
        "; name another with --config or TALLYLINE_CONFIG, or see it all work with `tallyline demo`"
    };
    Error::new(ErrorKind::Config, format!("{}{advice}", error.message()))
}

/// The key that a line sets, where it looks like one of ours and not like a secret.
fn key_of(line: &str) -> Option<&str> {
    let key = line.split_once('=')?.0.trim();
    let ours = |c: char| c.is_ascii_lowercase() || c == '_';
    (key.len() <= 24 && key.chars().all(ours) && !key.is_empty()).then_some(key)
}

/// The error with its line, without the line's text: a secret may stand there.
fn at_line(path: &Path, text: &str, error: &toml::de::Error) -> Error {
    let line = error.span().map(|span| {
        1 + text
            .bytes()
            .take(span.start)
            .filter(|b| *b == b'\n')
            .count()
    });
    let place = line.map_or_else(String::new, |line| {
        let key = text.lines().nth(line - 1).and_then(key_of);
        let key = key.map_or_else(String::new, |key| format!(", {key}"));
        format!(", line {line}{key}")
    });
    Error::new(
        ErrorKind::Config,
        format!("{}{place}: {}", files::shown(path), error.message()),
    )
}

#[cfg(test)]
mod tests;
