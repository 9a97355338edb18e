package network

import "time"

// appointment is one entry of the agenda.
type appointment struct {
	at     time.Time
	order  uint64 // of booking, among those of one instant
	asleep bool   // somebody sleeps until then
	begin  func()
	place  int // in the heap; -1 once it has begun
}

// agenda is a heap of appointments, the next one first.
type agenda []*appointment

func (a agenda) Len() int { return len(a) }

func (a agenda) Less(i, j int) bool {
	if a[i].at.Equal(a[j].at) {
		return a[i].order < a[j].order
	}
	return a[i].at.Before(a[j].at)
}

func (a agenda) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].place, a[j].place = i, j
}

// Push is heap.Interface's.
func (a *agenda) Push(x any) {
	next := x.(*appointment)
	next.place = len(*a)
	*a = append(*a, next)
}

// Pop is heap.Interface's.
func (a *agenda) Pop() any {
	last := len(*a) - 1
	gone := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	gone.place = -1
	return gone
}
