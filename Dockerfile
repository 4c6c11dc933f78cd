# The service in one image: `docker build -t memsvc .`, then `docker run -p 7070:7070 -v memsvc:/data memsvc`.
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/memsvc
COPY .ci/constraints.txt .ci/constraints.txt
COPY clients/python clients/python
COPY pyproject.toml README.md LICENSE ./
COPY memsvc memsvc
COPY migrations migrations
RUN /opt/memsvc/bin/pip install --no-cache-dir -c .ci/constraints.txt ./clients/python .

FROM python:3.11-slim
RUN useradd --uid 10001 --create-home memsvc && install -d -o memsvc -g memsvc /data
COPY --from=build /opt/memsvc /opt/memsvc
USER 10001
ENV PATH=/opt/memsvc/bin:$PATH HF_HUB_OFFLINE=1 MEMSVC_DATA_DIR=/data MEMSVC_LISTEN=0.0.0.0:7070
VOLUME /data
EXPOSE 7070
ENTRYPOINT ["memsvc"]
CMD ["serve"]
