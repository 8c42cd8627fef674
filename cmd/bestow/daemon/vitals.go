package daemon

import (
	"maps"
	"slices"
	"sync"
	"time"

	"bestow/app/processes"
	"bestow/internal/english"
	"bestow/outbox"
)

// vitals hold what the process's parts said last of what they need.
type vitals struct {
	news   chan struct{} // one is waiting when something has changed
	mu     sync.Mutex
	away   string // why Kafka does not answer; "": it does
	idle   string // why no jobs are worked; "": they are
	topics map[string]topicReport

	members   []string          // the ids of this process in consumer groups
	consumers []outbox.Consumer // all that are in them
}

// topicReport is the last report on a topic.
type topicReport struct {
	report processes.Report
	at     time.Time
}

func newVitals() *vitals {
	return &vitals{news: make(chan struct{}, 1), topics: map[string]topicReport{}}
}

// took notes how Kafka took a message to a topic: nil, or why it did not.
func (w *vitals) took(topic string, refused *outbox.Refusal) {
	r := processes.Report{Topic: topic}
	if refused != nil {
		r.Code, r.Text, r.EventType = refused.Code, english.OneLine(refused.Text), refused.EventType
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	before, known := w.topics[topic]
	w.topics[topic] = topicReport{r, time.Now()}
	if (before.report.Code != r.Code || before.report.Text != r.Text) && (known || r.Code != "") {
		w.changed()
	}
}

// answered notes whether Kafka answered at all.
func (w *vitals) answered(err error) {
	text := ""
	if err != nil {
		text = "Kafka does not answer: " + english.OneLine(err.Error())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if (w.away == "") != (text == "") {
		w.changed()
	}
	w.away = text
}

// clockIs notes why no jobs are worked: the clock is wrong. nil: it is right.
func (w *vitals) clockIs(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle = ""
	if err != nil {
		w.idle = err.Error()
	}
}

// consumed notes who is in the consumer groups of the process's topics, and by which ids the process is.
func (w *vitals) consumed(members []string, all []outbox.Consumer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.members, w.consumers = members, all
}

func (w *vitals) group() (members []string, all []outbox.Consumer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.members, w.consumers
}

func (w *vitals) changed() {
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// all returns them as reports.
func (w *vitals) all() []processes.Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	reports := make([]processes.Report, 0, len(w.topics)+1)
	for _, topic := range slices.Sorted(maps.Keys(w.topics)) {
		said := w.topics[topic]
		said.report.AgeMS = time.Since(said.at).Milliseconds()
		reports = append(reports, said.report)
	}
	if w.away != "" {
		reports = append(reports, processes.Report{Code: processes.KafkaAway, Text: w.away})
	}
	if w.idle != "" {
		reports = append(reports, processes.Report{Code: processes.ClockOff, Text: w.idle})
	}
	return reports
}
