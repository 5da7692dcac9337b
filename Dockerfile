# The plugins, and a router image with them. Both base images can be replaced:
#   docker build --build-arg ROUTER_IMAGE=... .
# Only the two files, to copy into an image of your own:
#   docker build --target plugins --output dist .

# The C library of the build is the oldest one that the plugins run with.
ARG BUILD_IMAGE=rust:1.95-bullseye
ARG ROUTER_IMAGE=fluent/fluent-bit:5.1.1

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
# The dependencies, apart from the sources, so that a change of these does not build them again.
COPY Cargo.toml Cargo.lock ./
COPY cbindings/Cargo.toml cbindings/
COPY fluent-bit/cloudwatch/Cargo.toml fluent-bit/cloudwatch/
COPY fluent-bit/firehose/Cargo.toml fluent-bit/firehose/
COPY tests/probe/Cargo.toml tests/probe/
COPY tests/support/Cargo.toml tests/support/
RUN for crate in . cbindings fluent-bit/cloudwatch fluent-bit/firehose tests/probe tests/support; do \
        mkdir -p "$crate/src" && touch "$crate/src/lib.rs" || exit 1; \
    done \
    && cargo build --release --locked --package router
COPY . .
# Cargo goes by the files' times, and those of a checkout may be older than the empty files above.
RUN find . -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --package cloudwatch --package firehose \
    && install -D -m 755 -t /plugins target/release/libcloudwatch.so target/release/libfirehose.so \
    && mv /plugins/libcloudwatch.so /plugins/cloudwatch.so \
    && mv /plugins/libfirehose.so /plugins/firehose.so

FROM scratch AS plugins
COPY --from=build /plugins/ /

FROM ${ROUTER_IMAGE} AS image
COPY --from=plugins /cloudwatch.so /firehose.so /fluent-bit/
COPY fluent-bit/fluent-bit.conf fluent-bit/plugins.conf /fluent-bit/etc/
COPY fluent-bit/configs/ /fluent-bit/configs/
# No entry point: a task definition's `command` is then the whole command, as in AWS's own image.
ENTRYPOINT []
CMD ["/fluent-bit/bin/fluent-bit", "-e", "/fluent-bit/cloudwatch.so", "-e", "/fluent-bit/firehose.so", "-c", "/fluent-bit/etc/fluent-bit.conf"]
