//! Complete configurations: defaults, problems, secrets, and agreement of `.env.example` with the code.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::*;

const SECRET: &str = "a-secret-of-more-than-thirty-two-bytes";
const REQUIRED: [(&str, &str); 5] = [
    ("DATABASE_URL", "postgres://bulk:db-pass-word@localhost:5432/bulk"),
    ("REDIS_URL", "redis://:redis-pass-word@localhost:6379"),
    ("MINIO_ACCESS_KEY", "minio-access-key"),
    ("MINIO_SECRET_KEY", "minio-secret-key"),
    ("JWT_SECRET", SECRET),
];

/// The required settings with changes; an empty value removes a setting.
fn settings(changes: &[(&str, &str)]) -> Settings {
    REQUIRED.iter().chain(changes).copied().collect()
}

fn load(changes: &[(&str, &str)]) -> Result<ApiConfig, ConfigError> {
    ApiConfig::from_settings(&settings(changes))
}

/// The variables for which a configuration is refused.
fn refused(changes: &[(&str, &str)]) -> Vec<&'static str> {
    let error = load(changes).expect_err("these settings must be refused");
    error.problems.iter().map(|problem| problem.variable).collect()
}

#[test]
fn defaults_are_those_of_the_contract() {
    let ApiConfig { config, auth, rate_limit, http } = load(&[]).unwrap();
    assert_eq!(config.server.port, 3000);
    assert_eq!(config.server.environment, Environment::Development);
    assert_eq!(config.server.shutdown_timeout, Duration::from_secs(25));
    assert_eq!(config.database.max_connections, 16);
    assert_eq!(config.redis.key_prefix, "bulk");
    assert_eq!(config.storage.endpoint_url(), "http://localhost:9000");
    assert_eq!(
        (config.storage.bucket.as_str(), config.storage.region.as_str()),
        ("bulk-actions", "us-east-1")
    );
    assert_eq!(config.upload.max_file_size_bytes, 1000 * 1024 * 1024);
    assert_eq!((config.upload.max_rows, config.upload.chunk_size), (10_000_000, 10_000));
    assert_eq!(config.worker.lease, Duration::from_secs(5));
    assert_eq!((rate_limit.window, rate_limit.max_requests), (Duration::from_secs(60), 10_000));
    assert_eq!((rate_limit.max_uploads, rate_limit.max_requests_per_address), (1000, 100_000));
    assert_eq!((http.allowed_origins.clone(), http.trust_proxy), (AllowedOrigins::Listed(Vec::new()), false));
    assert_eq!(config.telemetry.log_level, "info");
    assert!(config.telemetry.loki_url.is_none());
    let AuthMode::Jwt(jwt) = auth else { panic!("jwt is the default") };
    assert_eq!(jwt.secret.expose_secret(), SECRET);
    assert!(jwt.previous_secret.is_none() && jwt.issuer.is_none() && jwt.audience.is_none());
    assert!(http.bind_address.is_unspecified() && !http.only_local_hosts);
}

#[test]
fn nothing_set_names_every_required_variable_at_once() {
    let error = ApiConfig::from_settings(&Settings::default()).unwrap_err();
    let names: Vec<_> = error.problems.iter().map(|problem| problem.variable).collect();
    assert_eq!(names, REQUIRED.map(|(name, _)| name));
    assert!(
        error.to_string().starts_with("the configuration has 5 problems\n  - DATABASE_URL is not set: give")
    );
}

#[test]
fn an_empty_or_blank_value_counts_as_unset() {
    assert_eq!(load(&[("PORT", ""), ("NODE_ENV", "  ")]).unwrap().config.server.port, 3000);
    assert_eq!(refused(&[("DATABASE_URL", " ")]), ["DATABASE_URL"]);
}

#[test]
fn a_worker_starts_without_a_jwt_secret() {
    assert!(Config::from_settings(&settings(&[("JWT_SECRET", ""), ("NODE_ENV", "production")])).is_ok());
}

#[test]
fn a_bad_value_is_named_with_what_would_be_right() {
    for (name, value) in [
        ("PORT", "70000"),
        ("PORT", "-1"),
        ("BIND_ADDRESS", "localhost"),
        ("JWT_SECRET_PREVIOUS", "too short"),
        ("NODE_ENV", "staging"),
        ("SHUTDOWN_TIMEOUT_MS", "25s"),
        ("DATABASE_URL", "mysql://localhost/bulk"),
        ("DATABASE_MAX_CONNECTIONS", "0"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_KEY_PREFIX", "a key"),
        ("MINIO_ENDPOINT", "http://localhost:9000"),
        ("MINIO_ENDPOINT", "localhost:9000"),
        ("MINIO_PORT", "0"),
        ("MINIO_USE_SSL", "maybe"),
        ("MINIO_BUCKET_NAME", "Bulk"),
        ("MINIO_PUBLIC_URL", "files.example.com"),
        ("MINIO_PUBLIC_URL", "https://files.example.com/minio"),
        ("MINIO_PUBLIC_URL", "https://user:pass@files.example.com"),
        ("AUTH_MODE", "none"),
        ("ALLOW_HEADER_AUTH_IN_PRODUCTION", "maybe"),
        ("RATE_LIMIT_WINDOW_MS", "0"),
        ("RATE_LIMIT_MAX_REQUESTS", "0"),
        ("BULK_ACTION_RATE_LIMIT", "many"),
        ("ADDRESS_RATE_LIMIT", "-5"),
        ("ALLOWED_ORIGINS", "app.example.com"),
        ("ALLOWED_ORIGINS", "https://app.example.com/path"),
        ("ALLOWED_ORIGINS", "https://app.example.com,*"),
        ("TRUST_PROXY", "10.0.0.1"),
        ("MAX_FILE_SIZE_MB", "0"),
        ("CHUNK_SIZE", "100001"),
        ("LOG_LEVEL", "verbose"),
        ("LOG_LEVEL", "info,sqlx=loud"),
        ("LOKI_URL", "https://loki"),
        ("LOKI_URL", "http://user:pass@loki"),
        ("LEASE_MS", "1.5"),
        ("CHUNK_RETENTION_HOURS", "0"),
        ("CHUNK_RETENTION_HOURS", "never"),
        ("FILE_RETENTION_DAYS", "0"),
        ("RESULT_RETENTION_DAYS", "a month"),
        ("ACTION_RETENTION_DAYS", "-1"),
        ("MAX_OPEN_ACTIONS_PER_ACCOUNT", "0"),
        ("MAX_STORED_MB_PER_ACCOUNT", "1.5"),
    ] {
        assert_eq!(refused(&[(name, value)]), [name], "{name}={value}");
    }
}

#[test]
fn booleans_take_the_common_spellings_in_any_case() {
    for (value, expected) in [
        ("true", true),
        ("TRUE", true),
        ("1", true),
        ("Yes", true),
        ("false", false),
        ("0", false),
        ("no", false),
    ] {
        assert_eq!(load(&[("MINIO_USE_SSL", value)]).unwrap().config.storage.use_ssl, expected, "{value}");
    }
}

#[test]
fn good_values_are_taken() {
    let changes = [
        ("PORT", " 8080 "),
        ("MINIO_ENDPOINT", "[::1]"),
        ("MINIO_USE_SSL", "true"),
        ("MINIO_PUBLIC_URL", "https://files.example.com:8443"),
        ("LOG_LEVEL", "warn,sqlx=debug"),
        ("LOKI_URL", "http://loki:3100"),
        ("CHUNK_RETENTION_HOURS", "48"),
    ];
    let config = load(&changes).unwrap().config;
    assert_eq!(config.server.port, 8080);
    assert_eq!(config.storage.endpoint_url(), "https://[::1]:9000");
    assert_eq!(config.storage.public_url.unwrap().as_str(), "https://files.example.com:8443/");
    assert_eq!(config.telemetry.log_level, "warn,sqlx=debug");
    assert_eq!(config.retention.chunks, Some(Duration::from_secs(48 * 3600)));
    assert_eq!(config.telemetry.loki_url.unwrap().as_str(), "http://loki:3100/");
}

#[test]
fn things_are_kept_for_a_while_and_for_ever_where_the_days_are_empty() {
    let days = |days: u64| Some(Duration::from_secs(days * 86_400));
    let RetentionConfig { file, results, action, chunks } = load(&[]).unwrap().config.retention;
    assert_eq!((file, results, action, chunks), (days(30), days(30), days(400), None));
    let changes =
        [("FILE_RETENTION_DAYS", " "), ("RESULT_RETENTION_DAYS", ""), ("ACTION_RETENTION_DAYS", "7")];
    let RetentionConfig { file, results, action, .. } = load(&changes).unwrap().config.retention;
    assert_eq!((file, results, action), (None, None, days(7)));
}

#[test]
fn quotas_are_off_unless_they_are_set() {
    let quotas = |changes: &[_]| {
        let upload = load(changes).unwrap().config.upload;
        (upload.max_open_actions_per_account, upload.max_stored_bytes_per_account)
    };
    assert_eq!(quotas(&[("MAX_STORED_MB_PER_ACCOUNT", "")]), (None, None));
    let set = [("MAX_OPEN_ACTIONS_PER_ACCOUNT", "5"), ("MAX_STORED_MB_PER_ACCOUNT", "2")];
    assert_eq!(quotas(&set), (Some(5), Some(2 * 1024 * 1024)));
}

#[test]
fn jwt_mode_wants_a_secret_of_32_bytes() {
    assert_eq!(refused(&[("JWT_SECRET", "")]), ["JWT_SECRET"]);
    assert_eq!(refused(&[("JWT_SECRET", &"x".repeat(31))]), ["JWT_SECRET"]);
    assert!(load(&[("JWT_SECRET", &"x".repeat(32))]).is_ok());
}

#[test]
fn header_mode_is_refused_in_production_unless_allowed() {
    let header = ("AUTH_MODE", "header");
    let production = ("NODE_ENV", "production");
    assert!(matches!(load(&[header, ("JWT_SECRET", "")]).unwrap().auth, AuthMode::Header));
    assert_eq!(refused(&[header, production]), ["AUTH_MODE"]);
    assert!(load(&[header, production, ("ALLOW_HEADER_AUTH_IN_PRODUCTION", "true")]).is_ok());
}

#[test]
fn where_anybody_could_claim_to_be_anybody_only_this_machine_is_heard() {
    let http = |changes: &[_]| load(changes).unwrap().http;
    let header = ("AUTH_MODE", "header");
    let open = http(&[header]);
    assert!(open.bind_address.is_loopback() && open.only_local_hosts);
    let asked_for = http(&[header, ("BIND_ADDRESS", "0.0.0.0")]);
    assert!(asked_for.bind_address.is_unspecified() && asked_for.only_local_hosts);
    let behind_a_gateway =
        http(&[header, ("NODE_ENV", "production"), ("ALLOW_HEADER_AUTH_IN_PRODUCTION", "true")]);
    assert!(behind_a_gateway.bind_address.is_unspecified() && !behind_a_gateway.only_local_hosts);
    let server = load(&[("BIND_ADDRESS", "::1")]).unwrap().config.server;
    assert_eq!(server.near_address(80).to_string(), "[::1]:80");
    let server = load(&[("BIND_ADDRESS", "0.0.0.0")]).unwrap().config.server;
    assert_eq!(server.near_address(80).to_string(), "127.0.0.1:80");
}

#[test]
fn production_refuses_the_passwords_of_the_samples() {
    let random = ("JWT_SECRET", "9f86d081884c7d659a2feaa0c55ad015");
    let database = ("DATABASE_URL", example_value("DATABASE_URL"));
    let storage = ("MINIO_SECRET_KEY", example_value("MINIO_SECRET_KEY"));
    let previous = ("JWT_SECRET_PREVIOUS", example_value("JWT_SECRET"));
    let samples = [random, database, storage, previous];
    assert!(load(&samples).is_ok());
    let production = ("NODE_ENV", "production");
    let refused = refused(&[samples[0], samples[1], samples[2], samples[3], production]);
    assert_eq!(refused, ["DATABASE_URL", "MINIO_SECRET_KEY", "JWT_SECRET_PREVIOUS"]);
    let worker = settings(&[database, storage, production]);
    assert_eq!(Config::from_settings(&worker).unwrap_err().problems.len(), 2, "the workers refuse them too");
}

#[test]
fn the_sample_secret_is_refused_in_production_only() {
    let sample = ("JWT_SECRET", example_value("JWT_SECRET"));
    assert!(load(&[sample]).is_ok());
    assert_eq!(refused(&[sample, ("NODE_ENV", "production")]), ["JWT_SECRET"]);
}

#[test]
fn production_refuses_secrets_that_can_be_guessed() {
    let production = ("NODE_ENV", "production");
    for secret in [
        "change-me-change-me-change-me-change-me",
        "CHANGEME0CHANGEME1CHANGEME2CHANGEME3",
        "your-super-secret-jwt-key-of-32-bytes-or-more",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "abababababababababababababababababababab",
        "01234567890123456789012345678901",
    ] {
        assert!(load(&[("JWT_SECRET", secret)]).is_ok(), "{secret}");
        assert_eq!(refused(&[("JWT_SECRET", secret), production]), ["JWT_SECRET"], "{secret}");
    }
    for random in ["9f86d081884c7d659a2feaa0c55ad015", "q0GZ2b7T1kPfW8xJ5mR3vN6yH4cL9sDaE+u/iOtBwKg="] {
        assert!(load(&[("JWT_SECRET", random), production]).is_ok(), "{random}");
    }
}

#[test]
fn every_origin_is_allowed_only_outside_production() {
    let any = ("ALLOWED_ORIGINS", "*");
    assert_eq!(load(&[any]).unwrap().http.allowed_origins, AllowedOrigins::Any);
    let random = ("JWT_SECRET", "9f86d081884c7d659a2feaa0c55ad015");
    assert_eq!(refused(&[any, random, ("NODE_ENV", "production")]), ["ALLOWED_ORIGINS"]);
    let listed = load(&[("ALLOWED_ORIGINS", "https://a.example, http://localhost:5173,")]).unwrap();
    let expected = ["https://a.example", "http://localhost:5173"].map(str::to_owned).to_vec();
    assert_eq!(listed.http.allowed_origins, AllowedOrigins::Listed(expected));
}

#[test]
fn the_limit_of_an_address_follows_that_of_an_account() {
    let limit = |changes: &[_]| load(changes).unwrap().rate_limit.max_requests_per_address;
    assert_eq!(limit(&[("RATE_LIMIT_MAX_REQUESTS", "50")]), 500);
    assert_eq!(limit(&[("RATE_LIMIT_MAX_REQUESTS", "50"), ("ADDRESS_RATE_LIMIT", "7")]), 7);
}

#[test]
fn no_secret_is_printed_by_debug_or_by_an_error() {
    let config = load(&[]).unwrap();
    let error = load(&[
        ("PORT", "x"),
        ("DATABASE_URL", "mysql://bulk:db-pass-word@host"),
        ("REDIS_URL", "http://redis-pass-word@"),
        ("JWT_SECRET", "too-short-secret"),
    ])
    .unwrap_err();
    assert_eq!(error.problems.len(), 4);
    let printed = format!("{config:?}{config:#?}{error}{error:?}");
    for secret in [
        SECRET,
        "db-pass-word",
        "redis-pass-word",
        "minio-access-key",
        "minio-secret-key",
        "too-short-secret",
    ] {
        assert!(!printed.contains(secret), "{secret} is in {printed}");
    }
}

const ENV_EXAMPLE: &str = include_str!("../../../../.env.example");

/// The assignments of `.env.example`. `# NAME=value` counts too: a variable with a default.
fn example_assignments() -> Vec<(&'static str, &'static str)> {
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let assignment = |line: &'static str| line.trim_start_matches("# ").split_once('=');
    ENV_EXAMPLE.lines().filter_map(assignment).filter(|(name, _)| is_name(name)).collect()
}

fn example_value(name: &str) -> &'static str {
    example_assignments().iter().find(|(example, _)| *example == name).map(|(_, value)| *value).unwrap()
}

#[test]
fn env_example_lists_exactly_the_variables_that_are_read() {
    let mut listed: Vec<_> = example_assignments().iter().map(|(name, _)| *name).collect();
    listed.sort_unstable();
    assert_eq!(listed, known_variables());
}

#[test]
fn env_example_can_be_used_as_it_is() {
    let entries = dotenvy::from_read_iter(ENV_EXAMPLE.as_bytes());
    let settings: Settings = entries.map(Result::unwrap).collect();
    ApiConfig::from_settings(&settings).unwrap();
}

#[test]
fn env_example_shows_the_defaults_of_what_it_leaves_out() {
    let shown: Settings = REQUIRED.into_iter().chain(example_assignments()).collect();
    let required = |name: &str| example_value(name);
    let implied: Settings = REQUIRED.iter().map(|(name, _)| (*name, required(name))).collect();
    let shown = ApiConfig::from_settings(&shown).unwrap();
    let implied = ApiConfig::from_settings(&implied).unwrap();
    assert_eq!(format!("{shown:?}"), format!("{implied:?}"));
}
