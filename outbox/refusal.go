package outbox

// The codes of a Refusal.
const (
	KafkaAway    = "kafka_away"    // Kafka does not answer, or cannot write just now: it passes by itself
	KafkaRefuses = "kafka_refuses" // Kafka answers that it does not take the message, and will say so again
)

// Refusal is why Kafka did not take a message.
type Refusal struct {
	EventType string `json:"event_type"` // of the message
	Topic     string `json:"topic"`
	Code      string `json:"code"`
	Text      string `json:"text"`
	// Permanent says that waiting does not help: a person has to change a setting of the topic, or a right.
	Permanent bool `json:"permanent"`
}

// refusalOf says what err, which a publish of a type's message to topic returned, means for those who wait for it.
func refusalOf(eventType, topic string, err error) Refusal {
	return Refusal{EventType: eventType, Topic: topic, Code: KafkaAway, Text: err.Error()}
}
