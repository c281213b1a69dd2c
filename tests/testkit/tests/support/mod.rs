//! A raw HTTP client over a socket, so that no client library stands between a test and the simulator.

#[allow(dead_code, reason = "only the tests of Autotask use it")]
pub(crate) mod autotask;
#[allow(dead_code, reason = "only the tests of Cloudmore use it")]
pub(crate) mod cloudmore;
#[allow(dead_code, reason = "only the tests of D&H use it")]
pub(crate) mod dandh;
#[allow(dead_code, reason = "only the tests of Gradient use it")]
pub(crate) mod gradient;
#[allow(dead_code, reason = "only the tests of HyAlto use it")]
pub(crate) mod hyalto;
#[allow(dead_code, reason = "only the tests of Ingram Micro use it")]
pub(crate) mod ingram;
#[allow(dead_code, reason = "only the tests of the PSA use it")]
pub(crate) mod psa;
#[allow(dead_code, reason = "only the tests of Sherweb use it")]
pub(crate) mod sherweb;
#[allow(dead_code, reason = "only the tests of VMware Cloud Director use it")]
pub(crate) mod vcd;

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tallyline_testkit::json::Json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

#[allow(dead_code, reason = "not every test file uses every helper")]
impl Answer {
    pub(crate) fn json(&self) -> Json {
        Json::parse(&self.body).expect("a JSON body")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The text of a member of the body.
    pub(crate) fn text(&self, member: &str) -> String {
        self.json()
            .get(member)
            .and_then(Json::text)
            .unwrap_or("")
            .to_owned()
    }

    /// The ids of a list.
    pub(crate) fn ids(&self) -> Vec<i64> {
        self.json()
            .items()
            .expect("a list")
            .iter()
            .filter_map(|row| row.get("id").and_then(Json::integer))
            .collect()
    }
}

/// Sends one request on its own connection.
pub(crate) async fn send(
    base: &Url,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<Answer> {
    let address = format!("{}:{}", base.host_str().unwrap(), base.port().unwrap());
    let mut stream = TcpStream::connect(&address).await?;
    let mut head =
        format!("{method} {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(head.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text
        .split_once("\r\n\r\n")
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|code| code.parse().ok());
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Ok(Answer {
        status: status.ok_or(io::ErrorKind::InvalidData)?,
        headers,
        body: body.to_owned(),
    })
}

/// The `Authorization` value of the fake credentials.
#[allow(dead_code, reason = "not every test file uses every helper")]
pub(crate) fn basic(user: &str) -> String {
    format!("Basic {}", STANDARD.encode(user))
}

/// Percent-encodes a query value.
#[allow(dead_code, reason = "not every test file uses every helper")]
pub(crate) fn encoded(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}
