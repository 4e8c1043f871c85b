// Something is on its way. It shows only after a moment, so that quick answers do not flicker.
export function Loading({ what }: { what: string }) {
  return (
    <p className="loading" role="status">
      {what}…
    </p>
  );
}
