# Location of build artefacts: outside the checkout, so that all checkouts and runs share it. Sourced.

use_cache() {
    export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${BULK_CACHE_DIR:-$HOME/.cache/bulk-action-platform}/target}"
}
