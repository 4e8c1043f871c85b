// The browser's session: the caller, signing in and out. The token is kept in a cookie that scripts cannot read.
import { type QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { answer, api } from "./client";
import { SESSION_KEY } from "./query-client";
import type { Session } from "./types";

const SERVICE_KEY = ["service"];

/** The signed-in account; fails with 401 if there is none. */
export function useSession() {
  return useQuery({
    queryKey: SESSION_KEY,
    queryFn: async ({ signal }): Promise<Session> => (await answer(api.GET("/session", { signal }))).data,
    staleTime: 60_000,
  });
}

export type Credential = { token: string } | { account: string };

export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Credential) => answer(api.POST("/session", { body })),
    onSuccess: ({ data }) => {
      forgetAccount(client);
      client.setQueryData(SESSION_KEY, data);
    },
  });
}

export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => answer(api.DELETE("/session")),
    onSuccess: () => {
      forgetAccount(client);
      void client.resetQueries({ queryKey: SESSION_KEY });
    },
  });
}

/** Clears cached data, so that the next account cannot see it. */
function forgetAccount(client: QueryClient) {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] && queryKey[0] !== SERVICE_KEY[0] });
}

/** Credential that the service requires for signing in. */
export function useService() {
  return useQuery({
    queryKey: SERVICE_KEY,
    queryFn: async ({ signal }) =>
      (await answer(api.GET("/", { signal, headers: { accept: "application/json" } }))).data,
    staleTime: Infinity,
  });
}
