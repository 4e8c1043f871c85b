// The signed-in account, as a context for every screen.
import { createContext, useContext } from "react";
import type { Session } from "../api/types";

export const SessionContext = createContext<Session | null>(null);

export function useAccount(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("a screen is shown only to somebody who is signed in");
  return session;
}

/** True if the account may create and change actions; otherwise the page has no buttons for that. */
export function useCanWrite(): boolean {
  return useAccount().scopes.includes("bulk:write");
}
