# Installs missing tools of the platform, with a message. Sourced by the other scripts.
#
# Debian and Ubuntu: apt. macOS: Homebrew. Elsewhere it prints what to install.

NEXTEST_VERSION=0.9.143
CARGO_DENY_VERSION=0.20.2
CARGO_MACHETE_VERSION=0.9.2

say() { printf '== %s\n' "$*" >&2; }

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# Packages keep PostgreSQL's server off the PATH; `local` looks in the same places.
has_postgres() {
    local directory
    for directory in "$(dirname "$(command -v postgres || echo /nowhere/postgres)")" \
        /usr/lib/postgresql/*/bin "$(pg_config --bindir 2>/dev/null || echo /nowhere)" \
        /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin; do
        if [ -x "$directory/postgres" ] && [ -x "$directory/initdb" ]; then return 0; fi
    done
    return 1
}

has_linker() { has cc && { [ "$(uname)" = Darwin ] || has make; }; }

# Prints the missing packages of a package manager: apt or brew.
missing_packages() {
    has_postgres || case $1 in apt) echo postgresql ;; brew) echo postgresql@17 ;; esac
    has redis-server || case $1 in apt) echo redis-server ;; brew) echo redis ;; esac
    has git || echo git
    has curl || echo curl
    if [ "$1" = apt ]; then
        has_linker || echo build-essential
        [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        fail "root is needed for: $*"
    fi
}

# Installs packages by apt.
apt_install() {
    say "installing with apt: $*"
    as_root apt-get update -qq
    # The packages would start their own servers; a policy-rc.d prevents that.
    local policy=/usr/sbin/policy-rc.d own_policy=no status=0
    if [ ! -e $policy ]; then
        own_policy=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod +x $policy
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 || status=$?
    if [ $own_policy = yes ]; then as_root rm -f $policy; fi
    return $status
}

install_with_apt() {
    local missing
    missing=$(missing_packages apt | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086 # one word per package
    apt_install $missing
}

install_with_brew() {
    local missing
    has cc || fail "install the command line tools first: xcode-select --install"
    missing=$(missing_packages brew | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    say "installing with brew: $missing"
    # shellcheck disable=SC2086 # one word per package
    brew install --quiet $missing >&2
}

install_rust() {
    export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    if ! has cargo; then
        say "installing Rust with rustup (https://rustup.rs)"
        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --no-modify-path --default-toolchain none
    fi
    # rust-toolchain.toml has the version; a cargo without rustup must already have it.
    if ! cargo --version >/dev/null 2>&1; then
        say "installing the Rust toolchain that rust-toolchain.toml names"
        rustup toolchain install
    fi
}

# Requirements for running the platform.
install_platform_tools() {
    if has apt-get; then
        install_with_apt
    elif has brew; then
        install_with_brew
    elif ! has_postgres || ! has redis-server || ! has_linker || ! has git || ! has curl; then
        fail "install PostgreSQL (server), Redis, a C compiler, git and curl, then run this again"
    fi
    install_rust
}

# Schemathesis in a virtual environment, and Newman in a separate folder; the tests find both in tools/bin.
install_api_test_tools() {
    local tools="${BULK_CACHE_DIR:-$HOME/.cache/bulk-action-platform}/tools"
    mkdir -p "$tools/bin"
    if ! python3 -c 'import venv, ensurepip' >/dev/null 2>&1; then
        if has apt-get; then apt_install python3 python3-venv; elif has brew; then brew install --quiet python; fi
    fi
    if ! has npm; then
        if has apt-get; then apt_install nodejs npm; elif has brew; then brew install --quiet node; fi
    fi
    if has python3; then
        install_schemathesis "$tools"
    else
        say "without Python the test of the API against its description is skipped"
        export BULK_WITHOUT_SCHEMATHESIS=1
    fi
    if has npm; then
        install_newman "$tools"
    else
        say "without npm the test of the Postman collection is skipped"
        export BULK_WITHOUT_NEWMAN=1
    fi
}

# scripts/tools pins both with all their dependencies. One folder per set of versions, which checkouts share.
tools_of() { printf '%s/%s-%s' "$1" "$2" "$(cksum <"$3" | cut -d ' ' -f 1)"; }

install_schemathesis() {
    local pinned folder
    pinned=$(script_tools)/schemathesis.txt
    folder=$(tools_of "$1" schemathesis "$pinned")
    if ! "$folder/bin/schemathesis" --version >/dev/null 2>&1; then
        say "installing Schemathesis"
        rm -rf "$folder"
        python3 -m venv "$folder"
        "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$pinned"
    fi
    ln -sfn "$folder/bin/schemathesis" "$1/bin/schemathesis"
}

# The browser for the tests of the page. Ubuntu's package is a snap, which does not run in containers, so only Debian's
# is installed.
install_browser() {
    has chromium && return 0
    if has apt-get && grep -qx 'ID=debian' /etc/os-release; then
        apt_install chromium fonts-liberation
    else
        say "without Chromium the tests of the page in a browser are skipped"
        export BULK_WITHOUT_CHROMIUM=1
    fi
}

install_newman() {
    local pinned folder
    pinned=$(script_tools)/newman
    folder=$(tools_of "$1" newman "$pinned/package-lock.json")
    if ! "$folder/node_modules/.bin/newman" --version >/dev/null 2>&1; then
        say "installing Newman"
        rm -rf "$folder"
        mkdir -p "$folder"
        cp "$pinned/package.json" "$pinned/package-lock.json" "$folder"
        npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
    fi
    ln -sfn "$folder/node_modules/.bin/newman" "$1/bin/newman"
}

script_tools() { cd "$(dirname "${BASH_SOURCE[0]}")/../tools" && pwd; }

# cargo-deny and cargo-machete at pinned versions, in the cache, so that the machine's own versions are kept. Not
# optimised: that compiles in a third of the time, and they run for seconds.
install_cargo_checks() {
    local tools="${BULK_CACHE_DIR:-$HOME/.cache/bulk-action-platform}/tools/cargo"
    export PATH="$tools/bin:$PATH"
    if [ "$(cargo-deny --version 2>/dev/null)" != "cargo-deny $CARGO_DENY_VERSION" ]; then
        say "installing cargo-deny $CARGO_DENY_VERSION"
        CARGO_TARGET_DIR="$tools/build" cargo install cargo-deny --version "$CARGO_DENY_VERSION" --locked --no-default-features --debug --root "$tools" --quiet
    fi
    if [ "$(cargo-machete --version 2>/dev/null)" != "$CARGO_MACHETE_VERSION" ]; then
        say "installing cargo-machete $CARGO_MACHETE_VERSION"
        CARGO_TARGET_DIR="$tools/build" cargo install cargo-machete --version "$CARGO_MACHETE_VERSION" --locked --debug --root "$tools" --quiet
    fi
    rm -rf "$tools/build"
}

install_shellcheck() {
    if has shellcheck; then return 0; fi
    if has apt-get; then apt_install shellcheck; elif has brew; then brew install --quiet shellcheck; fi
}

# Additional requirements of the checks and tests.
install_test_tools() {
    local component
    for component in fmt clippy; do
        cargo "$component" --version >/dev/null 2>&1 || rustup component add "${component/#fmt/rustfmt}"
    done
    if ! has prometheus || ! has promtool; then
        if has apt-get; then
            apt_install prometheus
        elif has brew; then
            brew install --quiet prometheus
        else
            say "without Prometheus the tests of dashboards and alert rules are skipped"
            export BULK_WITHOUT_PROMETHEUS=1
        fi
    fi
    install_api_test_tools
    install_browser
    install_cargo_checks
    install_shellcheck
    if ! cargo nextest --version >/dev/null 2>&1; then
        say "installing cargo-nextest $NEXTEST_VERSION"
        cargo install cargo-nextest --version "$NEXTEST_VERSION" --locked
    fi
}
