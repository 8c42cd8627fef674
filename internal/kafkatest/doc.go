// Package kafkatest gives tests a Kafka and looks into it.
//
//	brokers, prefix := kafkatest.Brokers(t), kafkatest.Prefix(t)
//	topic := prefix + ".point"
//	kafkatest.CreateTopic(t, brokers, topic, 8)
//
// All tests of a process share one in-memory broker (embedkafka), which is there while a test uses it; with
// BESTOW_TEST_KAFKA_BROKERS (a comma list; `go run ./internal/harness/realkafka` prints one) they use that cluster, and
// their topics are deleted afterwards. Topics are kept apart by the prefix, so a test must begin every topic's and
// group's name with it.
//
// What it must never do: be imported outside of tests, hand a client library's types to its callers (outbox alone knows
// the library), or skip a test because there is no broker.
package kafkatest
