# Installs Artillery, which runs loadtest/, beside the other tools without a system package. Sourced after install.sh.

# Sets ARTILLERY, or BULK_WITHOUT_ARTILLERY if Node.js is not available. loadtest/package-lock.json pins every package.
install_artillery() {
    local here directory
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../loadtest" && pwd)
    if ! has node || ! has npm; then
        if has apt-get; then
            apt_install nodejs npm
        elif has brew; then
            brew install --quiet node >&2
        else
            say "without Node.js the load tests are skipped"
            export BULK_WITHOUT_ARTILLERY=1
            return 0
        fi
    fi
    # One directory per set of versions, so that two checkouts do not overwrite each other.
    directory=${BULK_CACHE_DIR:-$HOME/.cache/bulk-action-platform}/tools/artillery-$(cksum <"$here/package-lock.json" | cut -d ' ' -f 1)
    export ARTILLERY="$directory/node_modules/.bin/artillery"
    if [ -x "$ARTILLERY" ]; then return 0; fi
    say "installing Artillery (600 MB) into $directory"
    # Installed under a temporary name. Install scripts of packages are disabled: none is needed, and they would
    # download browsers.
    local unfinished="$directory.$$"
    mkdir -p "$unfinished"
    cp "$here/package.json" "$here/package-lock.json" "$unfinished"
    npm ci --prefix "$unfinished" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
    rm -rf "$directory"
    mv "$unfinished" "$directory"
}
