package switchboard

import (
	"context"
	"fmt"

	"github.com/maskline/maskline/phone"
)

// countTraffic tells whether the owner blocked a caller, and counts what else calls the number: all calls that are forwarded, and the caller's
// own, of which it reads no more than matter. The number's subscription is locked before, so no call is between its count and its commit.
const countTraffic = `SELECT
	EXISTS (SELECT 1 FROM blocked_callers WHERE owner_id = $9 AND caller = $2),
	(SELECT COUNT(*) FROM calls WHERE number_id = $1 AND counted_until > $4 AND call_sid <> $3),
	COUNT(*),
	COUNT(CASE WHEN started_at > $6 THEN 1 END),
	COUNT(CASE WHEN started_at > $7 AND ended_at IS NULL AND outcome = 'RINGING' THEN 1 END)
	FROM (SELECT started_at, ended_at, outcome FROM calls WHERE number_id = $1 AND "from" = $2 AND started_at > $5 AND call_sid <> $3
		ORDER BY started_at DESC, id DESC LIMIT $8) AS recent`

// lookAround adds to a line what depends on the call: whether its caller is blocked, what else calls the number, and which of its phones became
// numbers of ours.
func (s *Switchboard) lookAround(ctx context.Context, tx *Tx, in phone.Incoming, l *line) (err error) {
	now, t := s.now(), &l.Traffic
	row := tx.db.SQL.QueryRowContext(ctx, countTraffic, l.number.ID, phone.CallerOf(in.From), in.CallSID, now,
		now.Add(-phone.Day), now.Add(-phone.Lately), now.Add(-phone.SameTime), phone.MostCallsADay, l.number.OwnerID)
	if err := row.Scan(&l.Blocked, &t.Running, &t.Today, &t.Recent, &t.Unended); err != nil {
		return fmt.Errorf("count the calls of number %s: %w", l.number.ID, err)
	}
	l.OursAmongForward, err = tx.ours(ctx, l.number.ForwardTo)
	return err
}
