package main

// stuck lists the states from which the promise's goal cannot be reached by the steps that it allows: it walks the
// steps backward from the states that are there.
func (s *search) stuck(p promise) (list []uint32) {
	starts, from := s.backward(p.without)
	ok := make([]bool, s.count())
	var queue []uint32
	for id := range uint32(s.count()) {
		if now := s.state(id); p.goal(&now) {
			ok[id] = true
			queue = append(queue, id)
		}
	}
	for len(queue) > 0 {
		id := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, before := range from[starts[id]:starts[id+1]] {
			if !ok[before] {
				ok[before] = true
				queue = append(queue, before)
			}
		}
	}
	for id, reached := range ok {
		if !reached {
			list = append(list, uint32(id))
		}
	}
	return list
}

// backward is, for each state, the states that have an allowed step to it: from[starts[id]:starts[id+1]].
func (s *search) backward(without class) (starts []uint64, from []uint32) {
	starts = make([]uint64, s.count()+1)
	for i, to := range s.edges {
		if s.classes[i]&without == 0 {
			starts[to+1]++
		}
	}
	for id := range s.count() {
		starts[id+1] += starts[id]
	}
	from = make([]uint32, starts[s.count()])
	next := append([]uint64(nil), starts...)
	for id := range s.count() {
		for i := s.starts[id]; i < s.starts[id+1]; i++ {
			if to := s.edges[i]; s.classes[i]&without == 0 {
				from[next[to]] = uint32(id)
				next[to]++
			}
		}
	}
	return starts, from
}
