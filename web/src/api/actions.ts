// Requests about actions: the list, a single one, its rows, and operations.
import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { answer, api } from "./client";
import type { paths } from "./schema";
import type { Action, ActionStatus, CodeCount, RowStatus } from "./types";

type ListQuery = NonNullable<paths["/bulk-actions"]["get"]["parameters"]["query"]>;
type LogsQuery = NonNullable<paths["/bulk-actions/{id}/logs"]["get"]["parameters"]["query"]>;

const RUNNING_REFRESH_MS = 1_000;
const IDLE_REFRESH_MS = 15_000;
export const PAGE_SIZE = 25;
export const ROWS_PER_PAGE = 50;

const FINAL: ActionStatus[] = ["completed", "failed", "cancelled"];

export function isOver(action: { status: ActionStatus }): boolean {
  return FINAL.includes(action.status);
}

/** True if the action makes progress by itself. */
export function isMoving(action: { status: ActionStatus }): boolean {
  return !isOver(action) && action.status !== "paused";
}

export type ActionFilter = Omit<ListQuery, "page" | "limit">;

export function useActions(filter: ActionFilter, page: number) {
  const query: ListQuery = { ...filter, page, limit: PAGE_SIZE };
  return useQuery({
    queryKey: ["actions", query],
    queryFn: ({ signal }) => answer(api.GET("/bulk-actions", { params: { query }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.data.some(isMoving) ? RUNNING_REFRESH_MS : IDLE_REFRESH_MS),
  });
}

export const actionKey = (id: string) => ["action", id];

/** An action; undefined without an id. */
export function useAction(id: string | undefined) {
  return useQuery({
    queryKey: actionKey(id ?? ""),
    queryFn: async ({ signal }): Promise<Action> =>
      (await answer(api.GET("/bulk-actions/{id}", { params: { path: { id: id ?? "" } }, signal }))).data,
    enabled: id !== undefined,
  });
}

export interface RowFilter {
  status?: RowStatus;
  code?: NonNullable<LogsQuery["code"]>;
  /** A text of the row. */
  q?: string;
}

/** The rows of an action that have an outcome, page after page. */
export function useRows(id: string, filter: RowFilter, version: number) {
  return useInfiniteQuery({
    queryKey: ["rows", id, filter, version],
    queryFn: ({ signal, pageParam }) => {
      const query: LogsQuery = { ...filter, limit: ROWS_PER_PAGE, values: true };
      if (pageParam) query.cursor = pageParam;
      return answer(api.GET("/bulk-actions/{id}/logs", { params: { path: { id }, query }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.pagination.nextCursor,
    placeholderData: keepPreviousData,
  });
}

/** How many rows have which code, so far. */
export function useCodes(id: string, version: number) {
  return useQuery({
    queryKey: ["codes", id, version],
    queryFn: async ({ signal }): Promise<CodeCount[]> =>
      (await answer(api.GET("/bulk-actions/{id}/codes", { params: { path: { id } }, signal }))).data,
    placeholderData: keepPreviousData,
  });
}

export type Step = "pause" | "resume" | "cancel" | "retry";

export function useSteer(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (step: Step) => {
      const params = { path: { id } };
      switch (step) {
        case "pause":
          return answer(api.POST("/bulk-actions/{id}/pause", { params }));
        case "resume":
          return answer(api.POST("/bulk-actions/{id}/resume", { params }));
        case "cancel":
          return answer(api.POST("/bulk-actions/{id}/cancel", { params }));
        case "retry":
          return answer(api.POST("/bulk-actions/{id}/retry", { params }));
      }
    },
    onSuccess: ({ data }) => client.setQueryData(actionKey(id), data),
    // The operation was rejected because the action is no longer in the state shown by the page.
    onError: () => void client.invalidateQueries({ queryKey: actionKey(id) }),
  });
}
