//! Output streams, retries, and operations that must happen only once.

use std::process::Stdio;

use crate::support::{CONTACTS, Person, platform};

#[tokio::test]
async fn the_same_command_twice_makes_one_action() {
    let (_env, platform) = platform().await;
    let person = Person::of(&platform);
    person.file("people.csv", CONTACTS);
    let import = ["import", "people.csv", "-e", "contact", "--upsert"];
    let first = person.run(&import).await.expect(0).id();
    let second = person.run(&import).await.expect(0).says("no second action").says("--force");
    assert_eq!(second.id(), first);
    let forced = person.run(&[&import[..], &["--force"]].concat()).await.expect(0).id();
    assert_ne!(forced, first);
    let other = person.run(&["import", "people.csv", "-e", "contact", "--update"]).await.expect(0).id();
    assert!(![&first, &forced].contains(&&other), "other choices are another command");
    let keyed = [&import[..], &["--key", "monday"]].concat();
    let monday = person.run(&keyed).await.expect(0).id();
    assert_eq!(person.run(&keyed).await.expect(0).id(), monday);
    person.file("people.csv", "email\nx@example.com\n");
    person.run(&keyed).await.expect(6).says("Idempotency-Key");
}

#[tokio::test]
async fn stdout_is_data_and_quiet_is_quiet() {
    let (_env, platform) = platform().await;
    let person = Person::of(&platform);
    person.file("people.csv", CONTACTS);
    let quiet = person.run(&["import", "people.csv", "-e", "contact", "-q"]).await.expect(0);
    assert_eq!(quiet.stderr, "");
    let id = quiet.id();
    let json = person.run(&["import", "people.csv", "-e", "contact", "--json"]).await.expect(0).json();
    assert_eq!((json["id"].as_str(), &json["isNew"]), (Some(id.as_str()), &false.into()));
    assert_eq!((&json["status"], &json["successfulRecords"]), (&"completed".into(), &2.into()));
    let show = person.run(&["show", "--last", "--json"]).await.expect(0).json();
    assert_eq!(show["id"], id.as_str());
    let list = person.run(&["list"]).await.expect(0);
    assert!(list.stdout.starts_with("ID ") && list.stdout.contains(&id), "{}", list.stdout);
    let results = person.run(&["results", "--last"]).await.expect(0);
    assert_eq!(results.stdout.lines().count(), 3, "{}", results.stdout);
    let logs = person.run(&["logs", "--last", "--json", "--limit", "1"]).await.expect(0).json();
    assert_eq!((&logs["row"], &logs["code"]), (&1.into(), &"created".into()));
    person.run(&["import", "people.csv", "-e", "contact", "--dry-run", "--detach", "-q"]).await.expect(0);
    person.run(&["watch", "--last"]).await.expect(0);
}

#[tokio::test]
async fn entities_and_templates_show_what_can_be_imported() {
    let (_env, platform) = platform().await;
    let person = Person::of(&platform);
    let all = person.run(&["entities"]).await.expect(0);
    assert!(["contact", "product", "order"].iter().all(|name| all.stdout.contains(name)), "{}", all.stdout);
    let one = person.run(&["entities", "contact"]).await.expect(0);
    assert!(one.stdout.contains("ada@example.com"), "{}", one.stdout);
    person.run(&["entities", "person"]).await.expect(6).says("contact");
    person.run(&["template", "contact", "-o", "start.csv"]).await.expect(0);
    person.run(&["import", "start.csv", "-e", "contact"]).await.expect(0);
    person.run(&["template", "a/b"]).await.expect(6);
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_failure() {
    let (_env, platform) = platform().await;
    let person = Person::of(&platform);
    let rows: String = (0..20_000).map(|n| format!("user{n}@example.com,User,1\n")).collect();
    person.file("people.csv", &format!("email,name,age\n{rows}"));
    person.run(&["import", "people.csv", "-e", "contact"]).await.expect(0);
    for arguments in [["results", "--last"], ["logs", "--last"]] {
        let mut child = person.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = crate::support::ran(child.wait_with_output().await.unwrap()).expect(0);
        assert_eq!(ended.stderr, "");
    }
}

#[tokio::test]
async fn a_token_is_never_shown() {
    let (_env, platform) = platform().await;
    let person = Person::new(&platform.url(), None);
    person.file("people.csv", CONTACTS);
    for arguments in [&["import", "people.csv", "-e", "contact"][..], &["list"], &["login"]] {
        let mut command = person.command(arguments);
        let output =
            command.env("BULK_TOKEN", "secret-word").env("RUST_BACKTRACE", "1").output().await.unwrap();
        let ended = crate::support::ran(output).expect(7);
        assert!(!format!("{ended:?}").contains("secret-word"), "{ended:?}");
        assert!(!ended.stderr.contains("backtrace"), "{}", ended.stderr);
    }
}
