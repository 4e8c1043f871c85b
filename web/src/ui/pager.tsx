// Where a page stands in a list, and the way to the next.
import { count } from "../text/format";

interface Info {
  page: number;
  totalPages: number;
  total: number;
  hasNext: boolean;
  hasPrev: boolean;
}

export function Pager({ info, turn }: { info: Info; turn: (page: number) => void }) {
  if (info.totalPages <= 1) return null;
  return (
    <nav className="pager" aria-label="Pages">
      <button type="button" className="small" disabled={!info.hasPrev} onClick={() => turn(info.page - 1)}>
        Newer
      </button>
      <span>
        Page {count(info.page)} of {count(info.totalPages)}
      </span>
      <button type="button" className="small" disabled={!info.hasNext} onClick={() => turn(info.page + 1)}>
        Older
      </button>
    </nav>
  );
}
