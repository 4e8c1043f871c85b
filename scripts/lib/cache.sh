# Location of build artefacts: outside the checkout, so that all checkouts and runs share it. Sourced.

use_cache() {
    export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${BULK_CACHE_DIR:-$HOME/.cache/bulk-action-platform}/target}"
    # Cargo takes a file that is older than an artefact for unchanged, even if the artefact was built from another
    # checkout with other contents. So everything is new once the checkout changes.
    local mark="$CARGO_TARGET_DIR/checkout"
    if [ "$(cat "$mark" 2>/dev/null || true)" != "$PWD" ]; then
        git ls-files -z | xargs -0 touch -c
        mkdir -p "$CARGO_TARGET_DIR"
        printf '%s' "$PWD" >"$mark"
    fi
}
