//! Group 2, the connection check.

use tallyline_core::ErrorKind;

use super::context::{Ctx, Outcome, ensure, tests};
use super::harness::{Situation, World};

tests! { Check;
    good_credentials_pass: "good credentials pass, and the identity says whose they are",
    wrong_credentials_are_auth: "wrong credentials are `Auth`",
    a_missing_permission_is_permission_denied: "a missing right is `PermissionDenied`",
    an_unreachable_host_is_unavailable: "an unreachable host is `Unavailable` or `Timeout`",
}

async fn good_credentials_pass(ctx: &Ctx<'_>) -> Outcome {
    let it = ctx.good(&World::of(2)).await?;
    let identity = ctx.check(&it).await?;
    ensure!(
        !identity.subject.trim().is_empty(),
        "the identity names nobody"
    );
    ensure!(
        it.server().request_count() > 0,
        "the check asked the system nothing"
    );
    Ok(())
}

async fn refused(ctx: &Ctx<'_>, situation: Situation, kinds: &[ErrorKind]) -> Outcome {
    let it = ctx.start(&World::of(2), situation).await?;
    match ctx.check(&it).await {
        Ok(identity) => ensure!(false, "the check passed as {:?}", identity.subject),
        Err(error) => ensure!(kinds.contains(&error.kind()), "{:?}: {error}", error.kind()),
    }
    Ok(())
}

async fn wrong_credentials_are_auth(ctx: &Ctx<'_>) -> Outcome {
    refused(ctx, Situation::WrongCredentials, &[ErrorKind::Auth]).await
}

async fn a_missing_permission_is_permission_denied(ctx: &Ctx<'_>) -> Outcome {
    let kinds = [ErrorKind::PermissionDenied];
    refused(ctx, Situation::MissingPermission, &kinds).await
}

async fn an_unreachable_host_is_unavailable(ctx: &Ctx<'_>) -> Outcome {
    let kinds = [ErrorKind::Unavailable, ErrorKind::Timeout];
    refused(ctx, Situation::Unreachable, &kinds).await
}
