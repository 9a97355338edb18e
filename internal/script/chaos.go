package script

import (
	"maps"
	"slices"
	"time"

	"github.com/maskline/maskline/internal/network"
)

// topics are what chaos may keep to.
var topics = map[string][]network.Topic{
	"status": {network.TopicStatus}, "recording": {network.TopicRecording}, "transcription": {network.TopicTranscription},
	"decisions": {
		network.TopicVoice, network.TopicScreen, network.TopicDial, network.TopicRecord, network.TopicGather, network.TopicRedirect,
		network.TopicFallback,
	},
}

// troubles are the chances that a line may set.
var troubles = map[string]func(*network.Chaos) *float64{
	"drop":      func(c *network.Chaos) *float64 { return &c.Drop },
	"duplicate": func(c *network.Chaos) *float64 { return &c.Duplicate },
	"delay":     func(c *network.Chaos) *float64 { return &c.Delay },
	"early":     func(c *network.Chaos) *float64 { return &c.Early },
	"repeat":    func(c *network.Chaos) *float64 { return &c.Repeat },
	"unknown":   func(c *network.Chaos) *float64 { return &c.Unknown },
}

const usualDelay = 15 * time.Second

// chaos is a line about it. What several lines say of a topic adds up.
func (r *reader) chaos(w *words) {
	r.beforeAll(w)
	trouble := w.oneOf(slices.Sorted(maps.Keys(troubles))...)
	chance, latest := w.chance(), usualDelay
	of := slices.Sorted(maps.Keys(topics))
	w.clauses(
		clause{"up to", func(w *words) { latest = w.duration() }},
		clause{"of", func(w *words) { of = []string{w.oneOf(of...)} }},
	)
	if w.err != nil {
		return
	}
	for _, name := range of {
		for _, topic := range topics[name] {
			c := r.Chaos[topic]
			*troubles[trouble](&c) = chance
			c.MaxDelay = max(c.MaxDelay, latest)
			r.Chaos[topic] = c
		}
	}
	r.Unruly = append(r.Unruly, r.rest())
}

func (r *reader) seed(w *words) {
	r.beforeAll(w)
	r.Seed = int64(w.count())
}
