// The rows of an action with their outcomes, page after page.
import { useEffect } from "react";
import { isOver, type RowFilter, ROWS_PER_PAGE, useRows } from "../api/actions";
import type { Action } from "../api/types";
import { Failed } from "../ui/failed";
import { Loading } from "../ui/loading";
import { RowFilters } from "./row-filters";
import { RowTable } from "./row-table";

interface Props {
  action: Action;
  filter: RowFilter;
  change: (filter: RowFilter) => void;
}

/** Number of refreshes of the rows while an action runs. */
const STEPS = 20;

export function Rows({ action, filter, change }: Props) {
  const { processedRecords, totalRecords } = action.progress;
  const version = isOver(action) ? STEPS + 1 : Math.floor((processedRecords / Math.max(totalRecords, 1)) * STEPS);
  const rows = useRows(action.id, filter, version);
  const entries = rows.data?.pages.flatMap((page) => page.data) ?? [];
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = rows;
  // A search looks through a part of the rows at a time, and may find nothing in it.
  const goesOn = filter.q !== undefined && entries.length < ROWS_PER_PAGE && hasNextPage && !isFetchingNextPage;
  useEffect(() => {
    if (goesOn) void fetchNextPage();
  }, [goesOn, fetchNextPage]);
  return (
    <>
      <RowFilters action={action} filter={filter} version={version} change={change} />
      {rows.error && <Failed error={rows.error} again={() => void rows.refetch()} />}
      {rows.isPending && <Loading what="Loading rows" />}
      {rows.data && entries.length === 0 && !hasNextPage && <p className="empty small">{nothing(action, filter)}</p>}
      {entries.length > 0 && <RowTable entries={entries} />}
      {hasNextPage && (
        <p className="more">
          <button type="button" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {isFetchingNextPage ? (filter.q ? "Searching…" : "Loading…") : "More rows"}
          </button>
        </p>
      )}
    </>
  );
}

function nothing(action: Action, filter: RowFilter): string {
  if (filter.status || filter.code || filter.q) return "No row like that.";
  return isOver(action) ? "No row has an outcome." : "No row has an outcome yet.";
}
