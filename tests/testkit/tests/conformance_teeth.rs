//! The batteries have teeth: a source that is broken in one way, and a harness that says one thing which is not so, fail
//! in the tests named beside them and in no other, all of one group. Every test of a source has such a double.
#![allow(clippy::unwrap_used, reason = "a double may panic as its test may")]

#[path = "doubles/acorn.rs"]
mod acorn;
#[path = "doubles/carrier.rs"]
mod carrier;
#[path = "doubles/flaw.rs"]
mod flaw;
#[path = "doubles/source.rs"]
mod source;
#[path = "doubles/tokens.rs"]
mod tokens;

use std::collections::BTreeSet;

use acorn::Broken;
use flaw::{Flaw, Lie};
use tallyline_testkit::conformance::{ConformanceReport, Group, run_source, source_tests};

async fn failed(broken: Broken) -> (ConformanceReport, BTreeSet<&'static str>) {
    let report = run_source(&broken).await;
    let failed = report.failures().map(|test| test.name).collect();
    (report, failed)
}

/// Tests and their group.
type OfGroup = (Group, &'static [&'static str]);

/// Runs a double, which must fail in some tests, all of one group where there are any, and in no other.
async fn fails_in(broken: Broken, wanted: &[OfGroup]) {
    let (report, failed) = failed(broken).await;
    let tests: BTreeSet<&str> = wanted
        .iter()
        .flat_map(|(_, tests)| *tests)
        .copied()
        .collect();
    assert_eq!(failed, tests, "{}", report.to_markdown());
    let groups: Vec<Group> = wanted.iter().map(|(group, _)| *group).collect();
    assert_eq!(report.failed_groups(), groups);
    assert_eq!(report.is_conformant(), groups.is_empty());
}

/// One test for each double, and the list of what they fail.
macro_rules! doubles {
    ($($name:ident: $flaw:ident, $lie:ident => $($group:ident $tests:expr)?;)+) => {
        $(
            #[tokio::test]
            async fn $name() {
                fails_in(Broken(Flaw::$flaw, Lie::$lie), &[$((Group::$group, &$tests))?]).await;
            }
        )+

        /// The tests that doubles fail, with their groups.
        const FAILED: &[OfGroup] = &[$($((Group::$group, &$tests),)?)+];
    };
}

doubles! {
    a_sound_source_fails_nowhere: Nothing, None => ;

    a_secret_in_debug_output: ShowsItsKeyInDebug, None => Config ["debug_shows_no_secret"];
    a_blank_key_that_is_taken: TakesABlankKey, None => Config ["a_missing_part_is_named"];
    plain_http_that_is_taken: TakesPlainHttp, None => Config ["plain_http_is_refused"];
    another_name_than_the_harness_says: MisnamesItself, None => Config ["the_descriptor_names_the_system"];
    a_skip_of_a_test_that_there_is_not: Nothing, SkipsATestThatThereIsNot => Config ["the_harness_names_what_there_is"];
    a_skip_without_a_reason: Nothing, SkipsWithoutAReason => Config ["the_harness_names_what_there_is"];
    a_skip_of_what_is_said_of_skips: Nothing, SkipsTheTestOfItself => Config ["the_harness_names_what_there_is"];
    a_harness_without_worlds: Nothing, TriesNoWorld => Config ["the_harness_names_what_there_is"];
    a_request_that_is_not_named: Nothing, HidesARequest => Config ["the_harness_names_what_there_is"];
    a_request_that_is_named_and_never_sent: Nothing, NamesARequestThatIsNotSent => Config ["the_harness_names_what_there_is"];

    an_identity_that_names_nobody: NamesNobody, None => Check ["good_credentials_pass"];
    a_wrong_kind_for_wrong_credentials: CallsWrongCredentialsAMissingRight, None => Check ["wrong_credentials_are_auth"];
    a_wrong_kind_for_a_missing_right: CallsAMissingRightBadCredentials, None => Check ["a_missing_permission_is_permission_denied"];
    a_wrong_kind_for_an_unreachable_host: CallsAnUnreachableHostAMistake, None => Check ["an_unreachable_host_is_unavailable"];

    an_empty_system_that_is_an_error: RefusesAnEmptySystem, None => Read ["nothing_is_nothing"];
    quantities_of_zero_that_are_dropped: DropsZeroQuantities, None => Read ["every_account_is_read"];
    a_dropped_page: DropsAPage, None => Read [
        "pages_lose_nothing", "a_repeated_cursor_is_an_error", "a_page_that_fails_once_is_repeated",
        "a_list_that_fails_is_an_error", "an_account_that_fails_midway_is_not_short"];
    lists_that_are_paged_and_said_not_to_be: Nothing, HidesThatListsArePaged => Read ["pages_lose_nothing"];
    lines_beyond_the_pages_that_are_dropped: DropsLinesBeyondThePages, None => Read [
        "many_lines_are_read_whole", "an_account_that_fails_midway_is_not_short"];
    lines_in_another_order_each_time: ReadsInAnotherOrder, None => Read ["reading_twice_gives_the_same"];
    repeated_records_that_are_counted: CountsRepeatedRecords, None => Read ["a_record_that_comes_twice_counts_once"];
    a_list_that_ends_where_it_repeats: StopsWhereAListRepeats, None => Read [
        "a_repeated_cursor_is_an_error", "a_list_that_fails_is_an_error", "an_account_that_fails_midway_is_not_short"];
    a_list_that_ends_at_a_404: EndsItsListAtA404, None => Read [
        "a_list_that_fails_is_an_error", "an_account_that_fails_midway_is_not_short"];
    an_account_with_nothing_that_is_left_out: LeavesOutAccountsWithNothing, None => Read ["an_account_with_nothing_is_not_left_out"];
    an_account_that_is_read_up_to_an_error: KeepsWhatItHasOfAnAccount, None => Read ["an_account_that_fails_midway_is_not_short"];
    an_error_read_as_empty: ReadsAnErrorAsEmpty, None => Read [
        "an_account_that_fails_is_not_empty", "an_account_that_fails_midway_is_not_short"];
    what_is_missing_or_down_read_as_empty: ReadsWhatIsMissingOrDownAsEmpty, None => Read [
        "an_account_that_fails_is_not_empty", "an_account_that_fails_midway_is_not_short"];
    readings_that_nobody_asked_for: ReadsWhateverIsAsked, None => Read ["only_what_is_asked_is_read"];
    readings_that_all_come_at_once: ReadsAllBeforeItGives, None => Read ["a_dropped_stream_stops_asking"];
    services_that_are_not_listed: ListsNoServices, None => Read ["services_are_listed"];
    services_after_an_error_that_are_dropped: ShortensItsServices, None => Read ["services_are_listed"];
    seats_that_are_usage_as_well: CountsSeatsAlsoAsUsage, None => Read ["nothing_else_is_read"];
    readings_from_the_future: StampsTheFuture, None => Read ["readings_say_when"];
    costs_that_are_claimed_and_missing: LeavesOutCosts, None => Read ["claimed_unit_costs_are_exact"];
    costs_through_a_float: CostsThroughAFloat, None => Read ["claimed_unit_costs_are_exact"];
    costs_in_another_currency: CostsInDollars, None => Read ["claimed_unit_costs_are_exact"];
    costs_of_zero_where_they_are_unread: TakesAnUnreadCostForZero, None => Read ["claimed_unit_costs_are_exact"];
    commitments_that_are_claimed_and_missing: LeavesOutCommitments, None => Read ["claimed_commitments_are_told"];

    unknown_members_that_are_refused: RefusesUnknownMembers, None => Wire ["unknown_members_change_nothing"];
    a_new_word_that_is_refused: RefusesANewState, None => Wire ["unknown_words_do_not_break_a_read"];
    an_open_list_that_is_not_there: Nothing, NamesAListThatIsNotThere => Wire ["unknown_words_do_not_break_a_read"];
    a_blank_member_that_is_refused: RefusesABlankNote, None => Wire ["null_and_blank_members_do_not_break_a_read"];
    a_member_that_is_not_there: Nothing, NamesAMemberThatIsNotThere => Wire ["null_and_blank_members_do_not_break_a_read"];
    a_number_in_quotes_that_is_refused: RefusesNumbersInQuotes, None => Wire ["a_number_in_quotes_is_the_same_number"];
    a_quantity_through_a_float: CountsThroughAFloat, None => Wire ["whole_numbers_are_exact", "decimals_are_exact"];
    a_dropped_sign: DropsTheSign, None => Wire ["a_negative_number_keeps_its_sign"];
    a_missing_count_taken_for_zero: TakesAMissingCountForZero, None => Wire ["what_is_no_number_fails"];
    letters_that_are_stripped: StripsWhatItCannotSee, None => Wire ["names_keep_every_letter"];
    a_long_answer_that_is_refused: RefusesLongAnswers, None => Wire ["a_page_of_four_mebibytes_is_read"];
    a_wrong_kind_for_a_web_page: CallsAWebPageUnavailable, None => Wire ["a_web_page_is_a_protocol_error"];
    a_wrong_kind_for_an_empty_body: CallsAnEmptyBodyUnavailable, None => Wire ["an_empty_body_is_a_protocol_error"];
    half_an_answer_that_is_salvaged: SalvagesHalfAnAnswer, None => Wire ["half_a_body_is_an_error"];

    a_gateways_timeout_taken_for_a_refusal: TakesAGatewaysTimeoutForARefusal, None => Retry ["a_busy_system_is_asked_again"];
    a_limit_taken_for_a_refusal: TakesALimitWithoutAWaitForARefusal, None => Retry ["too_many_requests_are_repeated"];
    a_long_wait_that_is_not_seen: HidesRetryAfter, None => Retry [
        "a_long_wait_is_not_cut_short", "a_wait_within_the_hour_is_kept_or_told"];
    a_wait_of_an_hour_cut_short: CutsShortWaitsOfUpToAnHour, None => Retry ["a_wait_within_the_hour_is_kept_or_told"];
    a_reset_taken_for_a_refusal: TakesAResetForARefusal, None => Retry ["a_reset_before_and_after_the_request_is_repeated"];
    readings_asked_for_without_end: AsksForReadingsWithoutEnd, None => Retry ["attempts_are_bounded", "what_cannot_help_is_not_repeated"];
    a_report_that_is_started_again: StartsItsReportAgain, None => Retry ["what_starts_something_is_sent_once"];

    a_token_for_every_call: FetchesATokenForEachCall, None => Auth ["one_token_for_many_calls", "an_expired_token_is_renewed_once"];
    a_token_that_is_never_renewed: NeverRenewsItsToken, None => Auth ["an_expired_token_is_renewed_once"];
    a_wrong_kind_for_a_refused_renewal: CallsARefusedRenewalUnavailable, None => Auth ["a_refused_renewal_is_auth"];
    refused_credentials_sent_again: RepeatsRefusedCredentials, None => Auth ["lasting_refusal_is_auth"];
    a_panic_with_a_key: PanicsWithItsKey, None => Auth ["a_refused_renewal_is_auth", "no_secret_shows"];
    a_followed_redirect: FollowsRedirects, None => Auth ["redirects_are_not_followed"];
    a_followed_redirect_of_a_token_call: FollowsRedirectsOfTokenCalls, None => Auth ["redirects_are_not_followed"];
    a_followed_link_to_another_host: FollowsForeignLinks, None => Auth ["links_to_other_hosts_get_nothing"];
    a_followed_next_page_on_another_host: FollowsForeignNextPages, None => Auth ["links_to_other_hosts_get_nothing"];
    a_refusal_that_is_shown_as_it_came: ShowsAnswersWhole, None => Auth ["a_system_that_repeats_credentials", "no_secret_shows"];
    a_logged_token: LogsItsToken, None => Auth ["no_secret_shows"];
    a_token_logged_in_base64_behind_a_user: LogsItsTokenInBase64, None => Auth ["no_secret_shows"];
    a_key_logged_in_hexadecimal: LogsItsKeyInHex, None => Auth ["no_secret_shows"];
    a_key_in_the_identity: ShowsItsKeyInItsIdentity, None => Auth ["no_secret_shows"];

    a_source_that_writes: WritesWhileItReads, None => Sink ["reading_writes_nothing"];

    spans_of_another_connector: NamesItsSpansOtherwise, None => Telemetry ["operations_have_spans"];
    a_request_beside_the_spans: AsksBesideItsSpans, None => Telemetry ["attempts_have_spans"];
    repeats_that_nobody_counts: RepeatsOnItsOwn, None => Telemetry ["repeats_and_failures_are_recorded"];
    a_span_name_with_an_account: NamesSpansByAccount, None => Telemetry ["span_names_are_few"];

    records_that_are_alike_and_counted_once: CountsRecordsThatAreAlikeOnce, None => Model ["records_that_are_alike_are_all_counted"];
    a_subscription_that_is_left_out: KeepsOneSubscriptionPerService, None => Model [
        "records_that_are_alike_are_all_counted", "what_is_read_and_applied_is_in_step"];
    an_account_in_two_readings: SplitsLargeAccounts, None => Model [
        "what_is_read_and_applied_is_in_step", "readings_in_any_order_plan_the_same"];
}

#[tokio::test]
async fn a_harness_that_starts_nothing_is_not_conformant() {
    let (report, failed) = failed(Broken(Flaw::Nothing, Lie::StartsNothing)).await;
    assert!(!report.is_conformant());
    assert!(failed.contains("good_credentials_pass") && failed.contains("every_account_is_read"));
    for group in Group::ALL {
        let (passed, failed, _) = report.counts(group);
        assert!(failed > 0, "{group}: {passed} passed and nothing failed");
    }
}

#[test]
fn every_test_of_a_source_has_a_double_that_fails_it() {
    let failed: BTreeSet<(Group, &str)> = FAILED
        .iter()
        .flat_map(|(group, tests)| tests.iter().map(|test| (*group, *test)))
        .collect();
    let there: BTreeSet<(Group, &str)> = source_tests().into_iter().collect();
    let without: Vec<_> = there.difference(&failed).collect();
    let stale: Vec<_> = failed.difference(&there).collect();
    assert!(without.is_empty(), "no double fails {without:#?}");
    assert!(stale.is_empty(), "there is no such test: {stale:#?}");
}
