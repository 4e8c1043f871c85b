# Build of the page. Sourced by scripts/test, which compares, and by scripts/build-page, which writes. The built files
# are committed in crates/api/page, so that `cargo build` needs no Node.

# Vite requires 20.19 or later.
NODE_VERSION=22.23.3

# Puts a recent Node on the PATH: the machine's or, if that is too old, one from the npm registry.
use_node() {
    has npm || return 1
    if node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
        return 0
    fi
    local folder="${BULK_CACHE_DIR:-$HOME/.cache/bulk-action-platform}/tools/node-$NODE_VERSION"
    if [ ! -x "$folder/node_modules/node/bin/node" ]; then
        say "installing Node $NODE_VERSION, since $(node --version) is too old for the page's build"
        mkdir -p "$folder"
        npm install --silent --no-audit --no-fund --prefix "$folder" "node@$NODE_VERSION" || return 1
    fi
    PATH="$folder/node_modules/node/bin:$PATH"
}

# Installs the packages of package-lock.json, if they are not installed yet.
install_page_packages() {
    local stamp=web/node_modules/.package-lock.stamp
    if ! cmp -s web/package-lock.json "$stamp"; then
        npm --prefix web ci --silent --no-audit --no-fund
        cp web/package-lock.json "$stamp"
    fi
}

# Builds the page into a folder: types from docs/openapi.json, type check, tests of its functions, bundle.
build_page() {
    install_page_packages
    npm --prefix web run --silent types >/dev/null
    npm --prefix web run --silent check
    npm --prefix web run --silent test >&2
    PAGE_OUT=$1 npm --prefix web run --silent build -- --logLevel warn >&2
}

# Builds the page and compares it with what is committed.
check_page() {
    if ! use_node; then
        say "without npm the page is neither built again nor tried in a browser: the committed files are taken as they are"
        export BULK_WITHOUT_CHROMIUM=1
        return 0
    fi
    build_page "$1"
    if ! diff -r "$1" crates/api/page >&2; then
        fail "crates/api/page is not what web/ builds: run ./scripts/build-page"
    fi
    check_page_size "$1"
}

# Maximum size of the scripts that a browser loads first.
MOST_SCRIPT_BYTES=$((130 * 1024))

check_page_size() {
    local bytes
    bytes=$(grep -o 'assets/[^"]*\.js' "$1/index.html" | sed "s|^|$1/|" | xargs cat | gzip -9 | wc -c)
    if [ "$bytes" -gt "$MOST_SCRIPT_BYTES" ]; then
        fail "the first load has $bytes bytes of JavaScript, gzipped; at most $MOST_SCRIPT_BYTES"
    fi
}
