package outbox

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"bestow/domain"
)

const (
	// largestMessage is the size of a message that a topic must take: the grants of a chunk and their envelope.
	largestMessage = domain.MaxMessageBytes + 16<<10
	// A topic should keep messages for leastRetention, and leastRetained bytes of each partition. The reconcile
	// republishes messages that are deleted before they are consumed: nothing is lost, but it takes minutes.
	leastRetention = time.Hour
	leastRetained  = 1 << 30
)

// settings are a topic's settings by name. One that the broker does not name, or that is no number, counts as good.
type settings map[string]string

func (s settings) number(name string, good int64) int64 {
	n, err := strconv.ParseInt(s[name], 10, 64)
	if err != nil {
		return good
	}
	return n
}

// judge says what is wrong with a topic, given its settings and the replicas of its least replicated partition, 0 if
// they are not known.
func judge(s settings, replicas int) []fault {
	faults := s.blocking(replicas)
	if limit := s.number("max.message.bytes", largestMessage); limit < largestMessage {
		faults = append(faults,
			fault{
				text: fmt.Sprintf("max.message.bytes=%d is less than a message may have: set it to %d or more, "+
					"such as Kafka's default 1048588", limit, largestMessage)})
	}
	if ms := s.number("retention.ms", -1); ms >= 0 && ms < leastRetention.Milliseconds() {
		faults = append(faults,
			fault{text: fmt.Sprintf("retention.ms=%d may delete messages before they are consumed: "+
				"set it to %d or more, such as Kafka's default of seven days", ms, leastRetention.Milliseconds())})
	}
	if n := s.number("retention.bytes", -1); n >= 0 && n < leastRetained {
		faults = append(faults,
			fault{
				text: fmt.Sprintf("retention.bytes=%d may delete messages before they are consumed: set it to -1, "+
					"or to %d or more",
					n, leastRetained)})
	}
	if s["unclean.leader.election.enable"] == "true" {
		faults = append(faults,
			fault{text: "unclean.leader.election.enable=true may lose messages that Kafka has acknowledged: " +
				"set it to false"})
	}
	return faults
}

// blocking says what keeps a topic from taking any message.
func (s settings) blocking(replicas int) (faults []fault) {
	if policy := s["cleanup.policy"]; strings.Contains(policy, "compact") {
		faults = append(faults, fault{blocks: true, text: "cleanup.policy=" + policy +
			" refuses messages without a key, and would keep only one of each key: set cleanup.policy=delete"})
	}
	if least := s.number("min.insync.replicas", 1); replicas > 0 && least > int64(replicas) {
		faults = append(faults, fault{blocks: true,
			text: fmt.Sprintf("min.insync.replicas=%d with %d replicas takes no message: set it to %d or less, "+
				"or give the topic more replicas", least, replicas, replicas)})
	}
	return faults
}
