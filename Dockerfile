# kbsync in a container: see docs/deployment.md, "A container".
#
# BASE may be any Debian or Ubuntu with Python 3.11 or newer among its packages, or a copy of one in a
# registry of your own. EXTRAS are the parts of kbsync that are in it. PIP_INDEX_URL and PIP_CERT name an
# index of packages of your own, and the certificates that pip trusts.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS python
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 tzdata \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*

FROM python AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3-pip
WORKDIR /src
ARG PIP_INDEX_URL
ARG PIP_CERT
# Nothing of an extra is imported by what does not need it.
ARG EXTRAS=cluster,convert,embedded,postgresql,web
COPY pyproject.toml README.md LICENSE config.example.yaml ./
COPY deploy/grafana ./deploy/grafana
COPY deploy/prometheus ./deploy/prometheus
COPY systemd ./systemd
COPY kbsync ./kbsync
# The environment is all that goes into the image: pip stays outside of it. What it installs is compiled
# here, as a root that is read only keeps nothing that is compiled later.
RUN python3 -m venv --without-pip /opt/kbsync \
    && pip --python /opt/kbsync/bin/python install --no-cache-dir --disable-pip-version-check \
        ".[${EXTRAS}]"

FROM python
COPY --from=build /opt/kbsync /opt/kbsync
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="kbsync" \
      org.opencontainers.image.description="Keeps a folder and a Dify knowledge base the same" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ARG UID=10001
# A user of a fixed number, for the owner of mounted folders to reckon with. Its folder is open as /tmp
# is, so that any other `--user` can keep a ledger there; what kbsync makes is its user's alone.
RUN useradd --uid ${UID} --user-group --no-create-home --home-dir /var/lib/kbsync kbsync \
    && install -d -o kbsync -g kbsync -m 1777 /var/lib/kbsync
ENV PATH=/opt/kbsync/bin:$PATH \
    HOME=/var/lib/kbsync \
    KBSYNC_CONFIG=/etc/kbsync/kbsync.yaml \
    XDG_STATE_HOME=/var/lib/kbsync \
    PYTHONDONTWRITEBYTECODE=1
USER ${UID}:${UID}
WORKDIR /var/lib/kbsync
# The ledger. Without it every start has to find out anew what is whose.
VOLUME ["/var/lib/kbsync"]
STOPSIGNAL SIGTERM
# Unhealthy while no daemon answers, a mirror is halted or held back, or a server is away: the
# output says which. A restart mends none of these: let nothing restart it for that alone.
HEALTHCHECK --interval=60s --timeout=15s --start-period=60s --retries=3 \
    CMD ["kbsync", "status", "--running"]
ENTRYPOINT ["kbsync"]
CMD ["run"]
