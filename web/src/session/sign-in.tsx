// Sign-in with a token or, under header authentication, with an account id.
import { type FormEvent, useState } from "react";
import { type Credential, useService, useSignIn } from "../api/session";
import { Failed } from "../ui/failed";
import { Loading } from "../ui/loading";
import { Mark } from "../ui/mark";
import { useTitle } from "../ui/use-title";

const ASKS = {
  token: {
    label: "Token",
    hint: "Whoever runs this service gives you one. It stays in this browser until it expires or you sign out.",
    credential: (token: string): Credential => ({ token }),
  },
  account: {
    label: "Account",
    hint: "Any name of letters, digits, hyphens and underscores, for example demo. Each account sees only its own actions.",
    credential: (account: string): Credential => ({ account }),
  },
};

export function SignIn() {
  useTitle("Sign in");
  const service = useService();
  const signIn = useSignIn();
  const [text, setText] = useState("");
  if (!service.data) {
    return (
      <main className="alone">
        {service.error ? <Failed error={service.error} again={() => void service.refetch()} /> : <Loading what="Loading" />}
      </main>
    );
  }
  const kind = service.data.signIn;
  if (kind !== "token" && kind !== "account") {
    return (
      <main className="alone">
        <h1>Not signed in</h1>
        <p>The gateway before this service says who is calling, and it named nobody. Sign in there, then load this page again.</p>
      </main>
    );
  }
  const { label, hint, credential } = ASKS[kind];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate(credential(text.trim()));
  };
  return (
    <main className="alone">
      <form className="sign-in" onSubmit={submit}>
        <Mark />
        <h1>Sign in</h1>
        <label htmlFor="credential">{label}</label>
        <input
          id="credential"
          type={kind === "token" ? "password" : "text"}
          autoComplete={kind === "token" ? "off" : "username"}
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          aria-describedby="credential-hint"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <p id="credential-hint" className="hint">
          {hint}
        </p>
        {signIn.error && <Failed error={signIn.error} />}
        <button type="submit" className="primary" disabled={signIn.isPending}>
          {signIn.isPending ? "Signing in…" : "Sign in"}
        </button>
      </form>
    </main>
  );
}
