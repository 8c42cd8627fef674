// Package embedkafka is a Kafka broker inside this process (kfake), so that `bestow demo`, `serve --embedded-kafka` and
// the tests need nothing set up.
//
// With a folder every batch is on disk (fsync) before its producer is answered: messages, topics, groups and their
// offsets are there again after a kill -9, also if the next start gets another port. Only Close saves the effect of
// DeleteRecords: after a kill, deleted messages may be back, as after an unclean election in Kafka. Without a folder
// everything is in memory and gone with Close.
//
// It is one node without replicas, TLS or passwords. What it must never do: run in production (BESTOW_ENV=production
// refuses it), listen on anything but this machine's own address, or make a topic that no client created.
package embedkafka
