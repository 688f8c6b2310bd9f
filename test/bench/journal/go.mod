// Compares the journal with libraries that could take its place. It is a module of its own so that none of them becomes a
// dependency of the product.
module github.com/eventing-ptp/eventing-ptp/test/bench/journal

go 1.26.0

require (
	github.com/cockroachdb/pebble v1.1.5
	github.com/eventing-ptp/eventing-ptp v0.0.0-00010101000000-000000000000
	github.com/tidwall/wal v1.1.8
	go.etcd.io/bbolt v1.4.3
	golang.org/x/sys v0.47.0
)

replace github.com/eventing-ptp/eventing-ptp => ../../..
