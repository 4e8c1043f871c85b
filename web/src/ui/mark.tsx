// The product's name.
export function Mark() {
  return (
    <span className="mark">
      <svg viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
        <rect width="32" height="32" rx="7" className="mark-ground" />
        <g className="mark-lines">
          <rect x="7" y="8" width="18" height="4" rx="2" />
          <rect x="7" y="14" width="12" height="4" rx="2" />
          <rect x="7" y="20" width="15" height="4" rx="2" />
        </g>
      </svg>
      Bulk actions
    </span>
  );
}
