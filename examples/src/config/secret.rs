//! Where a secret is: the configuration names it and never holds it.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, de};

/// Where a secret is.
#[derive(Debug)]
pub(crate) enum SecretRef {
    /// In an environment variable.
    Env(String),
    /// In a file.
    File(PathBuf),
}

impl<'de> Deserialize<'de> for SecretRef {
    /// Never repeats what stands there: it may be the secret itself.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let refused = || {
            de::Error::custom(
                "a secret must not stand in this file: name where it is, \
                 as { env = \"VARIABLE\" } or { file = \"path\" }",
            )
        };
        let toml::Value::Table(table) = toml::Value::deserialize(deserializer)? else {
            return Err(refused());
        };
        let mut entries = table.into_iter();
        match (entries.next(), entries.next()) {
            (Some((key, toml::Value::String(name))), None) if key == "env" => Ok(Self::Env(name)),
            (Some((key, toml::Value::String(path))), None) if key == "file" => {
                Ok(Self::File(path.into()))
            }
            _ => Err(refused()),
        }
    }
}
