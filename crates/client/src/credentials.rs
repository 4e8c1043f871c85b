//! Credentials of the caller.

use reqwest::RequestBuilder;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

use crate::ClientError;

/// Credentials in one of the forms that the service accepts.
#[derive(Debug, Clone, Default)]
pub enum Credentials {
    /// A bearer token.
    Token(SecretString),
    /// An account id, for services with `AUTH_MODE=header`.
    Account(String),
    /// None, for routes without authentication.
    #[default]
    Nobody,
}

impl Credentials {
    /// Rejects values that cannot be sent in a header. The error does not repeat the value.
    pub(crate) fn check(&self) -> Result<(), ClientError> {
        let (what, text) = match self {
            Self::Token(token) => ("the token", token.expose_secret()),
            Self::Account(account) => ("the account", account.as_str()),
            Self::Nobody => return Ok(()),
        };
        if text.is_empty() || HeaderValue::from_str(text).is_err() {
            return Err(ClientError::Setup(format!(
                "{what} is empty or has characters that cannot be sent, such as a line end"
            )));
        }
        Ok(())
    }

    /// Adds the credentials to a request.
    pub(crate) fn sign(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Token(token) => request.bearer_auth(token.expose_secret()),
            Self::Account(account) => request.header("account-id", account),
            Self::Nobody => request,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_nowhere() {
        let token = Credentials::Token("secret-word".to_owned().into());
        assert!(!format!("{token:?}").contains("secret-word"));
        let bad = Credentials::Token("secret\nword".to_owned().into());
        let message = bad.check().unwrap_err().to_string();
        assert!(message.contains("token") && !message.contains("secret"), "{message}");
    }
}
