//! Accounts can neither see nor change data of others.

use testkit::Upload;

use crate::support::{Bench, file, run};

#[tokio::test]
async fn two_accounts_with_the_same_keys_do_not_meet() {
    let bench = Bench::start().await;
    let (acme, other) = (bench.client(), bench.platform.client("other"));
    let id = bench.seed("acme", "shared@example.com", "Acme's", None).await;
    run(&other, &file(["shared@example.com,Other's,1"]), &Upload::contacts("bulk_create")).await;
    assert_eq!(bench.contacts("acme").await["shared@example.com"].name, "Acme's");

    let by_id = format!("id,name\n{id},Stolen\n");
    let stolen = run(&other, &by_id, &Upload::contacts("bulk_update")).await;
    assert_eq!(stolen.code(1), "not_found");
    let deleted = run(&other, &format!("id\n{id}\n"), &Upload::contacts("bulk_delete")).await;
    assert_eq!(deleted.code(1), "not_found");
    run(&other, "email\nshared@example.com\n", &Upload::contacts("bulk_delete")).await;
    assert_eq!(bench.contacts("acme").await["shared@example.com"].name, "Acme's");
    assert!(bench.contacts("other").await.is_empty());

    let done = run(&acme, &file(["new@example.com,New,1"]), &Upload::contacts("bulk_create")).await;
    for route in ["", "/stats", "/codes", "/logs", "/results"] {
        let answer = other.get(&format!("/bulk-actions/{}{route}", done.id)).await;
        assert_eq!(answer.status(), 404, "{route}");
    }
    let listed = other.data("/bulk-actions?limit=100").await;
    assert!(listed.as_array().unwrap().iter().all(|action| action["id"] != done.id));
}
