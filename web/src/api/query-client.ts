// Caching of responses, and retries of requests.
import { QueryCache, QueryClient } from "@tanstack/react-query";
import { isPassing, Refusal } from "./refusal";

export const SESSION_KEY = ["session"];

const MOST_RETRIES = 3;

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error, query) => {
      // The token has expired: the session is requested again, and the sign-in appears.
      if (error instanceof Refusal && error.status === 401 && query.queryKey[0] !== SESSION_KEY[0]) {
        void queryClient.resetQueries({ queryKey: SESSION_KEY });
      }
    },
  }),
  defaultOptions: {
    queries: {
      retry: (failures, error) => isPassing(error) && failures < MOST_RETRIES,
      retryDelay: (failures) => Math.min(500 * 2 ** failures, 4000),
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});
