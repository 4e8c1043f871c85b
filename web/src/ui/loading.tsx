// Loading indicator. It appears after a moment, so that quick responses do not flicker.
export function Loading({ what }: { what: string }) {
  return (
    <p className="loading" role="status">
      {what}…
    </p>
  );
}
