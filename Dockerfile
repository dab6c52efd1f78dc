# The images of both services: `make images`. What they start from can be replaced by a mirror's or by images of one's own.
ARG BUILD_IMAGE=docker.io/library/rust:1.95-slim-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${BUILD_IMAGE} AS build
# aws-lc, the cryptography, is C and assembler.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates cmake g++ make \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
ARG PROFILE=dist
RUN cargo build --locked --profile "${PROFILE}" --package transaction-svc --package notification-svc \
 && mkdir /programs && cp target/*/transaction-svc target/*/notification-svc /programs

# Without a shell, and as nobody: a service asks itself whether it is ready.
FROM ${RUNTIME_IMAGE} AS service
USER 65532:65532
EXPOSE 8080 9090

FROM service AS transaction-svc
COPY --from=build /programs/transaction-svc /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/transaction-svc"]
CMD ["serve"]
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s CMD ["/usr/local/bin/transaction-svc", "ready"]

FROM service AS notification-svc
COPY --from=build /programs/notification-svc /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/notification-svc"]
CMD ["serve"]
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s CMD ["/usr/local/bin/notification-svc", "ready"]
