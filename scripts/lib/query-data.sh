# Query data of sqlx for builds without a database: the files in .sqlx. Sourced by the other scripts.

# Writes the files into a directory (an absolute path), from a database with the current schema.
write_query_data() {
    local testkit=$1 directory=$2
    mkdir -p "$directory"
    # A macro writes its file when it is expanded, so every crate with queries must be recompiled.
    grep -rlE 'query(_as|_scalar)?!\(' crates --include='*.rs' | xargs -r touch
    # shellcheck disable=SC2016 # the inner shell expands these
    "$testkit" run -- sh -euc '
        DATABASE_URL=$("$1" database)
        export DATABASE_URL SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$2"
        cargo check --quiet --workspace --all-targets --locked
    ' sh "$testkit" "$directory"
}

# Lists every file of .sqlx that is missing, unused or different; fails if there is one.
check_query_data() {
    local fresh=$1 differences
    mkdir -p .sqlx
    if differences=$(diff -rq .sqlx "$fresh"); then return 0; fi
    printf '%s\n' "$differences" |
        sed -e "s|^Only in $fresh.*: |missing in .sqlx: |" \
            -e 's|^Only in \.sqlx.*: |no query has this: .sqlx/|' \
            -e 's|^Files \(.*\) and .* differ$|not up to date: \1|' >&2
    printf 'run ./scripts/prepare-sqlx and commit .sqlx\n' >&2
    return 1
}
