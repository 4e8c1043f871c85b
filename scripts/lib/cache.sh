# Where the checks keep build artefacts: outside the checkout, so that every checkout and run finds them. Sourced.

use_cache() {
    export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${BULK_CACHE_DIR:-$HOME/.cache/bulk-action-platform}/target}"
}
