package phone

// Screen asks the phone that answered whether it wants the call: who calls, and that 1 connects.
type Screen struct {
	Caller   string // E.164 or [Anonymous]
	Language string
	Phone    Number // that is asked; empty when Twilio does not say
}

// Asked is the step of a call in which a phone picked up.
func Asked(n Number) Note {
	who := "a phone"
	if n != "" {
		who = Mask(string(n))
	}
	return Note{"screened", who + " picked up and is asked to press 1"}
}

// AfterKey decides what a screened phone gets when it pressed a key: 1 connects, everything else declines.
func AfterKey(digits string) Answer {
	if digits == "1" {
		return Nothing{}
	}
	return HangUp{}
}
