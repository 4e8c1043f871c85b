// Follows a running action by server-sent events, and by polling while those do not arrive.
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { actionKey, isOver } from "./actions";
import { type News, withProgress } from "./news";
import type { Action } from "./types";

const POLL_MS = 2_000;
/** Browsers reconnect after a broken connection, but not after a response such as 503. */
const REOPEN_MS = 3_000;

export interface Following {
  /** Neither events nor responses arrive. */
  disconnected: boolean;
}

export function useFollow(action: Action | undefined): Following {
  const client = useQueryClient();
  const [connected, setConnected] = useState(true);
  const id = action?.id;
  const follows = action !== undefined && !isOver(action);

  useEffect(() => {
    if (!id || !follows) return;
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let open = false;

    const refresh = () => client.invalidateQueries({ queryKey: actionKey(id) });
    const take = (message: MessageEvent<string>) => {
      const event = JSON.parse(message.data) as News;
      const before = client.getQueryData<Action>(actionKey(id))?.status;
      client.setQueryData<Action>(actionKey(id), (known) => known && withProgress(known, event));
      // Other changes that come with a new state are only part of the whole action.
      if (message.type === "done" || event.status !== before) void refresh();
    };
    const connect = () => {
      source = new EventSource(`/bulk-actions/${id}/events`);
      source.onopen = () => {
        open = true;
        setConnected(true);
        void refresh();
      };
      source.addEventListener("progress", take);
      source.addEventListener("done", (message) => {
        take(message);
        source?.close();
      });
      source.onerror = () => {
        open = false;
        setConnected(false);
        if (source?.readyState === EventSource.CLOSED) timer = setTimeout(connect, REOPEN_MS);
      };
    };
    const poll = setInterval(() => {
      if (open) return;
      void client
        .refetchQueries({ queryKey: actionKey(id) }, { throwOnError: true })
        .then(() => setConnected(true))
        .catch(() => setConnected(false));
    }, POLL_MS);
    connect();
    return () => {
      clearInterval(poll);
      clearTimeout(timer);
      source?.close();
    };
  }, [client, id, follows]);

  return { disconnected: follows && !connected };
}
