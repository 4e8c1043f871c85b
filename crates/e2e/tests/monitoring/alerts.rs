//! The alert rules are valid, tested and documented.

use std::collections::BTreeSet;
use std::fs;

use super::prometheus::promtool;
use super::root;

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The names of all alerts.
fn alerts() -> BTreeSet<String> {
    let rules = text("docker/prometheus/alerts.yml");
    rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).map(str::to_owned).collect()
}

#[test]
fn the_rules_fire_when_they_should_and_only_then() {
    if let Some(checked) = promtool(&["check", "rules", "alerts.yml"], "") {
        let said = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert!(said.contains(&format!("{} rules found", alerts().len())), "{said}");
    }
    promtool(&["test", "rules", "alerts.test.yml"], "");
}

#[test]
fn every_alert_is_proven_to_fire() {
    // The line after an alert's name has its expected alerts; without any it is a single line.
    let tests = text("docker/prometheus/alerts.test.yml");
    let fires: BTreeSet<_> =
        tests.lines().filter_map(|line| line.trim().strip_prefix("alertname: ")).map(str::to_owned).collect();
    assert_eq!(alerts(), fires);
}

#[test]
fn every_alert_has_its_runbook() {
    let operations = text("docs/operations.md");
    let explained: BTreeSet<_> = operations.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    for alert in alerts() {
        assert!(explained.contains(alert.as_str()), "docs/operations.md has no heading {alert}");
        let link = format!("runbook_url: docs/operations.md#{}", alert.to_lowercase());
        assert!(text("docker/prometheus/alerts.yml").contains(&link), "{alert} does not link to its runbook");
    }
}
