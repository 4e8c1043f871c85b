//! Help and generated files of the real binary.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::process::{Command, Output};

fn bulk(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bulk"));
    command.args(arguments).env_clear().output().unwrap()
}

fn stdout(arguments: &[&str]) -> String {
    let output = bulk(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn help_of_every_command() {
    for command in ["", "import", "check", "list", "watch", "logs", "results", "pause", "login"] {
        let arguments: Vec<_> =
            [command, "--help"].into_iter().filter(|argument| !argument.is_empty()).collect();
        let name = if command.is_empty() { "help_bulk".to_owned() } else { format!("help_{command}") };
        insta::assert_snapshot!(name, stdout(&arguments));
    }
}

#[test]
fn every_shell_has_its_completions() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert!(stdout(&["completions", shell]).contains("bulk"), "{shell}");
    }
    assert_eq!(bulk(&["completions", "cmd"]).status.code(), Some(2));
}

#[test]
fn every_command_has_a_manual_page() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("man1");
    stdout(&["man", path.to_str().unwrap()]);
    let page = std::fs::read_to_string(path.join("bulk-import.1")).unwrap();
    assert!(page.contains("ignore") && path.join("bulk.1").exists(), "{page}");
}

#[test]
fn a_mistyped_option_ends_with_2_and_names_the_right_ones() {
    let output = bulk(&["import", "a.csv", "-e", "contact", "--on-conflict", "ignore"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("it is one of skip, error, update"), "{text}");
}
