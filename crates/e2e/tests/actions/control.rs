//! Pause, resume and cancel. Most tests run without rounds of the reconciler, so that work continues only by the bells
//! of the transition itself.

use jsonwebtoken::{EncodingKey, Header, encode};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use testkit::Upload;

use crate::support::{Bench, DEADLINE, adds_up, control, file, finished, obeyed, run};

const ROWS: u64 = 20_000;
/// After its first round the reconciler sleeps for longer than any test.
const NO_RECONCILER: (&str, &str) = ("RECONCILE_INTERVAL_MS", "600000");

fn many() -> String {
    file((1..=ROWS).map(|n| format!("user{n}@example.com,User {n},{}", n % 100)))
}

async fn unattended(chunk_size: &str) -> Bench {
    Bench::with(&[("CHUNK_SIZE", chunk_size), NO_RECONCILER]).await
}

/// Uploads many rows and waits until some are done.
async fn under_way(bench: &Bench) -> String {
    let id = bench.client().upload(many(), &Upload::contacts("bulk_create")).await;
    bench.client().wait_for(&id, DEADLINE, |action| action["progress"]["processedRecords"] != 0).await;
    id
}

/// Runs a small action of another account through both workers, so that they have finished what they held before.
async fn workers_have_moved_on(bench: &Bench) {
    let other = bench.platform.client("other");
    for n in 0..4 {
        let rows = (0..40).map(|row| format!("{n}-{row}@example.com,Other,1"));
        run(&other, &file(rows), &Upload::contacts("bulk_upsert")).await;
    }
}

async fn chunks_in_flight(bench: &Bench, id: &str) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM bulk_action_chunks
         WHERE action_id = $1::uuid AND (status IN ('queued', 'running', 'retrying') OR ready AND status = 'pending')",
    )
    .bind(id)
    .fetch_one(bench.env.pool())
    .await
    .unwrap()
}

fn counts(action: &Value) -> [&Value; 3] {
    ["successfulRecords", "failedRecords", "skippedRecords"].map(|name| &action["progress"][name])
}

async fn refuses(bench: &Bench, id: &str, verbs: &[&str], state: &str) {
    for verb in verbs {
        let (status, body) = control(&bench.client(), id, verb).await;
        assert_eq!((status, body["error"]["code"].as_str()), (409, Some("conflict")), "{verb}: {body}");
        let message = body["message"].as_str().unwrap();
        assert!(message.contains(state), "{verb}: {message:?} should name the state {state}");
    }
}

#[tokio::test]
async fn a_pause_freezes_the_counters_and_a_resume_completes_exactly() {
    let bench = unattended("100").await;
    let client = bench.client();
    let id = under_way(&bench).await;
    for _ in 0..3 {
        let paused = obeyed(&client, &id, "pause").await;
        assert_eq!(
            (paused["status"].as_str(), &paused["progress"]["etaSeconds"]),
            (Some("paused"), &Value::Null)
        );
        assert_ne!(paused["progress"]["completionRate"], 100.0, "too fast for this test: give it more rows");
        assert_eq!(chunks_in_flight(&bench, &id).await, 0);
        refuses(&bench, &id, &["pause", "retry"], "paused").await;
        workers_have_moved_on(&bench).await;
        let later = client.data(&format!("/bulk-actions/{id}")).await;
        assert_eq!(counts(&later), counts(&paused), "nothing is counted after the answer");
        assert_eq!(later["progress"]["rowsPerSecond"], paused["progress"]["rowsPerSecond"]);
        assert_eq!(bench.contacts("acme").await.len() as u64, counts(&paused)[0].as_u64().unwrap());

        let resumed = obeyed(&client, &id, "resume").await;
        assert_eq!(resumed["status"], "processing");
        let before = counts(&paused)[0].as_u64().unwrap();
        client
            .wait_for(&id, DEADLINE, |action| {
                action["progress"]["processedRecords"].as_u64().unwrap() > before
            })
            .await;
    }
    let done = client.wait_finished(&id, DEADLINE).await;
    assert_eq!(done["status"], "completed", "{done:#}");
    assert_eq!(finished(&client, &id, done).await.counts(), (ROWS, 0, 0));
    assert_eq!(bench.contacts("acme").await.len() as u64, ROWS);
    refuses(&bench, &id, &["pause", "resume", "cancel", "retry"], "completed").await;
}

#[tokio::test]
async fn a_resume_at_once_meets_workers_that_still_have_the_work_in_hand() {
    let bench = unattended("100").await;
    let client = bench.client();
    let id = under_way(&bench).await;
    let processed = |action: &Value| action["progress"]["processedRecords"].as_u64().unwrap();
    for _ in 0..12 {
        let (status, paused) = control(&client, &id, "pause").await;
        if status == 409 {
            break; // completed already
        }
        let resumed = obeyed(&client, &id, "resume").await;
        let frozen = processed(&paused["data"]);
        assert!(processed(&resumed) >= frozen);
        client.wait_for(&id, DEADLINE, |action| processed(action) > frozen).await;
    }
    let done = client.wait_finished(&id, DEADLINE).await;
    assert_eq!(done["status"], "completed", "{done:#}");
    assert_eq!(finished(&client, &id, done).await.counts(), (ROWS, 0, 0));
    assert_eq!(bench.contacts("acme").await.len() as u64, ROWS);
}

#[tokio::test]
async fn a_cancelled_action_keeps_what_it_has_done_and_lists_the_rest() {
    let bench = unattended("100").await;
    let client = bench.client();
    let id = under_way(&bench).await;
    let cancelled = obeyed(&client, &id, "cancel").await;
    assert_eq!(
        (cancelled["status"].as_str(), &cancelled["progress"]["etaSeconds"]),
        (Some("cancelled"), &Value::Null)
    );
    assert!(cancelled["completedAt"].is_string());
    assert_ne!(cancelled["progress"]["completionRate"], 100.0, "too fast for this test: give it more rows");
    assert_eq!(chunks_in_flight(&bench, &id).await, 0);
    workers_have_moved_on(&bench).await;
    let later = client.data(&format!("/bulk-actions/{id}")).await;
    assert_eq!(later["progress"], cancelled["progress"], "the numbers never change again");
    adds_up(&bench, &id, &many()).await;
    refuses(&bench, &id, &["pause", "resume", "cancel", "retry"], "cancelled").await;
    for name in ["processing-worker-1", "processing-worker-2", "chunking-worker-1"] {
        let log = bench.platform.log(name);
        assert!(!log.contains("\"level\":\"ERROR\""), "a cancel is no failure: {log}");
    }
}

#[tokio::test]
async fn a_cancel_while_the_file_is_read_ends_the_reading() {
    let bench = unattended("20").await;
    let client = bench.client();
    let id = client.upload(many(), &Upload::contacts("bulk_create")).await;
    client.wait_for(&id, DEADLINE, |action| action["chunks"]["total"] != 0).await;
    let cancelled = obeyed(&client, &id, "cancel").await;
    assert!(
        cancelled["chunks"]["total"].as_u64().unwrap() < ROWS / 20,
        "too fast for this test: give it more rows"
    );
    // The account's next file is read at once, since the cancelled one no longer occupies a chunker.
    let next = file(["next@example.com,Next,1"]);
    let after = client.upload(next, &Upload::contacts("bulk_create").field("dryRun", "true")).await;
    assert_eq!(client.wait_finished(&after, DEADLINE).await["status"], "completed");
    workers_have_moved_on(&bench).await;
    assert_eq!(client.data(&format!("/bulk-actions/{id}")).await["chunks"], cancelled["chunks"]);
    adds_up(&bench, &id, &many()).await;
}

#[tokio::test]
async fn an_action_that_has_not_begun_can_be_held_and_cancelled() {
    let mut bench = unattended("10").await;
    let client = bench.client();
    bench.platform.kill("chunking-worker-1", Signal::SIGKILL).await;
    let csv = file((1..=50).map(|n| format!("user{n}@example.com,User,1")));
    let held = client.upload(csv.clone(), &Upload::contacts("bulk_create")).await;
    let dropped = client.upload(csv.clone(), &Upload::contacts("bulk_create")).await;
    assert_eq!(obeyed(&client, &held, "pause").await["status"], "paused");
    assert_eq!(obeyed(&client, &dropped, "cancel").await["status"], "cancelled");
    bench.platform.restart("chunking-worker-1").await;
    workers_have_moved_on(&bench).await;
    assert_eq!(client.data(&format!("/bulk-actions/{held}")).await["status"], "paused");
    adds_up(&bench, &dropped, &csv).await;
    assert_eq!(obeyed(&client, &held, "resume").await["status"], "queued");
    let done = client.wait_finished(&held, DEADLINE).await;
    assert_eq!(finished(&client, &held, done).await.counts(), (50, 0, 0));
}

#[tokio::test]
async fn a_scheduled_action_can_be_held_and_cancelled() {
    let bench = Bench::start().await;
    let client = bench.client();
    let csv = file(["later@example.com,Later,1"]);
    let upload = Upload::contacts("bulk_create").field("scheduledAt", "2999-01-01T00:00:00Z");
    let held = client.upload(csv.clone(), &upload).await;
    assert_eq!(obeyed(&client, &held, "pause").await["status"], "paused");
    // The start time passes during the pause.
    sqlx::query("UPDATE bulk_actions SET scheduled_at = now()").execute(bench.env.pool()).await.unwrap();
    workers_have_moved_on(&bench).await;
    assert_eq!(client.data(&format!("/bulk-actions/{held}")).await["status"], "paused");
    assert_eq!(obeyed(&client, &held, "resume").await["status"], "scheduled");
    assert_eq!(client.wait_finished(&held, DEADLINE).await["status"], "completed");

    let dropped = client.upload(csv, &upload).await;
    refuses(&bench, &dropped, &["resume", "retry"], "scheduled").await;
    let cancelled = obeyed(&client, &dropped, "cancel").await;
    assert_eq!((cancelled["status"].as_str(), &cancelled["startedAt"]), (Some("cancelled"), &Value::Null));
    assert_eq!(client.results(&dropped, "status=unprocessed").await.len(), 1);
}

#[tokio::test]
async fn the_next_file_of_an_account_is_read_as_soon_as_the_one_before_it_is() {
    let bench = unattended("100").await;
    let client = bench.client();
    let mut ids = Vec::new();
    for n in 0..4 {
        let rows = (1..=2000).map(|row| format!("user{n}-{row}@example.com,User,1"));
        ids.push(client.upload(file(rows), &Upload::contacts("bulk_create")).await);
    }
    // One file is paused while it is read or waits; the others do not wait for it.
    obeyed(&client, &ids[1], "pause").await;
    for id in [&ids[0], &ids[2], &ids[3]] {
        let done = client.wait_finished(id, DEADLINE).await;
        assert_eq!(finished(&client, id, done).await.counts(), (2000, 0, 0));
    }
    obeyed(&client, &ids[1], "resume").await;
    let done = client.wait_finished(&ids[1], DEADLINE).await;
    assert_eq!(finished(&client, &ids[1], done).await.counts(), (2000, 0, 0));
}

#[tokio::test]
async fn nobody_controls_the_action_of_another_account() {
    let bench = Bench::start().await;
    let upload = Upload::contacts("bulk_create").field("scheduledAt", "2999-01-01T00:00:00Z");
    let id = bench.client().upload(file(["a@example.com,A,1"]), &upload).await;
    let stranger = bench.platform.client("other");
    for verb in ["pause", "resume", "cancel", "retry"] {
        for foreign in [id.as_str(), "0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c11", "no-id"] {
            let (status, body) = control(&stranger, foreign, verb).await;
            assert_eq!((status, body["error"]["code"].as_str()), (404, Some("not_found")), "{verb}: {body}");
        }
    }
    assert_eq!(bench.client().data(&format!("/bulk-actions/{id}")).await["status"], "scheduled");
}

#[tokio::test]
async fn control_needs_the_scope_to_write() {
    const SECRET: &str = "kUq3vX9bT2mZ7rW5yN8cF1sJ6hD4gL0p";
    let bench = Bench::with(&[("AUTH_MODE", "jwt"), ("JWT_SECRET", SECRET)]).await;
    let token = |scope: &str| {
        let claims = json!({"sub": "acme", "exp": 4_102_444_800_u64, "scope": scope});
        encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
    };
    let upload = Upload::contacts("bulk_create").field("scheduledAt", "2999-01-01T00:00:00Z");
    let upload = upload.header("authorization", &format!("Bearer {}", token("bulk:write")));
    let id = bench.client().upload(file(["a@example.com,A,1"]), &upload).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = |verb: &str, scope: &str| {
        http.post(format!("{}/bulk-actions/{id}/{verb}", bench.platform.url()))
            .bearer_auth(token(scope))
            .send()
    };
    for verb in ["pause", "resume", "cancel", "retry"] {
        let answer = post(verb, "bulk:read").await.unwrap();
        assert_eq!(answer.status(), 403, "{verb}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], "forbidden");
    }
    for verb in ["pause", "resume", "cancel"] {
        assert_eq!(post(verb, "bulk:write").await.unwrap().status(), 200, "{verb}");
    }
}
