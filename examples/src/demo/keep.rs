//! `--keep`: the simulators stay, with a configuration to try the commands on.

use std::fs::DirBuilder;
use std::path::Path;

use tallyline_core::mapping::Mapping;
use tallyline_core::plan::Plan;
use tallyline_core::{Error, ErrorKind, Result};
use tallyline_testkit::book::BookCase;

use super::stage::Stage;
use crate::files;
use crate::output::tell;

/// Writes the configuration, says what to try, and waits for Ctrl-C.
pub(super) async fn keep(stage: Stage, mapping: &Mapping, plan: &Plan) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("tallyline-demo-{}", std::process::id()));
    make_folder(&folder)?;
    let write = |name: &str, text: &str| files::write_private(&folder.join(name), "the file", text);
    let application = &stage.book.sherweb.application;
    let credentials = &stage.book.connectwise.credentials;
    write("client-secret.txt", &application.client_secret)?;
    write("subscription-key.txt", &application.subscription_key)?;
    write("private-key.txt", &credentials.private_key)?;
    write("mapping.toml", &mapping.to_toml()?)?;
    write("first-plan.json", &plan.to_text()?)?;
    write("tallyline.toml", &config(&stage))?;
    let bought = buy_more(&stage);
    let at = files::shown(&folder);
    let program = std::env::current_exe().map_or_else(
        |_| "tallyline".to_owned(),
        |program| shell_word(&files::shown(&program)),
    );
    tell(&format!(
        "\nThe simulators keep running until Ctrl-C. {bought}\n\
         In another terminal:\n\n\
         \x20 cd {at}\n\
         \x20 export TALLYLINE_NOW={now}   # the day of the book\n\
         \x20 alias tallyline={program}\n\
         \x20 tallyline check\n\
         \x20 tallyline map suggest\n\
         \x20 tallyline plan\n\
         \x20 tallyline apply plan.json\n\
         \x20 tallyline status\n\
         \x20 tallyline history\n\n\
         The plan that was carried out above: tallyline show first-plan.json",
        at = shell_word(&at),
        now = stage.now
    ));
    tokio::signal::ctrl_c().await.map_err(|error| {
        Error::new(
            ErrorKind::Unexpected,
            format!("Ctrl-C cannot be waited for: {error}"),
        )
    })?;
    stage.vendor.shutdown().await;
    stage.psa.shutdown().await;
    tell(&format!("stopped; {at} is left and can be deleted"));
    Ok(())
}

/// A text as one word of a shell.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Gives the next plan something to do.
fn buy_more(stage: &Stage) -> String {
    let note = stage.book.case(BookCase::Increase);
    let Some((note, id)) = note.and_then(|note| Some((note, note.subscription_ids.first()?)))
    else {
        return String::new();
    };
    let Some(vendor) = stage.vendor.as_sherweb() else {
        return String::new();
    };
    vendor.with_state(|state| {
        if let Some(subscription) = state.subscription_mut(id) {
            subscription.quantity += 4;
        }
    });
    format!("Meanwhile {} has bought 4 more seats.", note.customer_name)
}

fn config(stage: &Stage) -> String {
    let application = &stage.book.sherweb.application;
    let credentials = &stage.book.connectwise.credentials;
    format!(
        r#"# Made by `tallyline demo --keep`: simulators on this machine, nothing real.

[source]
kind = "sherweb"
base_url = "{vendor}"
client_id = "{client_id}"
client_secret = {{ file = "client-secret.txt" }}
subscription_key = {{ file = "subscription-key.txt" }}

[sink]
kind = "connectwise"
site = "{psa}"
company_id = "{company}"
public_key = "{public}"
private_key = {{ file = "private-key.txt" }}
client_id = "{integration}"

[mapping]
file = "mapping.toml"
product_vendor = "{known_as}"

[store]
journal = "tallyline.db"

[network]
attempts = 2
requests_per_second = 0
"#,
        known_as = stage.known_as,
        vendor = stage
            .vendor
            .as_sherweb()
            .map_or("", |vendor| vendor.base_url().as_str()),
        client_id = application.client_id,
        psa = stage.psa.base_url(),
        company = credentials.company_id,
        public = credentials.public_key,
        integration = credentials.client_id,
    )
}

/// Makes a folder that only its owner can look into.
pub(super) fn make_folder(folder: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| {
        Error::new(
            ErrorKind::Storage,
            format!(
                "the folder {} cannot be made: {error}",
                files::shown(folder)
            ),
        )
    })
}
