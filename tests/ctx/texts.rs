//! What is written about a signal: its name and where it stands.

use windlass::{Ctx, FutureStatus, Promise, status_text, testing::simulate};

use crate::{Broken, root};

#[test]
fn name_of_a_signal_is_its_own_and_is_there_from_its_birth() {
    // CTX-51, CTX-52: a name is given at birth, so there is nothing to set again. Q-12: names lived in
    // a map of the task that had set the first, and its siblings did not see them.
    simulate(async |sim| {
        let made = sim.ctx.spawn(async { Some(Promise::<u8>::named("one")) });
        let one = made.await.unwrap().unwrap();
        let two = Promise::<u8>::named("two");
        let (unnamed, seen) = (Promise::<u8>::new(), one.clone());
        assert_eq!((one.name(), two.name()), (Some("one"), Some("two")));
        assert_eq!((unnamed.name(), unnamed.label()), (None, None));
        let sibling = sim.ctx.spawn(async move { seen.name().map(str::to_owned) });
        assert_eq!(sibling.await.unwrap().as_deref(), Some("one"));
    });
}

#[test]
fn text_of_a_signal_says_where_it_stands_named_or_not() {
    // CTX-54, CTX-55, CTX-56, CTX-57, CTX-58, CTX-59: without a name, only where it stands remains.
    let pair = || [Promise::named("one"), Promise::<bool>::new()];
    let texts = |pair: [Promise<bool>; 2]| pair.map(|promise| status_text(&promise).to_string());
    assert_eq!(texts(pair()), ["one (pending)", "pending"]);
    let cancelled = pair();
    assert!(cancelled.iter().all(Promise::cancel));
    assert_eq!(texts(cancelled), ["one (cancelled)", "cancelled"]);
    let failed = pair();
    assert!(failed.iter().all(|promise| promise.fail(Broken("HI"))));
    assert_eq!(texts(failed), ["one (failed: HI)", "failed: HI"]);
    for value in [true, false] {
        let given = pair();
        assert!(given.iter().all(|promise| promise.set(value)));
        assert_eq!(texts(given), ["one (done)", "done"], "whatever the value");
    }
}

#[test]
fn text_of_a_context_says_how_it_ended() {
    // CTX-13, CTX-57
    let ctx = root().child("conn");
    assert!(ctx.fail(Broken("HI")));
    assert_eq!(status_text(&ctx).to_string(), "conn (failed: HI)");
    let erased: &dyn FutureStatus = &Ctx::root_on("", ());
    assert_eq!(
        status_text(erased).to_string(),
        " (pending)",
        "empty, but named"
    );
}
