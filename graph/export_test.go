package graph

import "time"

// Hurry has the streams of a server beat that often, and wait so long for a reader.
func (s *Server) Hurry(beatEvery, writeWithin time.Duration) {
	s.Streams.beatEvery, s.Streams.writeWithin = beatEvery, writeWithin
}
