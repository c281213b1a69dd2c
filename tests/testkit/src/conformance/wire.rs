//! Group 4, what comes over the wire: odd bodies, exact numbers.

use tallyline_core::ErrorKind;
use tallyline_core::model::Quantity;
use tallyline_core::wire::parse_decimal;

use super::context::{Ctx, Outcome, Stop, ensure, ensure_read, tests};
use super::harness::World;
use super::read::names;
use super::rewrite;
use crate::faults::Fault;

/// A quantity whose digits stand nowhere else in an answer.
const SENTINEL: &str = "731357";

tests! { Wire;
    unknown_members_change_nothing: "members that no document names change nothing",
    unknown_words_do_not_break_a_read: "a new word in an open list does not break a read",
    null_and_blank_members_do_not_break_a_read: "null and blank in members that the vendor may leave out do not break a read",
    a_number_in_quotes_is_the_same_number: "a quantity in quotes is the same quantity",
    whole_numbers_are_exact: "a quantity written with an exponent or a fraction of zeros is read exactly",
    decimals_are_exact: "decimals of up to 28 digits are read to the last digit",
    a_negative_number_keeps_its_sign: "a negative quantity is read with its sign, or fails the reading",
    what_is_no_number_fails: "a quantity that is missing, no number, or has more digits than can be held fails the reading and is never another number",
    names_keep_every_letter: "names keep every letter, whatever the script",
    a_page_of_four_mebibytes_is_read: "an answer of four mebibytes is read",
    a_web_page_is_a_protocol_error: "a web page with status 200 is a `Protocol` error that shows its beginning",
    an_empty_body_is_a_protocol_error: "an empty body with status 200 is a `Protocol` error",
    half_a_body_is_an_error: "half an answer is an error",
}

async fn changed(ctx: &Ctx<'_>, fault: impl Fn() -> Fault) -> Outcome {
    let world = World::of(3);
    let it = ctx.good(&world).await?;
    ctx.strike(&it, ctx.profile.list.clone(), fault());
    ctx.strike_details(&it, fault);
    let listed = ctx.list(&it).await?;
    ensure!(listed == names(&world), "{listed:?} were listed");
    ensure_read(&world, &ctx.details(&it).await?)
}

async fn unknown_members_change_nothing(ctx: &Ctx<'_>) -> Outcome {
    changed(ctx, rewrite::unknown_members).await
}

/// Fails where members were named under which no answer holds anything.
fn ensure_missed_none(what: &str, missed: &[&'static str]) -> Outcome {
    ensure!(
        missed.is_empty(),
        "`{what}` names {missed:?}, and no answer holds anything to change there"
    );
    Ok(())
}

async fn unknown_words_do_not_break_a_read(ctx: &Ctx<'_>) -> Outcome {
    let names = ctx.profile.open_enums;
    if names.is_empty() {
        return Err(Stop::Skipped("its answers hold no open lists".to_owned()));
    }
    let seen = rewrite::Changed::default();
    changed(ctx, || rewrite::texts(names, "zzNewWord", &seen)).await?;
    ensure_missed_none("open_enums", &seen.missed(names))
}

async fn null_and_blank_members_do_not_break_a_read(ctx: &Ctx<'_>) -> Outcome {
    let names = ctx.profile.optional_members;
    if names.is_empty() {
        return Err(Stop::Skipped(
            "every member that it reads is guaranteed".to_owned(),
        ));
    }
    let seen = rewrite::Changed::default();
    changed(ctx, || rewrite::nulls(names, &seen)).await?;
    changed(ctx, || rewrite::texts(names, "", &seen)).await?;
    ensure_missed_none("optional_members", &seen.missed(names))
}

/// Reads one account whose quantity stands in the answer as a literal.
async fn literal(ctx: &Ctx<'_>, literal: &'static str) -> Result<Result<Quantity, String>, Stop> {
    one_quantity(ctx, literal, || rewrite::number(SENTINEL, literal)).await
}

/// Reads one account, whose quantity the fault finds in the answer.
async fn one_quantity(
    ctx: &Ctx<'_>,
    literal: &str,
    fault: impl Fn() -> Fault,
) -> Result<Result<Quantity, String>, Stop> {
    let sentinel = quantity(SENTINEL)?;
    let world = World::default().with("Literal Ltd", &[("MAIL-A", sentinel)]);
    let it = ctx.good(&world).await?;
    ctx.strike_details(&it, fault);
    let read = ctx.details(&it).await?;
    match read.first() {
        Some(Ok(items)) => match items.as_slice() {
            [(_, quantity)] => Ok(Ok(*quantity)),
            [] => Ok(Err("no line".to_owned())),
            _ => Err(Stop::Failed(format!("{literal} was read as {items:?}"))),
        },
        Some(Err(failure)) => Ok(Err(failure.message.clone())),
        None => Err(Stop::Failed("nothing was read".to_owned())),
    }
}

fn quantity(text: &str) -> Result<Quantity, Stop> {
    parse_decimal(text)
        .map(Quantity::new)
        .map_err(|error| Stop::Failed(format!("{text}: {error}")))
}

async fn exact(ctx: &Ctx<'_>, literals: &[(&'static str, &str)]) -> Outcome {
    for (text, wanted) in literals {
        match literal(ctx, text).await? {
            Ok(read) => ensure!(
                read == quantity(wanted)?,
                "{text} was read as {read}, not as {wanted}"
            ),
            Err(message) => ensure!(false, "{text} could not be read: {message}"),
        }
    }
    Ok(())
}

async fn a_number_in_quotes_is_the_same_number(ctx: &Ctx<'_>) -> Outcome {
    exact(ctx, &[("\"731357\"", SENTINEL)]).await
}

async fn whole_numbers_are_exact(ctx: &Ctx<'_>) -> Outcome {
    exact(
        ctx,
        &[
            ("12e2", "1200"),
            ("17.000", "17"),
            ("9007199254740993", "9007199254740993"),
        ],
    )
    .await
}

async fn decimals_are_exact(ctx: &Ctx<'_>) -> Outcome {
    if let Err(reason) = ctx.profile.decimals {
        return Err(Stop::Skipped(reason.to_owned()));
    }
    let literals = [
        ("0.1", "0.1"),
        ("2.675", "2.675"),
        (
            "1234567890123456.78901234567",
            "1234567890123456.78901234567",
        ),
        (
            "0.0000000000000000000000000001",
            "0.0000000000000000000000000001",
        ),
        ("125e-2", "1.25"),
    ];
    exact(ctx, &literals).await
}

async fn a_negative_number_keeps_its_sign(ctx: &Ctx<'_>) -> Outcome {
    if let Ok(read) = literal(ctx, "-17").await? {
        ensure!(read == quantity("-17")?, "-17 was read as {read}");
    }
    Ok(())
}

async fn what_is_no_number_fails(ctx: &Ctx<'_>) -> Outcome {
    let more_digits_than_can_be_held = "0.33333333333333333333333333333333333";
    for text in [
        "\"many\"",
        "\"\"",
        "\"1,200\"",
        "\"1_200\"",
        "\"NaN\"",
        "null",
        "true",
        "[]",
        "{}",
        "1e40",
        more_digits_than_can_be_held,
    ] {
        if let Ok(read) = literal(ctx, text).await? {
            ensure!(false, "{text} was read as {read}");
        }
    }
    if let Ok(read) = one_quantity(ctx, "nothing", || rewrite::without(SENTINEL)).await? {
        ensure!(false, "a quantity that is missing was read as {read}");
    }
    Ok(())
}

async fn names_keep_every_letter(ctx: &Ctx<'_>) -> Outcome {
    let world = World::default()
        .with("Zoë's Café & Söhne \"GmbH\"", &[("MAIL-A", 1_u32.into())])
        .with("東京クリニック", &[("MAIL-A", 2_u32.into())])
        .with("مكتب الزيتون", &[("MAIL-A", 3_u32.into())])
        .with("e\u{301}clair 👩\u{200d}⚕️", &[("MAIL-A", 4_u32.into())]);
    let it = ctx.good(&world).await?;
    let listed = ctx.list(&it).await?;
    ensure!(listed == names(&world), "{listed:?} were listed");
    ensure_read(&world, &ctx.details(&it).await?)
}

async fn a_page_of_four_mebibytes_is_read(ctx: &Ctx<'_>) -> Outcome {
    changed(ctx, || rewrite::padded(4 * 1024 * 1024)).await
}

async fn broken(ctx: &Ctx<'_>, fault: Fault) -> Result<tallyline_core::Error, Stop> {
    let it = ctx.good(&World::of(2)).await?;
    ctx.strike(&it, ctx.profile.list.clone(), fault);
    match ctx.list(&it).await {
        Ok(listed) => Err(Stop::Failed(format!("it was listed as {listed:?}"))),
        Err(error) => Ok(error),
    }
}

async fn a_web_page_is_a_protocol_error(ctx: &Ctx<'_>) -> Outcome {
    let error = broken(ctx, Fault::html_login_200()).await?;
    ensure!(
        error.kind() == ErrorKind::Protocol,
        "{:?}: {error}",
        error.kind()
    );
    let snippet = error.http().and_then(|http| http.body_snippet.as_deref());
    ensure!(
        snippet.is_some_and(|snippet| snippet.contains("<form>")),
        "the error does not show the page: {error:?}"
    );
    Ok(())
}

async fn an_empty_body_is_a_protocol_error(ctx: &Ctx<'_>) -> Outcome {
    let error = broken(ctx, Fault::empty_200()).await?;
    ensure!(
        error.kind() == ErrorKind::Protocol,
        "{:?}: {error}",
        error.kind()
    );
    Ok(())
}

async fn half_a_body_is_an_error(ctx: &Ctx<'_>) -> Outcome {
    broken(ctx, rewrite::cut()).await.map(|_| ())
}
