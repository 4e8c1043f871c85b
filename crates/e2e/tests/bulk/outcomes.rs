//! Results of an import, each with its exit code and a hint at the next step.

use crate::support::{CONTACTS, Person, platform, standstill};

#[tokio::test]
async fn rows_that_fail_are_repaired_and_imported() {
    let (_env, platform) = platform().await;
    let person = Person::of(&platform);
    person.file("people.csv", "email,name,age\nada@example.com,Ada,36\nbob@example.com,Bob,old\n");
    let import = ["import", "people.csv", "-e", "contact", "--upsert", "--failed-to", "failed.csv"];
    let failed = person
        .run(&import)
        .await
        .expect(3)
        .says("1 successful, 1 failed")
        .says("row 2 (bob@example.com): age");
    let csv = person.read("failed.csv");
    assert!(csv.starts_with("_row,_status,_reason,_id,") && csv.contains("bob@example.com"), "{csv}");
    let logs = person.run(&["logs", &failed.id(), "--status", "failed"]).await.expect(0);
    assert!(logs.stdout.starts_with("2\tfailed\tinvalid\tbob@example.com\tage"), "{}", logs.stdout);

    let allowed = ["import", "people.csv", "-e", "contact", "--upsert", "--force", "--allow-failures", "1"];
    person.run(&allowed).await.expect(0);

    let repaired: String = csv
        .lines()
        .map(|line| line.rsplitn(5, ',').collect::<Vec<_>>())
        .map(|cells| format!("{},{},{}\n", cells[2], cells[1], cells[0].replace("old", "41")))
        .collect();
    person.file("repaired.csv", &repaired);
    person.file("old-failures.csv", "of an earlier import");
    let again = ["import", "repaired.csv", "-e", "contact", "--upsert", "--failed-to", "old-failures.csv"];
    person.run(&again).await.expect(0).says("1 successful, 0 failed");
    assert!(!person.path("old-failures.csv").exists(), "nothing failed, so there is no file of failed rows");
}

#[tokio::test]
async fn a_service_that_is_not_there_or_not_one_is_said_to_be() {
    let nobody = Person::new("http://127.0.0.1:9", Some("acme"));
    nobody.file("people.csv", CONTACTS);
    nobody
        .run(&["import", "people.csv", "-e", "contact"])
        .await
        .expect(1)
        .says("cannot be reached")
        .says("BULK_URL");
    nobody.run(&["list"]).await.expect(1);
}

#[tokio::test]
async fn mistakes_on_the_command_line_end_with_2() {
    let person = Person::new("http://127.0.0.1:9", Some("acme"));
    person.run(&["import"]).await.expect(2);
    person.run(&["import", "missing.csv", "-e", "contact"]).await.expect(2).says("missing.csv");
    person.run(&["import", ".", "-e", "contact"]).await.expect(2).says("cannot read");
    person.file("people.csv", CONTACTS);
    let same = ["import", "people.csv", "-e", "contact", "--failed-to", "people.csv"];
    person.run(&same).await.expect(2).says("would be lost");
    person.run(&["import", "people.csv", "-e", "contact", "--create", "--delete"]).await.expect(2);
    person.run(&["watch", "--last"]).await.expect(2).says("`bulk list`");
    let nowhere = Person::new("", None);
    nowhere.run(&["list"]).await.expect(2).says("BULK_URL");
}

#[tokio::test]
async fn a_refusal_of_the_service_names_the_option_that_helps() {
    let (_env, platform) = platform().await;
    let person = Person::of(&platform);
    person.file("people.csv", "Letterbox,name\nada@example.com,Ada\n");
    let refused = person.run(&["import", "people.csv", "-e", "contact"]).await.expect(6);
    refused.says("Letterbox").says("--map HEADER=COLUMN");
    person.run(&["import", "people.csv", "-e", "person"]).await.expect(6).says("(--entity)");
    person.run(&["import", "people.csv", "-e", "contact", "--map", "Letterbox=email"]).await.expect(0);
    let unknown = "00000000-0000-7000-8000-000000000000";
    person.run(&["show", unknown]).await.expect(6).says("not found").says("`bulk list`");
    let stranger = Person::new(&platform.url(), None);
    stranger.file("people.csv", CONTACTS);
    stranger.run(&["import", "people.csv", "-e", "contact"]).await.expect(7).says("BULK_TOKEN");
    stranger.run(&["login", "--account", "not an account"]).await.expect(7);
    stranger.run(&["login", "--account", "acme"]).await.expect(0);
    stranger.run(&["import", "people.csv", "-e", "contact"]).await.expect(0);
}

#[tokio::test]
async fn an_action_that_is_cancelled_or_fails_ends_its_import() {
    let (env, platform) = standstill().await;
    let person = Person::of(&platform);
    person.file("people.csv", CONTACTS);
    let running = person.start(&["import", "people.csv", "-e", "contact"]).await;
    let other = Person::of(&platform);
    other.run(&["pause", &running.id]).await.expect(0).says("the action is paused");
    other.run(&["resume", &running.id]).await.expect(0);
    other.run(&["cancel", &running.id]).await.expect(0).says("the action is cancelled");
    running.end().await.expect(5).says("cancelled: 2 rows").says("--status unprocessed");
    other.run(&["cancel", "--last"]).await.expect(2);
    person.run(&["cancel", "--last"]).await.expect(6).says("cancelled");

    let running = person.start(&["import", "people.csv", "-e", "contact", "--force"]).await;
    let failed = "UPDATE bulk_actions SET status = 'failed', error_code = 'dead_chunks', error_message = 'the disk is full', \
                  completed_at = now(), updated_at = now() WHERE id = $1";
    let id: uuid::Uuid = running.id.parse().unwrap();
    sqlx::query(failed).bind(id).execute(env.pool()).await.unwrap();
    running.end().await.expect(4).says("the disk is full").says("bulk retry");
    person.run(&["watch", "--last", "-q"]).await.expect(4);
}

#[tokio::test]
async fn the_time_may_be_over_before_the_action_is() {
    let (_env, platform) = standstill().await;
    let person = Person::of(&platform);
    person.file("people.csv", CONTACTS);
    let late = person.run(&["import", "people.csv", "-e", "contact", "--timeout", "1s"]).await.expect(8);
    let id = late.id();
    late.says("bulk watch --last");
    let json = person.run(&["watch", "--last", "--timeout", "1s", "--json"]).await.expect(8).json();
    assert_eq!(json["id"], id.as_str());
}
