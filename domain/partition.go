package domain

import (
	"hash/crc32"
	"strconv"
)

// PartitionKey returns the partition of a member within an event: CRC32(decimal(event_id) ‖ member_id) mod partitions,
// with CRC-32/ISO-HDLC over the UTF-8 bytes, unsigned, as MySQL's CRC32() and PostgreSQL 18's crc32() compute it.
// partitions is at least 1; the result is in 0 … partitions-1.
func PartitionKey(eventID int64, memberID string, partitions int) int {
	var buf [96]byte
	b := strconv.AppendInt(buf[:0], eventID, 10)
	b = append(b, memberID...)
	return int(crc32.ChecksumIEEE(b) % uint32(partitions))
}
