FROM python:3.11-slim-bookworm
WORKDIR /antiphon
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
# Speech models become part of the image. Without them: docker build --build-arg MODELS=none
ARG MODELS
RUN [ "$MODELS" = none ] || python -m antiphon models pull --models-dir /models
RUN install -d -o nobody /data
ENV PYTHONPATH=/antiphon ANTIPHON_HOST=0.0.0.0 ANTIPHON_MODELS_DIR=/models ANTIPHON_STORE=/data/conversations.db
VOLUME /data
USER nobody
# The container is "healthy" when the server would answer another call. A full or draining server is "unhealthy" too: send it
# no callers, but do not restart it for that.
HEALTHCHECK --start-period=60s --interval=5s --timeout=3s --retries=2 \
    CMD python -c "import os, urllib.request as r; r.urlopen('http://127.0.0.1:%s/health/ready' % os.getenv('ANTIPHON_PORT', 8080))"
CMD ["python", "-m", "antiphon", "serve"]
