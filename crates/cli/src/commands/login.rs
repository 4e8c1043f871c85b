//! `bulk login`: stores address and token for later commands.

use std::io::{self, BufRead as _, IsTerminal as _};

use client::{Client, Credentials, ListQuery};
use console::Term;

use crate::args::{Global, LoginArgs};
use crate::config::Environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::profiles::{DEFAULT, Profile, Profiles};

/// Maximum size of a token.
const MAX_TOKEN_BYTES: u64 = 64 * 1024;

/// Stores a profile after checking it with the service.
pub(crate) async fn login(
    global: &Global,
    environment: &Environment,
    output: &Output,
    args: &LoginArgs,
) -> Result<Exit, Failure> {
    let profiles = Profiles::read(environment)?;
    let name = global.profile.as_ref().or(environment.profile.as_ref()).map_or(DEFAULT, String::as_str);
    let known = profiles.get(name).map(|profile| &profile.url);
    let url = global.url.as_ref().or(environment.url.as_ref()).or(known);
    let url = url.ok_or_else(|| {
        Failure::usage("where is the service?").hint("name it by --url, such as https://bulk.example.com")
    })?;
    let url = url.trim_end_matches('/').to_owned();
    let account =
        global.account.as_ref().or(environment.account.as_ref().filter(|_| environment.token.is_none()));
    let (token, credentials) = match account {
        Some(account) => (None, Credentials::Account(account.clone())),
        None => {
            let token = token(environment)?;
            (Some(token.clone()), Credentials::Token(token.into()))
        }
    };
    let client = Client::new(&url, credentials)?;
    if !args.no_check {
        client.list(&ListQuery::default(), 1, 1).await?;
    }
    if token.is_some() && url.starts_with("http://") && !is_local(&url) {
        output.note("the address begins with http://: whoever is on the way can read the token");
    }
    let path = profiles.keep(name, Profile { url: url.clone(), token, account: account.cloned() })?;
    output.note(&format!("{url} is profile {name:?} now, kept in {}", path.display()));
    Ok(Exit::Fine)
}

fn is_local(url: &str) -> bool {
    ["http://127.", "http://localhost", "http://[::1]"].iter().any(|local| url.starts_with(local))
}

/// Reads the token from BULK_TOKEN, standard input, or a hidden prompt.
fn token(environment: &Environment) -> Result<String, Failure> {
    if let Some(token) = &environment.token {
        return Ok(token.clone());
    }
    let failed = |error: &io::Error| Failure::usage(format!("cannot read the token: {error}"));
    let mut text = String::new();
    if io::stdin().is_terminal() {
        let terminal = Term::stderr();
        terminal.write_str("token: ").map_err(|error| failed(&error))?;
        text = terminal.read_secure_line().map_err(|error| failed(&error))?;
    } else {
        io::Read::take(io::stdin().lock(), MAX_TOKEN_BYTES)
            .read_line(&mut text)
            .map_err(|error| failed(&error))?;
    }
    let token = text.trim();
    if token.is_empty() {
        return Err(Failure::usage("there is no token")
            .hint("type it, give it on standard input, or set BULK_TOKEN; --account where the service trusts a header"));
    }
    Ok(token.to_owned())
}
