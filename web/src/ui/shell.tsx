// Frame of every screen: navigation and the signed-in account.
import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { useSignOut } from "../api/session";
import { useAccount, useCanWrite } from "../session/session-context";
import { Mark } from "./mark";

export function Shell({ children }: { children: ReactNode }) {
  const { account, expiresAt } = useAccount();
  const canWrite = useCanWrite();
  const signOut = useSignOut();
  return (
    <>
      <a className="to-content" href="#main">
        Skip to content
      </a>
      <header className="bar">
        <Link href="/" className="home">
          <Mark />
        </Link>
        <nav aria-label="Screens">
          <Place to="/" also="/actions">
            Actions
          </Place>
          <Place to="/entities">Records</Place>
        </nav>
        <div className="bar-end">
          {canWrite ? (
            <Link href="/new" className="button primary small">
              New import
            </Link>
          ) : (
            <span className="badge" title="The scope bulk:write is missing">
              Read-only
            </span>
          )}
          <span className="account" title={expiresAt ? `Signed in until ${new Date(expiresAt).toLocaleString()}` : undefined}>
            {account}
          </span>
          <button type="button" className="quiet small" onClick={() => signOut.mutate()} disabled={signOut.isPending}>
            Sign out
          </button>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

function Place({ to, also, children }: { to: string; also?: string; children: ReactNode }) {
  const [location] = useLocation();
  const within = (path: string) => location === path || location.startsWith(`${path}/`);
  const here = to === "/" ? location === "/" || (also !== undefined && within(also)) : within(to);
  return (
    <Link href={to} aria-current={here ? "page" : undefined}>
      {children}
    </Link>
  );
}
