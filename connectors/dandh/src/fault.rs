//! The XML of faults, read by local names. Document types, entities beyond the five that XML has
//! by itself, deep nesting and long bodies are refused: such a body is no fault.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, Event};

/// Longer bodies are not looked at.
const MAX_BODY: usize = 16 * 1024;

/// A fault is five elements deep.
const MAX_DEPTH: usize = 16;

/// What a fault says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The message for people.
    pub(crate) message: Option<String>,
    /// The session is over.
    pub(crate) session_expired: bool,
    /// The number that the vendor's support knows the incident by.
    pub(crate) issue_token: Option<String>,
}

/// The texts of interest, as they are put together.
#[derive(Default)]
struct Texts {
    reason: String,
    message: String,
    session_expired: String,
    issue_token: String,
}

impl Texts {
    /// The text at a path of local names.
    fn at(&mut self, path: &[String]) -> Option<&mut String> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["Fault", "Reason", "Text"] => Some(&mut self.reason),
            ["Fault", "Detail", "ServiceException", name] => match *name {
                "Message" => Some(&mut self.message),
                "IsSessionExpired" => Some(&mut self.session_expired),
                "IssueToken" => Some(&mut self.issue_token),
                _ => None,
            },
            _ => None,
        }
    }

    fn into_fault(self) -> Fault {
        let filled = |text: String| {
            let text = text.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        Fault {
            session_expired: self.session_expired.trim().eq_ignore_ascii_case("true"),
            message: filled(self.message).or_else(|| filled(self.reason)),
            issue_token: filled(self.issue_token),
        }
    }
}

/// Reads a fault; nothing where the body is none.
pub(crate) fn read(body: &[u8]) -> Option<Fault> {
    if body.len() > MAX_BODY {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut path: Vec<String> = Vec::new();
    let mut texts = Texts::default();
    let mut closed = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                let name = element.local_name();
                let root = path.is_empty();
                if closed || path.len() == MAX_DEPTH || (root && name.as_ref() != "Fault") {
                    return None;
                }
                path.push(name.as_ref().to_owned());
            }
            // An empty root is no fault either.
            Event::Empty(_) if path.is_empty() => return None,
            Event::End(_) => {
                path.pop()?;
                closed = path.is_empty();
            }
            Event::Text(text) => add(&mut texts, &path, &text.xml10_content())?,
            Event::CData(text) => add(&mut texts, &path, &text)?,
            Event::GeneralRef(reference) => add(&mut texts, &path, &resolved(&reference)?)?,
            Event::DocType(_) => return None,
            Event::Eof => return closed.then(|| texts.into_fault()),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

/// Adds a text; nothing but white space may stand outside the root.
fn add(texts: &mut Texts, path: &[String], text: &str) -> Option<()> {
    if path.is_empty() {
        return text.trim().is_empty().then_some(());
    }
    if let Some(place) = texts.at(path) {
        place.push_str(text);
    }
    Some(())
}

/// A character by number, or one of the five entities that need no declaration.
fn resolved(reference: &BytesRef<'_>) -> Option<Cow<'static, str>> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => Some(character.to_string().into()),
        Ok(None) => resolve_xml_entity(reference).map(Cow::Borrowed),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fault around the children of its `ServiceException`.
    fn fault(detail: &str) -> String {
        format!(
            r#"<Fault xmlns="http://schemas.microsoft.com/ws/2005/05/envelope/none"><Code><Value>Sender</Value></Code><Reason><Text xml:lang="en-US">The reason</Text></Reason><Detail><ServiceException xmlns="http://schemas.datacontract.org/2004/07/Nervogrid.Platform.API" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">{detail}</ServiceException></Detail></Fault>"#
        )
    }

    fn parsed(xml: &str) -> Option<Fault> {
        read(xml.as_bytes())
    }

    #[test]
    fn a_fault_gives_its_message_its_incident_and_whether_the_session_is_over() {
        let found = parsed(&fault(
            "<IsSessionExpired>false</IsSessionExpired><IssueToken>5f3c-1</IssueToken>\
             <Message>No &lt;such&gt; &amp; &#233;t&#xE9; <![CDATA[<b>]]></Message>",
        ))
        .unwrap();
        assert_eq!(found.message.as_deref(), Some("No <such> & été <b>"));
        assert_eq!(found.issue_token.as_deref(), Some("5f3c-1"));
        assert!(!found.session_expired);
        let expired = parsed(&fault(
            "<IsSessionExpired> true </IsSessionExpired><IssueToken i:nil=\"true\"/>",
        ))
        .unwrap();
        assert!(expired.session_expired);
        assert_eq!(expired.issue_token, None);
        assert_eq!(expired.message.as_deref(), Some("The reason"));
    }

    #[test]
    fn names_are_local_and_their_place_counts() {
        let prefixed = r#"<?xml version="1.0"?><!-- c --><s:Fault xmlns:s="x"><s:Detail><a:ServiceException xmlns:a="y">
            <a:IsSessionExpired>true</a:IsSessionExpired></a:ServiceException></s:Detail></s:Fault>"#;
        assert!(parsed(prefixed).unwrap().session_expired);
        let elsewhere = "<Fault><Reason><Text>x</Text></Reason>\
             <IsSessionExpired>true</IsSessionExpired></Fault>";
        assert!(!parsed(elsewhere).unwrap().session_expired);
        let cased = fault("<issessionexpired>true</issessionexpired>");
        assert!(!parsed(&cased).unwrap().session_expired);
    }

    #[test]
    fn a_document_type_is_refused_whatever_it_declares() {
        let inner = fault("<IsSessionExpired>true</IsSessionExpired><Message>&e;</Message>");
        for doctype in [
            "<!DOCTYPE Fault>",
            "<!DOCTYPE Fault SYSTEM \"file:///etc/hosts\">",
            "<!DOCTYPE Fault [<!ENTITY e SYSTEM \"file:///etc/hosts\">]>",
            "<!DOCTYPE Fault [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY e \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>",
            "<!DOCTYPE Fault PUBLIC \"-//X\" \"https://example.com/x.dtd\">",
        ] {
            assert_eq!(parsed(&format!("{doctype}{inner}")), None, "{doctype}");
        }
    }

    #[test]
    fn an_entity_that_needs_a_declaration_is_refused() {
        for reference in [
            "&e;",
            "&nbsp;",
            "&xxe;",
            "&#0;",
            "&#x110000;",
            "&#xD800;",
            "&;",
            "& ",
        ] {
            let xml = fault(&format!("<Message>a{reference}b</Message>"));
            assert_eq!(parsed(&xml), None, "{reference}");
        }
    }

    #[test]
    fn deep_nesting_and_long_bodies_are_refused() {
        let nested =
            |depth: usize| fault(&format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth)));
        assert!(parsed(&nested(13)).is_some());
        assert_eq!(parsed(&nested(14)), None);
        assert_eq!(parsed(&nested(2000)), None);
        let long = |length: usize| fault(&format!("<Message>{}</Message>", "m".repeat(length)));
        assert!(parsed(&long(10_000)).is_some());
        assert_eq!(parsed(&long(MAX_BODY)), None);
    }

    #[test]
    fn what_is_no_whole_fault_is_none() {
        let whole = fault("<Message>x</Message>");
        for at in 0..whole.len() {
            assert_eq!(parsed(&whole[..at]), None, "cut at {at}");
        }
        for text in [
            "",
            " ",
            "plain words",
            "{}",
            "<html><body>x</body></html>",
            "<Fault/>",
            "<Fault></fault>",
            "<Fault><a></Fault></a>",
            "<Envelope><Fault></Fault></Envelope>",
            "<Fault></Fault><Fault></Fault>",
            "<Fault></Fault>words",
            "words<Fault></Fault>",
            "<Fault a=\"1\" a=\"2\"",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
        assert_eq!(read(b"<Fault>\xff</Fault>"), None);
        assert!(parsed("\u{feff}<Fault></Fault>\r\n").is_some());
    }
}
