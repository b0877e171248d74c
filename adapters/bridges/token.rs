//! A `CancellationToken` of tokio-util, both ways.

use futures::future::{Either, select};
use std::pin::pin;
use tokio_util::sync::CancellationToken;

use crate::{Ctx, Spawner};

/// Makes a token that is cancelled when `ctx` ends, for code that takes one.
///
/// Cancelling the token does nothing to the context. Each call registers a callback that stays
/// until the context ends: make one token, and clone it.
///
/// # Examples
///
/// ```
/// use windlass::{Ctx, adapters::bridges::token_of};
///
/// let ctx = Ctx::root_on("app", ());
/// let token = token_of(&ctx);
/// assert!(!token.is_cancelled());
/// ctx.cancel();
/// assert!(token.is_cancelled());
/// ```
pub fn token_of<R>(ctx: &Ctx<R>) -> CancellationToken {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    ctx.on_done(move |_| cancelled.cancel());
    token
}

/// Ends `ctx` when `token` is cancelled.
///
/// The reason says so. What waits for the token goes when the context ends, and holds neither.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// # windlass::testing::simulate(async |sim| {
/// use tokio_util::sync::CancellationToken;
/// use windlass::adapters::bridges::end_with_token;
///
/// let (ctx, token) = (sim.ctx.child("app"), CancellationToken::new());
/// end_with_token(&ctx, &token);
/// token.cancel();
/// let why = ctx.done().await;
/// assert_eq!(why.to_string(), "cancelled at sim-->app by its token was cancelled");
/// # });
/// ```
#[track_caller]
pub fn end_with_token<R: Spawner>(ctx: &Ctx<R>, token: &CancellationToken) {
    if token.is_cancelled() {
        ctx.cancel_with(REASON);
        return;
    }
    let (weak, done) = (ctx.on(()).downgrade(), ctx.done());
    let cancelled = token.clone().cancelled_owned();
    ctx.runtime().spawn(async move {
        if let Either::Left(_) = select(pin!(cancelled), done).await {
            if let Some(ctx) = weak.upgrade() {
                ctx.cancel_with(REASON);
            }
        }
    });
}

const REASON: &str = "its token was cancelled";
