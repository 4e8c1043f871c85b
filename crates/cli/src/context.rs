//! Shared parts of every command that calls the service: client, state, and output.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use client::progress::{Display, duration};
use client::{Client, Credentials, Patience};
use serde::Deserialize;
use uuid::Uuid;

use crate::args::{Global, Target};
use crate::config::Environment;
use crate::failure::Failure;
use crate::output::{Output, printable};
use crate::profiles::{DEFAULT, Profile, Profiles};
use crate::state::State;

/// Shared parts of a command.
pub(crate) struct Context {
    /// The service, as this caller.
    pub client: Client,
    /// Actions that this caller imported last.
    pub state: State,
    /// Output of the command.
    pub output: Output,
    /// Progress display.
    pub display: Display,
}

impl Context {
    /// Finds out where the service is and who is calling.
    pub(crate) fn new(global: &Global, environment: &Environment, output: Output) -> Result<Self, Failure> {
        let profiles = Profiles::read(environment)?;
        let named = global.profile.as_ref().or(environment.profile.as_ref());
        let name = named.map_or(DEFAULT, String::as_str);
        let profile = profiles.get(name);
        if named.is_some() && profile.is_none() {
            return Err(Failure::usage(format!("there is no profile {name:?}"))
                .hint(format!("`bulk login --profile {name} --url URL` makes one")));
        }
        let url = global.url.as_ref().or(environment.url.as_ref()).or(profile.map(|profile| &profile.url));
        let url = url.map(|url| url.trim_end_matches('/').to_owned()).ok_or_else(|| {
            Failure::usage("where is the service?")
                .hint("set BULK_URL or --url, such as http://127.0.0.1:3000, or `bulk login --url URL` once")
        })?;
        // A token is shown only to the service that it was made for.
        let profile = profile.filter(|profile| profile.url.trim_end_matches('/') == url);
        let credentials = credentials(global, environment, profile);
        let who = who(&credentials);
        let display = output.display();
        let client = noticing(Client::new(&url, credentials)?, &display, Patience::default());
        Ok(Self { state: State::new(environment, &url, &who), client, output, display })
    }

    /// The action that is meant.
    pub(crate) fn id(&self, target: &Target) -> Result<Uuid, Failure> {
        match target.id {
            Some(id) => Ok(id),
            None => self.state.last().ok_or_else(|| {
                Failure::usage("nothing was imported from here yet, so there is no last action")
                    .hint("`bulk list` shows your actions")
            }),
        }
    }
}

/// Says on `display` when something is tried again.
fn noticing(client: Client, display: &Display, patience: Patience) -> Client {
    let display = display.clone();
    client.with_patience(patience).with_notice(move |waiting| {
        // Short pauses are not reported.
        if waiting.pause.as_secs() >= 1 {
            let seconds = waiting.pause.as_secs().max(1);
            display.note(&format!(
                "{}; trying again in {}",
                printable(&waiting.error.to_string()),
                duration(seconds)
            ));
        }
    })
}

fn credentials(global: &Global, environment: &Environment, profile: Option<&Profile>) -> Credentials {
    if let Some(account) = &global.account {
        return Credentials::Account(account.clone());
    }
    let from = |token: Option<&String>, account: Option<&String>| match (token, account) {
        (Some(token), _) => Some(Credentials::Token(token.clone().into())),
        (None, Some(account)) => Some(Credentials::Account(account.clone())),
        (None, None) => None,
    };
    from(environment.token.as_ref(), environment.account.as_ref())
        .or_else(|| profile.and_then(|profile| from(profile.token.as_ref(), profile.account.as_ref())))
        .unwrap_or_default()
}

/// The caller's name: the account, or what the token says it is. Only for telling callers apart, so nothing is verified.
fn who(credentials: &Credentials) -> String {
    use secrecy::ExposeSecret as _;
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
    }
    match credentials {
        Credentials::Account(account) => account.clone(),
        Credentials::Nobody => String::new(),
        Credentials::Token(token) => {
            let claims = token.expose_secret().split('.').nth(1);
            let claims = claims.and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
            let claims = claims.and_then(|claims| serde_json::from_slice::<Claims>(&claims).ok());
            claims.map_or_else(String::new, |claims| claims.sub)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global(url: Option<&str>) -> Global {
        Global { url: url.map(str::to_owned), ..Global::default() }
    }

    #[test]
    fn a_token_is_shown_only_to_the_service_it_was_made_for() {
        let directory = tempfile::tempdir().unwrap();
        let environment =
            Environment { config_directory: Some(directory.path().to_owned()), ..Environment::default() };
        let profile = Profile { url: "http://a".into(), token: Some("t".into()), account: None };
        Profiles::read(&environment).ok().unwrap().keep(DEFAULT, profile).ok().unwrap();
        let output = Output::new(false, true, &environment);
        for (url, expected) in [(None, "Token"), (Some("http://a/"), "Token"), (Some("http://b"), "Nobody")] {
            let context = Context::new(&global(url), &environment, output).ok().unwrap();
            assert!(format!("{:?}", context.client).contains(expected), "{url:?}");
        }
    }

    #[test]
    fn a_caller_is_told_apart_by_the_name_in_the_token() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"sub":"ada","exp":1}"#);
        assert_eq!(who(&Credentials::Token(format!("x.{claims}.y").into())), "ada");
        assert_eq!(who(&Credentials::Token("opaque".to_owned().into())), "");
        assert_eq!(who(&Credentials::Account("bob".into())), "bob");
    }
}
