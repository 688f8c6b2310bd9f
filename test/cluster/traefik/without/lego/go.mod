// What Traefik calls of lego, the ACME client, without the client: it asks nobody for certificates, and says so. The
// real one needs the libraries of some 150 providers of DNS, which are most of a build of Traefik.
module github.com/go-acme/lego/v4

go 1.26.0
