package phone

import "time"

const (
	// MaxTokens is how many valid tokens a user may have.
	MaxTokens = 50
	// foreignTokens is how long a token lives at most that was made with a JWT: nobody tells us when that is revoked.
	foreignTokens = 30 * 24 * time.Hour
)

// Maker is with what a token is made: a token of ours, a JWT, or neither, as on the command line.
type Maker struct {
	Ends *time.Time // when the token of ours ends; nil: never
	JWT  bool
}

// TokenEnd is when a new token ends, nil for never: as wanted, and no later than its maker allows.
func TokenEnd(now time.Time, wanted *time.Time, by Maker) *time.Time {
	latest := by.Ends
	if by.JWT {
		end := now.Add(foreignTokens)
		latest = &end
	}
	if wanted == nil || latest != nil && wanted.After(*latest) {
		return latest
	}
	return wanted
}
