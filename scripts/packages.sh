# shellcheck shell=bash
# For the scripts beside it: installs packages of Debian and Ubuntu where it may. To be sourced.

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# install_packages NAME...: installs them, or says which command would and ends.
install_packages() {
    local -a apt=(env DEBIAN_FRONTEND=noninteractive apt-get)
    if ! command -v apt-get >/dev/null; then
        die "needed: $*; install them with this system's package manager, then try again"
    fi
    if [ "$(id -u)" != 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            die "needed: $*; install them, then try again: sudo apt-get install $*"
        fi
        apt=(sudo -n "${apt[@]}")
    fi
    echo "installing $*" >&2
    # The lists of a fresh container are empty; those of a used machine are mostly good enough.
    if ! "${apt[@]}" install -qq -y "$@" </dev/null >/dev/null 2>&1; then
        "${apt[@]}" update -qq </dev/null >&2
        "${apt[@]}" install -qq -y "$@" </dev/null >&2 || die "apt-get could not install: $*"
    fi
}
