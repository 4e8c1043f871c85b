//! Output on a terminal.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use nix::pty::{Winsize, openpty};

use crate::support::{DEADLINE, Person, platform};

/// Runs a command whose stderr is a terminal, and returns its exit code and the terminal's output.
async fn on_terminal(person: &Person, arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String) {
    let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    let terminal = openpty(&size, None).unwrap();
    let (master, slave): (OwnedFd, OwnedFd) = (terminal.master, terminal.slave);
    let mut command = person.command(arguments);
    command.env("TERM", "xterm-256color").envs(environment.iter().copied()).stderr(Stdio::from(slave));
    let mut child = command.spawn().unwrap();
    // The command's description would keep the terminal open.
    drop(command);
    let reading = tokio::task::spawn_blocking(move || {
        let mut seen = Vec::new();
        // The end of a terminal is an error on Linux.
        let _ = File::from(master).read_to_end(&mut seen);
        String::from_utf8_lossy(&seen).into_owned()
    });
    let status = tokio::time::timeout(DEADLINE, child.wait()).await.expect("it does not end").unwrap();
    (status.code().unwrap(), reading.await.unwrap())
}

#[tokio::test]
async fn a_terminal_has_bars_and_colours_unless_they_are_not_wanted() {
    let (_env, platform) = platform().await;
    let person = Person::of(&platform);
    let rows: String = (0..20_000).map(|n| format!("user{n}@example.com,User,1\n")).collect();
    person.file("people.csv", &format!("email,name,age\n{rows}"));
    let import = ["import", "people.csv", "-e", "contact", "--upsert"];
    let (code, seen) = on_terminal(&person, &import, &[]).await;
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("uploading people.csv") && seen.contains("rows"), "{seen}");
    assert!(seen.contains("done: 20,000 rows, 20,000 successful"), "{seen}");

    let red = "\u{1b}[31m";
    let wrong = ["import", "people.csv", "-e", "person"];
    let (code, seen) = on_terminal(&person, &wrong, &[]).await;
    assert!(code == 6 && seen.contains(red), "{seen:?}");
    let (code, seen) = on_terminal(&person, &wrong, &[("NO_COLOR", "1")]).await;
    assert!(code == 6 && !seen.contains(red), "{seen:?}");
    let (code, seen) = on_terminal(&person, &[&import[..], &["--force", "-q"]].concat(), &[]).await;
    assert_eq!((code, seen.as_str()), (0, ""));
}
