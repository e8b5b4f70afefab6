# syntax=docker/dockerfile:1
# V-Asset: web, worker, scheduler, migrate and every command, by what is asked of it.
#
#   docker build -t vasset:0.1.0 .

FROM python:3.13-slim-bookworm AS build
WORKDIR /source
RUN python -m venv /opt/vasset
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . && \
    /opt/vasset/bin/pip install --no-cache-dir --constraint constraints.txt /wheels/*.whl

FROM python:3.13-slim-bookworm
# ffmpeg and deno come as wheels with the rest, in versions that constraints.txt pins; what is
# looked at in an arriving file is read by PyAV, so there is no ffprobe.
COPY --from=build /opt/vasset /opt/vasset
# A new volume at this place takes over its owner and mode. No name is needed for the user, and
# nothing else belongs to it: it cannot change what it runs.
RUN install -d -o 10001 -g 10001 -m 700 /data/vasset
RUN apt-get update && apt-get install --yes --no-install-recommends rsync && \
    rm -rf /var/lib/apt/lists/*
COPY deploy/backup /opt/vasset/backup
ENV PATH=/opt/vasset/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp
USER 10001:10001
CMD ["vasset", "--help"]
