# steelyard, and nothing else: a static program that runs as nobody and writes to no file of its own.
#
#   docker build -t steelyard .
#   docker run --read-only -v ./gateway.yaml:/etc/steelyard/gateway.yaml:ro -p 8080:8080 steelyard

FROM golang:1.26 AS build
ARG VERSION=
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.buildVersion=${VERSION}" -o /steelyard ./cmd/steelyard

FROM scratch
# The roots by which servers with https are verified.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /steelyard /steelyard
USER 65532:65532
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
# Asks the admin listener of the configuration, which may be on the loopback.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/steelyard", "ready", "/etc/steelyard/gateway.yaml"]
ENTRYPOINT ["/steelyard"]
CMD ["serve", "/etc/steelyard/gateway.yaml"]
