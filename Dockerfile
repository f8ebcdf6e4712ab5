# kbsync in a container: `docker build -t kbsync .`, then see README.md, "In a container".

FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md ./
COPY kbsync ./kbsync
RUN python -m venv /opt/kbsync \
    && /opt/kbsync/bin/pip install --no-cache-dir --disable-pip-version-check \
        '.[convert,embedded,postgresql]'

FROM python:3.12-slim
# A user of a fixed number, for the owner of mounted folders to reckon with.
RUN groupadd --gid 10001 kbsync \
    && useradd --uid 10001 --gid kbsync --no-create-home --home-dir /var/lib/kbsync kbsync \
    && install -d -o kbsync -g kbsync -m 0700 /var/lib/kbsync
COPY --from=build /opt/kbsync /opt/kbsync
ENV PATH=/opt/kbsync/bin:$PATH \
    KBSYNC_CONFIG=/etc/kbsync/kbsync.yaml \
    XDG_STATE_HOME=/var/lib/kbsync \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
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
