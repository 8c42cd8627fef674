package domain

import (
	"hash/crc32"
	"strconv"
)

// Chunk is a row of consecutive targets of one event, one partition and one import: the unit of a claim and of a
// message. Their ids rise by one from First to Last. A statement on a chunk names event, partition and range, because
// the ids of concurrent imports interleave.
type Chunk struct {
	EventID      int64
	PartitionKey int
	First, Last  int64
}

// String names c in logs: event/partition/first-last.
func (c Chunk) String() string {
	return strconv.FormatInt(c.EventID, 10) + "/" + strconv.Itoa(c.PartitionKey) + "/" +
		strconv.FormatInt(c.First, 10) + "-" + strconv.FormatInt(c.Last, 10)
}

// Size returns the number of targets.
func (c Chunk) Size() int { return int(c.Last - c.First + 1) }

// Run is some consecutive chunks of one event and partition, which one relay job publishes.
type Run = Chunk

// MaxMessageBytes bounds the grants of one message, well below Kafka's default limit of 1 MiB for a record.
const MaxMessageBytes = 512 << 10

// Chunker cuts an ordered stream of targets into chunks: at a change of partition, after a number of targets, and
// before the grants of a message would pass [MaxMessageBytes]. Targets are numbered upwards from First.
type Chunker struct {
	EventID    int64
	MaxTargets int // at least 1

	open  bool
	cur   Chunk
	bytes int
}

// Add puts the target with the next id into the current chunk. If that chunk is full, or the target belongs to another
// partition, Add returns it, and the target begins the next. size is the target's [GrantSize].
func (c *Chunker) Add(id int64, partitionKey, size int) (done Chunk, full bool) {
	if c.open && c.cur.PartitionKey == partitionKey && c.cur.Size() < c.MaxTargets && c.bytes+size <= MaxMessageBytes {
		c.cur.Last = id
		c.bytes += size
		return Chunk{}, false
	}
	done, full = c.cur, c.open
	c.cur = Chunk{EventID: c.EventID, PartitionKey: partitionKey, First: id, Last: id}
	c.open, c.bytes = true, size
	return done, full
}

// Flush returns the last chunk, if a target was added since the last call.
func (c *Chunker) Flush() (done Chunk, any bool) {
	done, any = c.cur, c.open
	c.open = false
	return done, any
}

// grantOverhead bounds the bytes that the names, numbers and punctuation of one grant take in a message.
const grantOverhead = 160

// GrantSize returns the most bytes that a grant of the member takes in a message. reason is the default one if the
// target has none. In JSON, a control character or quote may take six bytes instead of one.
func GrantSize(memberID, reason string) int {
	return grantOverhead + jsonSize(memberID) + jsonSize(reason)
}

func jsonSize(s string) int {
	n := len(s)
	for i := range len(s) {
		if b := s[i]; b < 0x20 || b == '"' || b == '\\' || b == '<' || b == '>' || b == '&' || b == 0xe2 {
			n += 5
		}
	}
	return n
}

// Runs groups consecutive chunks of one partition into runs of at most size chunks: one relay job each.
func Runs(chunks []Chunk, size int) []Run {
	var runs []Run
	n := 0
	for _, c := range chunks {
		if last := len(runs) - 1; last >= 0 && n < size && runs[last].PartitionKey == c.PartitionKey &&
			runs[last].Last+1 == c.First {
			runs[last].Last = c.Last
			n++
			continue
		}
		runs = append(runs, c)
		n = 1
	}
	return runs
}

// PartitionKey returns the partition of a member within an event: CRC32(decimal(event_id) ‖ member_id) mod partitions,
// with CRC-32/ISO-HDLC over the UTF-8 bytes, unsigned, as MySQL's CRC32() and PostgreSQL 18's crc32() compute it.
// partitions is at least 1; the result is in 0 … partitions-1.
func PartitionKey(eventID int64, memberID string, partitions int) int {
	var buf [96]byte
	b := strconv.AppendInt(buf[:0], eventID, 10)
	b = append(b, memberID...)
	return int(crc32.ChecksumIEEE(b) % uint32(partitions))
}
