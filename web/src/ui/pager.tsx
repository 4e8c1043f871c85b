// Position in a list, with a link to the next page.
import { count } from "../text/format";

interface Info {
  page?: number | null;
  /** Unknown for a list that is too long to be counted. */
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
