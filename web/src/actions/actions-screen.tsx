// The account's actions, newest first, updated live while one of them runs.
import { useSearchParams } from "wouter";
import { type ActionFilter, useActions } from "../api/actions";
import { Failed } from "../ui/failed";
import { Loading } from "../ui/loading";
import { Pager } from "../ui/pager";
import { useTitle } from "../ui/use-title";
import { ActionTable } from "./action-table";
import { Filters } from "./filters";
import { NoActions } from "./no-actions";

const NAMES = ["status", "entityType", "actionType", "fileName"] as const;

export function ActionsScreen() {
  useTitle("Actions");
  const [params, setParams] = useSearchParams();
  // The address may contain any value; the server reports invalid ones.
  const filter = Object.fromEntries(NAMES.flatMap((name) => (params.get(name) ? [[name, params.get(name)]] : []))) as ActionFilter;
  const page = Number(params.get("page") ?? 1) || 1;
  const actions = useActions(filter, page);
  const filtered = Object.keys(filter).length > 0;

  const change = (name: string, value: string) =>
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        next.delete("page");
        if (value) next.set(name, value);
        else next.delete(name);
        return next;
      },
      { replace: true },
    );
  const turn = (to: number) =>
    setParams((before) => {
      const next = new URLSearchParams(before);
      next.set("page", String(to));
      return next;
    });

  const list = actions.data;
  const isEmpty = list?.data.length === 0;
  return (
    <>
      <div className="head">
        <h1>Actions</h1>
        {list && !(isEmpty && !filtered) && <Filters filter={filter} change={change} />}
      </div>
      {actions.error && <Failed error={actions.error} again={() => void actions.refetch()} />}
      {actions.isPending && <Loading what="Loading your actions" />}
      {list && !isEmpty && (
        <>
          <ActionTable actions={list.data} />
          <Pager info={list.pagination} turn={turn} />
        </>
      )}
      {isEmpty && (filtered ? <p className="empty">No action matches these filters.</p> : <NoActions />)}
    </>
  );
}
