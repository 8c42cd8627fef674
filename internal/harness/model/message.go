package main

import (
	"fmt"
	"slices"

	"bestow/domain"
)

// message is a chunk message: its highest bit is the chunk, and each member has three bits.
type message uint8

// entry holds what a message says of a member: 0 nothing, 1 to 3 a try from 0, from 4 a redrive from 1.
type entry uint8

func newMessage(c int, a, b entry) message {
	if a == 0 && b == 0 {
		return 0
	}
	return message(c)<<7 | message(b)<<3 | message(a)
}

func tryEntry(try uint8) entry   { return entry(try) + 1 }
func redriveEntry(n uint8) entry { return entry(n) + 3 }

func (m message) chunk() int        { return int(m >> 7) }
func (m message) entry(i int) entry { return entry(m>>(3*i)) & 7 }

// inOtherChunk is the message as if the chunks had each other's names.
func (m message) inOtherChunk() message {
	if m == 0 {
		return 0
	}
	return m ^ 0x80
}

// swapped exchanges what the message says of its members.
func (m message) swapped() message { return m&0x80 | (m&7)<<3 | m>>3&7 }

func (e entry) isRedrive() bool { return e >= 4 }
func (e entry) redrive() int    { return int(e) - 3 }
func (e entry) try() int        { return int(e) - 1 }

// grant is the entry as the domain knows it.
func (e entry) grant() domain.Grant {
	if e.isRedrive() {
		return domain.Grant{Redrive: e.redrive()}
	}
	return domain.Grant{Try: e.try()}
}

func (e entry) String() string {
	switch {
	case e == 0:
		return "–"
	case e.isRedrive():
		return fmt.Sprintf("redrive %d", e.redrive())
	}
	return fmt.Sprintf("try %d", e.try())
}

func (m message) String() string {
	if m == 0 {
		return "nothing"
	}
	return fmt.Sprintf("message{chunk %d: a %s, b %s}", m.chunk(), m.entry(0), m.entry(1))
}

// publish puts a message into Kafka, where equal ones count as one; false if the model has no room for it.
func (s *state) publish(m message) bool {
	if m == 0 || slices.Contains(s.kafka[:], m) {
		return true
	}
	i := slices.Index(s.kafka[:], 0)
	if i < 0 {
		return false
	}
	s.kafka[i] = m
	slices.Sort(s.kafka[:i+1])
	return true
}

// take removes a message that was acknowledged or lost.
func (s *state) take(m message) {
	if i := slices.Index(s.kafka[:], m); i >= 0 {
		copy(s.kafka[i:], s.kafka[i+1:])
		s.kafka[len(s.kafka)-1] = 0
	}
}

// sortKafka restores the order after messages were renamed.
func (s *state) sortKafka() {
	n := slices.Index(s.kafka[:], 0)
	if n < 0 {
		n = len(s.kafka)
	}
	slices.Sort(s.kafka[:n])
}
