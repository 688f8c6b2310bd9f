// The tool that builds and runs a cluster, and the packages that it is made of. It is a module of its own so that nothing
// of it becomes a dependency of the product.
module github.com/eventing-ptp/eventing-ptp/test/cluster

go 1.26.0

require github.com/google/go-containerregistry v0.20.7

require (
	golang.org/x/sync v0.22.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
)

replace github.com/eventing-ptp/eventing-ptp => ../..
