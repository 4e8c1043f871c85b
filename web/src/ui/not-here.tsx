// Screen for an unknown route.
import { Link } from "wouter";
import { useTitle } from "./use-title";

export function NotHere() {
  useTitle("Not found");
  return (
    <section className="empty">
      <h1>There is nothing here</h1>
      <p>
        The address may be mistyped. <Link href="/">Go to your actions</Link>.
      </p>
    </section>
  );
}
