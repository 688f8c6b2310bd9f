module github.com/eventing-ptp/eventing-ptp/test/cluster/pause

go 1.26.0
