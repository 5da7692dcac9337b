# Sourced by the run scripts. Leaves the plugins, the tools and a Python ready:
#   PLUGIN_DIR  holds cloudwatch.so, firehose.so and kinesis.so: as given, else dist/, else built now
#   TOOL_DIR    holds stand-in and plugin-host, built now
#   PYTHON      of a virtual environment with requirements.txt in it

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

# One `cargo build` for all: building packages one by one would change their features, and build
# the SDK again for each set.
prepare_binaries() {
    cargo build --quiet
    TOOL_DIR=$(realpath "${CARGO_TARGET_DIR:-target}")/debug
    if [[ -z ${PLUGIN_DIR:-} && -f dist/cloudwatch.so && -f dist/firehose.so && -f dist/kinesis.so ]]; then
        PLUGIN_DIR=dist
    elif [[ -z ${PLUGIN_DIR:-} ]]; then
        PLUGIN_DIR=$TOOL_DIR/plugins
        mkdir -p "$PLUGIN_DIR"
        ln -sf ../libcloudwatch.so "$PLUGIN_DIR/cloudwatch.so"
        ln -sf ../libfirehose.so "$PLUGIN_DIR/firehose.so"
        ln -sf ../libkinesis.so "$PLUGIN_DIR/kinesis.so"
    fi
    PLUGIN_DIR=$(realpath "$PLUGIN_DIR")
    export TOOL_DIR PLUGIN_DIR
    echo "plugins: $PLUGIN_DIR"
}

# Installed again only when the requirements or the interpreter have changed.
prepare_python() {
    local requirements=tests/python/requirements.txt wanted
    PYTHON=$root/.venv/bin/python
    wanted=$(python3 --version; cat "$requirements")
    if [[ $(cat .venv/installed 2>/dev/null) != "$wanted" ]]; then
        rm -rf .venv
        python3 -m venv .venv
        "$PYTHON" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
        echo "$wanted" >.venv/installed
    fi
}

# One pytest run, and after its summary the line `NAME: N passed, N failed, N skipped`.
# Nothing in it may reach a real AWS, or take an identity from this machine.
run_pytest() (
    local name=$1
    shift
    unset "${!AWS_@}" HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy
    export AWS_EC2_METADATA_DISABLED=true AWS_ACCESS_KEY_ID=AKIAEXAMPLE AWS_SECRET_ACCESS_KEY=secret
    export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
    PYTHONPATH=tests/python PYTHONDONTWRITEBYTECODE=1 \
        "$PYTHON" -m pytest -p closing --closing "$name" -p no:cacheprovider -q "$@"
)
