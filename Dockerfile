FROM python:3.12-slim
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /agon
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY app app
COPY worker worker
COPY migrations migrations
COPY templates templates
COPY static static
RUN pip install --no-deps --no-build-isolation -e . && useradd --create-home agon && mkdir data && chown agon data
USER agon
EXPOSE 8000
CMD ["agon", "web"]
