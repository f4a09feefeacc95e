# syntax=docker/dockerfile:1
#
# UNTESTED: written where no Docker engine was at hand. Whoever builds it first, please take this line out or mend what is wrong.
#
#   docker build -t chancery .
#   docker run -p 8080:8080 -v chancery:/data -e CHANCERY_SERVER__PUBLIC_URL=https://id.example.com chancery
#
# The image holds the binary, the C library it links, trust anchors, and nothing else: no shell, no package manager, no root.

# ---- build -----------------------------------------------------------------------------------------------------------------
FROM rust:1.95-bookworm AS build
WORKDIR /build

COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --profile dist --locked && cp target/dist/chancery /chancery

# The root of the final image: the shared objects the binary names, where it looks for them, and a few files that libraries expect.
RUN set -eu; \
    mkdir -p /image/etc/ssl/certs /image/data /image/tmp; \
    cp /chancery /image/chancery; \
    ldd /chancery | grep -oE '/[^ ]+' | sort -u | while read -r object; do \
        mkdir -p "/image$(dirname "$object")"; cp -L "$object" "/image$object"; \
    done; \
    cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/; \
    echo 'chancery:x:65532:65532:chancery:/data:/none' > /image/etc/passwd; \
    echo 'chancery:x:65532:' > /image/etc/group; \
    echo 'hosts: files dns' > /image/etc/nsswitch.conf; \
    mkdir -p /image/licenses; cp LICENSE-APACHE LICENSE-MIT /image/licenses/; \
    chmod 1777 /image/tmp

# ---- run -------------------------------------------------------------------------------------------------------------------
FROM scratch
COPY --from=build /image/ /
COPY --from=build --chown=65532:65532 /image/data /data
USER 65532:65532
WORKDIR /data
VOLUME /data

# A container answers on every address of its own network; which of them the world sees is the operator's choice.
ENV CHANCERY_SERVER__LISTEN=0.0.0.0:8080 \
    CHANCERY_DATABASE__URL=sqlite:///data/chancery.db \
    CHANCERY_KEYS__MASTER_KEY_FILE=/data/master.key \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
EXPOSE 8080

# Asks the running server over loopback whether it is ready; exit 0 is healthy, 1 is not.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["/chancery", "doctor", "--health"]

# SIGTERM drains: requests under way are answered, new ones refused.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/chancery"]
CMD ["serve"]
