// Where a page stands in a list, and the way to the next.
import { count } from "../text/format";

interface Info {
  page?: number | null;
  /** Not known of a list that is too long to be counted. */
  totalPages?: number | null;
  hasNext: boolean;
  hasPrev: boolean;
}

export function Pager({ info, turn }: { info: Info; turn: (page: number) => void }) {
  const page = info.page ?? 1;
  if (!info.hasNext && !info.hasPrev) return null;
  return (
    <nav className="pager" aria-label="Pages">
      <button type="button" className="small" disabled={!info.hasPrev} onClick={() => turn(page - 1)}>
        Newer
      </button>
      <span>
        Page {count(page)}
        {info.totalPages != null && ` of ${count(info.totalPages)}`}
      </span>
      <button type="button" className="small" disabled={!info.hasNext} onClick={() => turn(page + 1)}>
        Older
      </button>
    </nav>
  );
}
