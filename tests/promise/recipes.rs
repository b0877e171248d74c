//! Carrying outcomes from one to another.

use windlass::{
    Ctx, Promise,
    adapters::Embedded,
    find_and_apply_result, noncancelled_results,
    promise::recipes::{transfer_errors, transfer_result},
};

use crate::{Log, error, four, is_cancelled, ready, value};

#[test]
fn fut_04_a_tasks_value_is_copied() {
    let rt = Embedded::global();
    let ctx = Ctx::root("app", rt);
    let target = Promise::new();
    let task = ctx.spawn(async { vec![1, 2] });
    task.on_done(transfer_result(&target));
    assert_eq!(futures::executor::block_on(target.wait()).unwrap(), [1, 2]);
}

#[test]
fn fut_09_to_12_every_outcome_is_carried_over_unless_the_target_has_one() {
    for how in ["value", "error", "cancel"] {
        let (from, to) = (Promise::new(), Promise::new());
        from.on_done(transfer_result(&to));
        match how {
            "value" => assert!(from.set(1) && value(&to) == Some(1)),
            "error" => assert!(from.fail("no") && error(&to).as_deref() == Some("no")),
            _ => assert!(from.cancel() && is_cancelled(&to)),
        }
    }
    let (from, to) = (Promise::new(), Promise::new());
    from.on_done(transfer_result(&to));
    to.set(5);
    from.fail("late");
    assert_eq!(value(&to), Some(5));
}

/// Bug Q-32: the tests looked at the source instead of the target, so they proved nothing.
#[test]
fn q_32_fut_06_to_08_errors_only_reaches_the_target_with_errors_only() {
    let transfer = |to: &Promise<u32>| -> Promise<u32> {
        let from = Promise::new();
        from.on_done(transfer_errors(to));
        from
    };
    let to = Promise::new();
    transfer(&to).cancel();
    assert!(is_cancelled(&to));

    let to = Promise::new();
    let from = transfer(&to);
    from.fail("no");
    assert_eq!(error(&to).as_deref(), Some("no"));

    let to = Promise::new();
    let log = Log::default();
    to.on_done(log.callback("after the transfer"));
    transfer(&to).set(1);
    assert!(!to.is_done() && log.take().is_empty());
}

#[test]
fn a_transfer_that_is_pending_keeps_its_target_from_being_given_up() {
    let (from, to) = (Promise::new(), Promise::new());
    let wait = to.wait();
    from.on_done(transfer_result(&to));
    drop(to);
    assert!(!wait.is_done());
    from.set(1);
    assert_eq!(ready(wait).unwrap(), 1);
}

#[test]
fn fut_19_and_26_a_cancelled_last_cancels_all_even_if_there_is_a_value() {
    let (last, all) = (Promise::new(), four());
    last.cancel();
    assert!(!find_and_apply_result(&last, &all));
    assert!(all.iter().all(is_cancelled) && is_cancelled(&last));

    let (last, all) = (Promise::new(), four());
    last.cancel();
    all[1].set(1);
    assert!(!find_and_apply_result(&last, &all));
    assert!(is_cancelled(&last) && is_cancelled(&all[0]));
    assert_eq!(value(&all[1]), Some(1));
}

#[test]
fn fut_20_a_failed_last_fails_all_that_are_pending() {
    let (last, all) = (Promise::new(), four());
    last.fail("no");
    all[2].set(1);
    assert!(!find_and_apply_result(&last, &all));
    assert_eq!(error(&all[0]).as_deref(), Some("no"));
    assert_eq!(value(&all[2]), Some(1));
}

#[test]
fn fut_22_24_and_28_the_outcome_of_one_is_given_to_all_others() {
    let (last, all) = (Promise::new(), four());
    assert!(!find_and_apply_result(&last, &all));
    assert!(!last.is_done() && all.iter().all(|one| !one.is_done()));
    all[3].fail("no");
    assert!(find_and_apply_result(&last, &all));
    assert_eq!(error(&last).as_deref(), Some("no"));
    assert!(all.iter().all(|one| error(one).as_deref() == Some("no")));
    let (_, errors) = noncancelled_results(&all);
    assert_eq!(errors.len(), 1, "it is the same error");

    let (last, all) = (Promise::new(), four());
    all[2].set(4);
    assert!(find_and_apply_result(&last, &all));
    assert!(value(&last) == Some(4) && all.iter().all(|one| value(one) == Some(4)));

    let (last, all) = (Promise::new(), four());
    all[0].cancel();
    all[1].set(1);
    all[2].fail("a failure comes first");
    assert!(find_and_apply_result(&last, &all));
    assert_eq!(error(&all[3]).as_deref(), Some("a failure comes first"));
}

/// Bug Q-29: with a value in `last`, the outcome of another was spread, and both could disagree.
#[test]
fn q_29_fut_30_a_value_in_last_is_what_is_spread() {
    let (last, all) = (Promise::new(), four());
    last.set(1);
    all[0].fail("no");
    assert!(!find_and_apply_result(&last, &all));
    assert!(all[1..].iter().all(|one| value(one) == Some(1)));
    assert_eq!(value(&last), Some(1));
}

/// Bug Q-30: it answered "changed" for a finished `last` and a cancelled other.
#[test]
fn q_30_it_answers_from_what_has_changed() {
    let (last, all) = (Promise::new(), four());
    last.set(1);
    all[0].cancel();
    assert!(!find_and_apply_result(&last, &all));
    let (last, all) = (Promise::new(), four());
    all[0].cancel();
    assert!(find_and_apply_result(&last, &all));
    assert!(is_cancelled(&last) && is_cancelled(&all[1]));
}

#[test]
fn fut_14_and_15_pending_and_cancelled_ones_are_left_out() {
    let all = four();
    all[1].set(1);
    all[2].cancel();
    all[3].set(2);
    let (values, errors) = noncancelled_results(&all);
    assert_eq!((values, errors.len()), (vec![&1, &2], 0));
    let all = four();
    all[1].fail("e");
    all[2].cancel();
    all[3].set(2);
    let (values, errors) = noncancelled_results(&all);
    assert_eq!((values, errors[0].to_string().as_str()), (vec![&2], "e"));
}

/// Bug Q-31: the errors came in no order, and those that compared equal were one.
#[test]
fn q_31_fut_16_to_18_errors_come_in_order_and_a_shared_one_once() {
    let all: [Promise<u32>; 5] = std::array::from_fn(|_| Promise::new());
    all[3].fail("same text");
    all[0].fail("same text");
    all[1].on_done(transfer_errors(&all[4]));
    all[1].fail("shared");
    all[2].set(7);
    let (values, errors) = noncancelled_results(&all);
    let texts: Vec<_> = errors.iter().map(|error| error.to_string()).collect();
    assert_eq!(texts, ["same text", "shared", "same text"]);
    assert_eq!(values, [&7]);
}

/// What is to happen only after a transfer is registered on the target; so nobody need be told
/// which of both is which.
#[test]
fn fut_05_and_13_a_hook_on_the_target_runs_after_the_transfer_and_only_then() {
    let (log, from, to) = (Log::default(), Promise::new(), Promise::new());
    let (target, hook) = (to.clone(), log.callback("hook"));
    to.on_done(move |outcome| {
        assert_eq!(target.outcome().and_then(Result::ok), outcome.ok());
        hook(outcome);
    });
    from.on_done(log.callback("before"));
    from.on_done(transfer_result(&to));
    from.on_done(log.callback("after"));
    from.set(7);
    assert_eq!(
        log.take(),
        ["before 7", "after 7", "hook 7"],
        "the inner ending in its turn"
    );

    // Errors only, and a value: nothing was transferred, so no hook runs.
    let (from, to) = (Promise::<u32>::new(), Promise::new());
    to.on_done(log.callback("hook"));
    from.on_done(transfer_errors(&to));
    from.set(7);
    assert!(log.take().is_empty() && !to.is_done());
    let _ = to.cancel();
}
