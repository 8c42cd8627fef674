FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -tags timetzdata -o /bestow ./cmd/bestow

# Nothing but the binary, its licences and the certificates to check others by: no shell, no package, no root.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /bestow /bestow
COPY --from=build /src/LICENSE /src/NOTICE /
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/bestow"]
CMD ["serve"]
