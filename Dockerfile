# The plugins, and the router image. Every base can be replaced, see docs/image.md:
#   docker build --build-arg BASE_IMAGE=... .
# Only the two files, to copy into an image of your own:
#   docker build --target plugins --output dist .

# Has a Rust toolchain; zig is installed when it is missing.
ARG BUILD_IMAGE=rust:1.95.0-bookworm
# Has Fluent Bit in /fluent-bit/bin and its parsers in /fluent-bit/etc.
ARG FLUENT_BIT_IMAGE=fluent/fluent-bit:5.1.1
# A Debian not older than that of Fluent Bit's image.
ARG BASE_IMAGE=debian:13.1-slim

FROM --platform=${BUILDPLATFORM:-linux/amd64} ${BUILD_IMAGE} AS build
# The oldest C library that the files run with, that of Amazon Linux 2: zig brings its symbols.
ARG GLIBC=2.26
# More of Cargo's options, such as --config profile.release.lto=false for a quick build.
ARG CARGO_OPTIONS=
ARG TARGETARCH=amd64
ENV PATH=/opt/zig/bin:$PATH
RUN command -v cargo-zigbuild >/dev/null || { \
        apt-get update \
        && apt-get install -y --no-install-recommends python3-venv \
        && python3 -m venv /opt/zig \
        && pip install --no-cache-dir ziglang==0.17.1 cargo-zigbuild==0.24.0; }
RUN case "$TARGETARCH" in amd64) machine=x86_64 ;; arm64) machine=aarch64 ;; *) exit 1 ;; esac \
    && triple=$machine-unknown-linux-gnu \
    && { [ -d "$(rustc --print sysroot)/lib/rustlib/$triple" ] || rustup target add "$triple"; } \
    && printf '%s\n' '#!/bin/sh' \
        "export RUSTFLAGS='--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src/= --remap-path-prefix=/src/='" \
        "exec cargo zigbuild --release --locked --target-dir /target --target $triple.$GLIBC $CARGO_OPTIONS \"\$@\"" >/build \
    && chmod +x /build && echo "$triple" >/triple \
    && ln -s "/target/$triple/release" /built
WORKDIR /src
# The dependencies, apart from the sources, so that a change of these does not build them again.
COPY Cargo.toml Cargo.lock ./
COPY cbindings/Cargo.toml cbindings/
COPY cbindings/engine-symbols/Cargo.toml cbindings/engine-symbols/
COPY fluent-bit/cloudwatch/Cargo.toml fluent-bit/cloudwatch/
COPY fluent-bit/firehose/Cargo.toml fluent-bit/firehose/
COPY fluent-bit/kinesis/Cargo.toml fluent-bit/kinesis/
COPY fluent-bit/launch/Cargo.toml fluent-bit/launch/
COPY fluent-bit/migrate/Cargo.toml fluent-bit/migrate/
COPY json-escape/Cargo.toml json-escape/
COPY tests/probe/Cargo.toml tests/probe/
COPY tests/support/Cargo.toml tests/support/
# Cargo wants the benches that Cargo.toml names to be there.
COPY benches/ benches/
RUN for crate in . cbindings cbindings/engine-symbols fluent-bit/cloudwatch fluent-bit/firehose fluent-bit/kinesis \
            fluent-bit/launch fluent-bit/migrate json-escape tests/probe tests/support; do \
        mkdir -p "$crate/src" && touch "$crate/src/lib.rs" || exit 1; \
    done \
    && /build --package router \
    && /build --package launch
COPY . .
# Cargo goes by the files' times, and those of a checkout may be older than the empty files above.
# The entry point is built apart, as packages built together share their dependencies' features.
RUN find . -name '*.rs' -exec touch {} + \
    && /build --package cloudwatch --package firehose --package kinesis \
    && /build --package migrate \
    && /build --package launch \
    && for plugin in cloudwatch firehose kinesis; do \
        install -D -m 755 "/built/lib$plugin.so" "/out/$plugin.so" || exit 1; \
    done \
    && install -m 755 -t /out /built/launch /built/healthcheck /built/migrate
# What is in the files, and the licences that it is used under.
RUN mkdir -p /out/plugins /out/licenses /out/sbom \
    && fluent-bit/licenses/notices "$(cat /triple)" cloudwatch firehose kinesis >/out/plugins/THIRD-PARTY-NOTICES.txt \
    && fluent-bit/licenses/notices "$(cat /triple)" cloudwatch firehose kinesis launch migrate \
        >/out/licenses/THIRD-PARTY-NOTICES.txt \
    && for package in cloudwatch firehose kinesis launch migrate; do \
        fluent-bit/licenses/sbom "$(cat /triple)" $package >/out/sbom/$package.cdx.json || exit 1; \
    done

FROM scratch AS plugins
COPY --from=build /out/cloudwatch.so /out/firehose.so /out/kinesis.so /out/plugins/THIRD-PARTY-NOTICES.txt /

FROM ${FLUENT_BIT_IMAGE} AS fluent-bit

FROM ${BASE_IMAGE} AS image
# What Fluent Bit's own build links to, and what health checks use.
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        ca-certificates curl libatomic1 libcurl4 libpq5 libsasl2-2 libssl3 libsystemd0 libyaml-0-2 \
        netcat-openbsd zlib1g \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
    && mkdir -p /fluent-bit/log && mkdir -p -m 1777 /init /fluent-bit/storage
COPY --from=fluent-bit /fluent-bit/bin/fluent-bit /fluent-bit/bin/
COPY --from=fluent-bit /fluent-bit/etc/parsers*.conf /fluent-bit/etc/
COPY --from=fluent-bit /fluent-bit/etc/parsers*.conf /fluent-bit/parsers/
# Fails where the base lacks a library of it.
RUN /fluent-bit/bin/fluent-bit --version
COPY --from=build /out/cloudwatch.so /out/firehose.so /out/kinesis.so /fluent-bit/
COPY --from=build /out/launch /out/migrate /fluent-bit/bin/
COPY --from=build /out/healthcheck /usr/local/bin/
COPY fluent-bit/etc/ /fluent-bit/etc/
COPY fluent-bit/configs/ /fluent-bit/configs/
COPY fluent-bit/ecs/ /ecs/
COPY fluent-bit/entrypoint.sh fluent-bit/AWS_FOR_FLUENT_BIT_VERSION /
COPY fluent-bit/init/ /init/
COPY LICENSE /fluent-bit/licenses/router/
COPY fluent-bit/licenses/fluent-bit.txt /fluent-bit/licenses/
COPY --from=build /out/licenses/THIRD-PARTY-NOTICES.txt /fluent-bit/licenses/
COPY --from=build /out/sbom/ /fluent-bit/sbom/
EXPOSE 2020
ARG VERSION=0.1.0
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="log-router" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT"
# The shell is named, as an image built on this one may change the script's first line.
ENTRYPOINT ["/bin/sh", "/entrypoint.sh"]
CMD []
