package phone

// Screen asks the phone that answered whether it wants the call: who calls, and that 1 connects.
type Screen struct {
	Caller   string // E.164 or [Anonymous]
	Language string
}

// AfterKey decides what a screened phone gets when it pressed a key: 1 connects, everything else declines.
func AfterKey(digits string) Answer {
	if digits == "1" {
		return Nothing{}
	}
	return HangUp{}
}
