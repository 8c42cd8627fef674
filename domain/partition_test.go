package domain_test

import (
	"hash/crc32"
	"testing"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// The golden values of the rule: other teams compute the same key in MySQL.
func TestPartitionKey(t *testing.T) {
	t.Parallel()
	require.Equal(t, uint32(3421780262), crc32.ChecksumIEEE([]byte("123456789")), "CRC-32/ISO-HDLC")
	require.Equal(t, uint32(2266822832), crc32.ChecksumIEEE([]byte("420557418298")))
	require.Equal(t, 0, domain.PartitionKey(42, "0557418298", 4))
	require.Equal(t, uint32(2114096106), crc32.ChecksumIEEE([]byte("7회원00001")))
	require.Equal(t, 2, domain.PartitionKey(7, "회원00001", 8))
	require.Equal(t, 0, domain.PartitionKey(9223372036854775807, "any", 1))
}
