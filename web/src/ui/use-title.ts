// The document's title, so that tabs and histories can be told apart.
import { useEffect } from "react";

export function useTitle(title: string) {
  useEffect(() => {
    document.title = `${title} · Bulk actions`;
  }, [title]);
}
