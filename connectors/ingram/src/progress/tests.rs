use super::*;

fn row(id: u64) -> CustomerRow {
    CustomerRow {
        id: id.to_string(),
        name: None,
    }
}

fn page(offset: u64, ids: &[u64], total: u64) -> PageOf<CustomerRow> {
    let end = offset + u64::try_from(ids.len()).unwrap();
    PageOf {
        at: Timestamp::EPOCH,
        offset,
        end,
        total: Some(total),
        last: end >= total,
        rows: ids.iter().map(|id| row(*id)).collect(),
        broken: Vec::new(),
    }
}

fn ids(list: &ListSoFar<CustomerRow>) -> Vec<&str> {
    list.rows.iter().map(Row::key).collect()
}

#[test]
fn pages_follow_one_another_and_every_row_is_there_once() {
    let mut list = ListSoFar::default();
    list.take(page(0, &[9, 8], 5));
    list.take(page(4, &[5], 5));
    assert_eq!((list.next, list.done), (2, false), "a gap is not jumped");
    // A new row moved the pages by one.
    list.take(page(2, &[8, 7], 5));
    list.take(page(4, &[6], 5));
    assert_eq!(ids(&list), ["9", "8", "7", "6"]);
    assert!(
        list.done && !list.is_whole(),
        "one row of five was not seen"
    );
    list.take(page(0, &[10, 9], 5));
    list.take(page(2, &[8, 7], 5));
    list.take(page(4, &[6], 5));
    assert!(list.is_whole());
    assert_eq!(ids(&list), ["9", "8", "7", "6", "10"]);
}

#[test]
fn a_row_that_cannot_be_read_counts_among_those_seen() {
    let mut list = ListSoFar::default();
    let mut first = page(0, &[1], 2);
    first.end = 2;
    first.last = true;
    first.broken.push(BrokenRow {
        id: None,
        customer: None,
        failure: ReadFailure::new(ErrorKind::Protocol, "no"),
    });
    list.take(first);
    assert!(list.is_whole());
    assert_eq!(list.broken.len(), 1);
}

fn steps() -> Vec<Entry> {
    let detail = r#"{"detail":{"at":"2026-03-15T09:00:00Z","former":[],"detail":{"id":"7","status":"active",
      "lastModifiedDate":"2026-03-01","billingPeriod":{"type":"month","duration":1},
      "products":[{"id":"P","quantity":1234567890.123456789012345678,"unitCost":{"currency":"USD","amount":"0.10"}}]}}}"#;
    vec![
        Entry(Step::Began {
            tenant: "u in us".to_owned(),
            at: Timestamp::EPOCH,
            pass: 1,
        }),
        Entry(Step::Customers(page(0, &[1], 1))),
        Entry::from_line(&detail.replace('\n', "")).unwrap(),
        Entry(Step::Finished),
    ]
}

fn lines(entries: &[Entry]) -> Vec<String> {
    entries
        .iter()
        .map(|entry| entry.to_line().unwrap())
        .collect()
}

#[test]
fn a_step_is_a_line_that_reads_back_as_it_was_to_the_last_digit() {
    let written = lines(&steps());
    let read: Vec<Entry> = written
        .iter()
        .map(|line| Entry::from_line(line).unwrap())
        .collect();
    assert_eq!(lines(&read), written);
    assert!(written[2].contains("1234567890.123456789012345678"));
    assert!(written[2].contains("\"0.10\""));
    assert!(Entry::from_line("{\"began\":").is_err());
}

#[tokio::test]
async fn a_file_keeps_what_a_killed_process_left_and_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("progress.jsonl");
    let file = ProgressFile::new(&path);
    assert!(file.load().await.unwrap().is_empty());
    let steps = steps();
    file.replace(&steps[..1]).await.unwrap();
    file.append(&steps[1]).await.unwrap();
    drop(file);
    // The last line was cut off.
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("{\"detail\":{\"at\":");
    fs::write(&path, text).unwrap();
    let file = ProgressFile::new(&path);
    assert_eq!(lines(&file.load().await.unwrap()), lines(&steps[..2]));
    file.append(&steps[2]).await.unwrap();
    assert_eq!(lines(&file.load().await.unwrap()), lines(&steps[..3]));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
    file.replace(&steps).await.unwrap();
    file.append(&steps[3]).await.unwrap();
    assert_eq!(file.load().await.unwrap().len(), 5);
    assert_eq!(file.path(), path);
}
