package scalar

import "github.com/maskline/maskline/ent"

// VoicemailConnection is a page of voicemails with the place from which to follow it.
type VoicemailConnection struct {
	*ent.VoicemailConnection
	FollowCursor ent.Cursor
}
