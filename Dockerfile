# Both programs, static, in an image that holds nothing else.
#
#   docker build --build-arg REVISION=$(git rev-parse HEAD) -t fettle .
#   docker run fettle                                        # fettle serve
#   docker run --entrypoint /usr/local/bin/fettle_exporter fettle

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=0.1.0-dev
ARG REVISION=unknown
RUN make build VERSION="$VERSION" REVISION="$REVISION" \
 && mkdir -p /root-owned/etc/fettle /fettle-owned/var/lib/fettle /fettle-owned/tmp \
 && chmod 0700 /fettle-owned/var/lib/fettle

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# Copied as trees, because only folders below the copied one keep their mode.
COPY --from=build /root-owned/ /
COPY --from=build --chown=65532:65532 /fettle-owned/ /
COPY --from=build /src/bin/fettle /src/bin/fettle_exporter /usr/local/bin/
# Where the journal and its key go without a configuration: into the volume.
ENV HOME=/var/lib/fettle
USER 65532:65532
VOLUME /var/lib/fettle
# 9773 is the exporter's port, 9774 that of fettle serve. Without web.roles in
# its configuration, fettle serve listens on 127.0.0.1 only.
EXPOSE 9773 9774
ENTRYPOINT ["/usr/local/bin/fettle"]
CMD ["serve"]
