package main

import (
	"bytes"
	"errors"
	"hash/maphash"
)

// search is every state that can be reached, in the order of the number of steps, and every step between them.
type search struct {
	config
	symmetry symmetry
	seed     maphash.Seed
	stride   int      // bytes of a state
	states   []byte   // encoded, side by side
	parents  []uint32 // the state from which each was reached first
	table    []uint32 // open addressing: a state's number + 1
	edges    []uint32 // where each step leads
	classes  []class  // of each step
	starts   []uint64 // of each state: its first step
	found    []*violation
}

// violation is a broken invariant: the first state, or step from it, that breaks it.
type violation struct {
	name   invariant
	state  uint32
	step   uint32 // where the step leads, if it is the step that breaks it
	isStep bool
	count  int // of states or steps
}

// errTooLarge and errFull are what is wrong with a configuration, not with the rules.
var (
	errTooLarge = errors.New("more states than -max")
	errFull     = errors.New("more different messages in Kafka than the model has room for")
)

// explore visits every state and notes what is broken. Errors: errTooLarge, errFull.
func explore(c config) (*search, error) {
	s := &search{config: c, symmetry: symmetry{config: c}, seed: maphash.MakeSeed(), table: make([]uint32, 1<<16)}
	start := c.initial()
	s.stride = len(start.encode(nil, c.chunks))
	s.lookup(s.symmetry.canonical(&start), 0)
	var at uint32
	x := explorer{config: c, emit: func(n *step) { s.take(at, n) }}
	for ; int(at) < len(s.parents); at++ {
		now := s.state(at)
		c.check(&now, func(i invariant) { s.note(violation{name: i, state: at}) })
		s.starts = append(s.starts, uint64(len(s.edges)))
		x.steps(&now)
		if x.full {
			return s, errFull
		}
		if len(s.parents) > c.max {
			return s, errTooLarge
		}
	}
	s.starts = append(s.starts, uint64(len(s.edges)))
	for _, p := range c.promises() {
		if stuck := s.stuck(p); len(stuck) > 0 {
			s.found = append(s.found, &violation{name: p.name, state: stuck[0], count: len(stuck)})
		}
	}
	return s, nil
}

// initial is the event just started, or about to be where there are brakes: a first job for each chunk.
func (c config) initial() state {
	s := state{left: c.may}
	for i := range c.chunks {
		s.chunks[i].waiting.add(first)
		if c.open == 1 {
			s.members[2*i+1] = member{status: success, ledger: true}
			s.chunks[i].settled = 1
			s.summary.success++
		}
	}
	if c.may.brakes > 0 {
		s.hold()
		s.event = notStarted
	}
	return s
}

func (s *search) count() int { return len(s.parents) }

func (s *search) encoded(id uint32) []byte {
	from := int(id) * s.stride
	return s.states[from : from+s.stride]
}

func (s *search) state(id uint32) state { return decode(s.encoded(id), s.chunks) }

func (s *search) take(from uint32, n *step) {
	to := s.lookup(s.symmetry.canonical(&n.to), from)
	if n.broke != noInvariant {
		s.note(violation{name: n.broke, state: from, step: to, isStep: true})
	}
	s.edges = append(s.edges, to)
	s.classes = append(s.classes, n.class)
}

// note keeps the first violation of each invariant, which is the one with the fewest steps.
func (s *search) note(v violation) {
	for _, known := range s.found {
		if known.name == v.name {
			known.count++
			return
		}
	}
	v.count = 1
	s.found = append(s.found, &v)
}

// lookup returns the number of the state with this encoding, and gives it one if it is new.
func (s *search) lookup(key []byte, from uint32) uint32 {
	slot := s.slot(key)
	if s.table[slot] != 0 {
		return s.table[slot] - 1
	}
	s.states = append(s.states, key...)
	s.parents = append(s.parents, from)
	id := uint32(len(s.parents) - 1)
	s.table[slot] = id + 1
	if len(s.parents)*10 > len(s.table)*7 {
		s.grow()
	}
	return id
}

// slot returns where the encoding stands in the table, or would.
func (s *search) slot(key []byte) uint64 {
	mask := uint64(len(s.table) - 1)
	i := maphash.Bytes(s.seed, key) & mask
	for s.table[i] != 0 && !bytes.Equal(s.encoded(s.table[i]-1), key) {
		i = (i + 1) & mask
	}
	return i
}

func (s *search) grow() {
	s.table = make([]uint32, 2*len(s.table))
	for id := range s.parents {
		s.table[s.slot(s.encoded(uint32(id)))] = uint32(id) + 1
	}
}
