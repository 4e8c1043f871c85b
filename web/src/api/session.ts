// The browser's session: who is signed in, signing in and out. The token goes into a cookie that scripts cannot read.
import { type QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { answer, api } from "./client";
import { SESSION_KEY } from "./query-client";
import type { Session } from "./types";

const SERVICE_KEY = ["service"];

/** Who is signed in; fails with 401 when nobody is. */
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

/** Nothing of one account may show to the next. */
function forgetAccount(client: QueryClient) {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] && queryKey[0] !== SERVICE_KEY[0] });
}

/** What the service asks of those who sign in. */
export function useService() {
  return useQuery({
    queryKey: SERVICE_KEY,
    queryFn: async ({ signal }) =>
      (await answer(api.GET("/", { signal, headers: { accept: "application/json" } }))).data,
    staleTime: Infinity,
  });
}
