// Package cluster runs the real Apache Kafka on this machine, without Docker: one broker, or three combined nodes with
// replication 3 and two in-sync replicas at least. It needs Java 17 or later, and once mvn, which fetches Kafka's jars
// into the user's cache folder.
//
//	c, err := cluster.Start(ctx, cluster.Options{Brokers: 3})
//	defer c.Close()
//	c.Brokers()               // host:port of each
//	err = c.KillBroker(2)     // kill -9
//	err = c.StartBroker(ctx, 2)
//
// What it must never do: be needed by `go test ./...`, which needs no Java, or outlive the process that started it. It
// listens on this machine alone and has no passwords, and nothing is flushed to the disk: it shows what Kafka does when
// brokers die, not when machines do.
package cluster
