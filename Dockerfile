FROM python:3.11-slim-bookworm
WORKDIR /antiphon
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN install -d -o nobody /data
ENV PYTHONPATH=/antiphon ANTIPHON_HOST=0.0.0.0 ANTIPHON_MODELS_DIR=/models ANTIPHON_STORE=/data/conversations.db
VOLUME /data
USER nobody
CMD ["python", "-m", "server", "serve"]
