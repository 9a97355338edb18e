// Package graph is the clients' door: GraphQL over HTTP, WebSocket and event streams, and the audio that its links lead to. Reads go straight to the
// database as the viewer that the token names, so that ownership is decided in one place; every write is one call of the switchboard,
// which returns ids, and the resolver then reads again. Pushes are read from the database too: an event only says that there is something.
package graph

import (
	"log/slog"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/internal/links"
	"github.com/maskline/maskline/switchboard"
)

//go:generate go tool gqlgen generate

// Resolver answers GraphQL.
type Resolver struct {
	DB     *ent.Client // reads, as the viewer in the context
	Desk   *switchboard.Switchboard
	Events *events.Hub
	Links  *links.Signer
	Now    func() time.Time
	Log    *slog.Logger

	Ready    func() bool // whether the database has been prepared; nil: it has
	Room     int         // for that many queries and mutations at once
	OnlyWarn bool        // a limit that is exceeded is logged, and not enforced

	WaitAtMost         time.Duration // for the database, before a client is told to come back; zero: a second
	SeatsOfOne         int           // sockets and streams that a user may have open; zero: 5,000
	SubscriptionsOfOne int           // that a user may have open over all of them; zero: 5,000
	LookAgain          time.Duration // after which it is looked anew whether tokens still hold; zero: 8 s
	StallAfter         time.Duration // how long an answer, or audio, waits for its reader to read on; zero: 30 s

	appeared *shared[[]*ent.VoicemailEdge]
	changed  *shared[changes]
}
