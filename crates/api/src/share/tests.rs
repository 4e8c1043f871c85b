//! Tests of order and count.

use futures::FutureExt as _;

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

fn share(places: usize, rule: Rule) -> Share {
    Share::new("uploads", places, rule, PATIENCE)
}

/// Takes a place that must be free.
fn now(share: &Share, account: &str) -> HeldPlace {
    share.take(account).now_or_never().expect("no place is free").unwrap()
}

fn has_to_wait(share: &Share, account: &str) -> bool {
    share.take(account).now_or_never().is_none()
}

#[tokio::test]
async fn alone_an_account_may_have_all_of_what_ends_by_itself() {
    let share = share(3, Rule::Whole);
    let held: Vec<_> = (0..3).map(|_| now(&share, "a")).collect();
    assert!(has_to_wait(&share, "a") && has_to_wait(&share, "b"));
    drop(held);
    assert!(lock(&share.inner).accounts.is_empty(), "nothing is remembered of who holds nothing");
    drop(now(&share, "b"));
}

#[tokio::test]
async fn of_what_a_client_can_hold_something_is_left_for_each_newcomer() {
    let share = share(8, Rule::Half);
    let first: Vec<_> = (0..4).map(|_| now(&share, "a")).collect();
    assert!(has_to_wait(&share, "a"), "half is all that one gets");
    let second: Vec<_> = (0..2).map(|_| now(&share, "b")).collect();
    assert!(has_to_wait(&share, "b"));
    let third = now(&share, "c");
    drop((first, second, third));
    assert_eq!(lock(&share.inner).free, 8);
}

#[tokio::test]
async fn accounts_take_turns_whatever_the_length_of_their_queues() {
    let share = share(2, Rule::Whole);
    let held = [now(&share, "a"), now(&share, "a")];
    let order = Mutex::new(Vec::new());
    let mut waiting: Vec<_> =
        ["a", "a", "a", "b", "c"].map(|account| Box::pin(take(&share, account, &order))).into();
    assert!(waiting.iter_mut().all(|turn| turn.as_mut().now_or_never().is_none()));
    drop(held);
    futures::future::join_all(waiting).await;
    assert_eq!(order.into_inner().unwrap(), ["b", "c", "a", "a", "a"]);
}

async fn take(share: &Share, account: &'static str, order: &Mutex<Vec<&'static str>>) {
    let _place = share.take(account).await.unwrap();
    order.lock().unwrap().push(account);
}

#[tokio::test]
async fn a_place_for_somebody_who_has_gone_goes_to_the_next() {
    let share = share(1, Rule::Whole);
    let held = now(&share, "a");
    let mut gone = Box::pin(share.take("b"));
    assert!(gone.as_mut().now_or_never().is_none());
    let mut next = Box::pin(share.take("c"));
    assert!(next.as_mut().now_or_never().is_none());
    drop(gone);
    drop(held);
    assert!(next.now_or_never().is_some());
    assert_eq!(lock(&share.inner).free, 1);
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_with_429_for_who_holds_places_and_503_for_who_holds_none() {
    let share = share(1, Rule::Whole);
    let _held = now(&share, "a");
    assert!(matches!(share.take("a").await, Err(ApiError::ShareTaken { held: 1, .. })));
    assert!(matches!(share.take("b").await, Err(ApiError::Unavailable(_))));
}

#[tokio::test]
async fn only_so_many_of_an_account_wait() {
    let share = share(1, Rule::Whole);
    let _held = now(&share, "a");
    let mut waiting: Vec<_> = (0..MAX_WAITING_PER_ACCOUNT).map(|_| Box::pin(share.take("a"))).collect();
    assert!(waiting.iter_mut().all(|turn| turn.as_mut().now_or_never().is_none()));
    let refused = share.take("a").now_or_never();
    assert!(matches!(refused, Some(Err(ApiError::ShareTaken { .. }))));
    assert!(has_to_wait(&share, "b"), "others still may");
}
