package phone

// Screen asks the phone that answered whether it wants the call: who calls, for which label, and that 1 connects.
type Screen struct {
	Caller   string // E.164 or [Anonymous]
	Language string
	Phone    Number // that is asked; empty when Twilio does not say
	Label    string `json:",omitempty"` // of the number that was called
	Seconds  int    `json:",omitempty"` // so long the phone has for the key, beside the time that the sentence takes
}

// longestWait is how long a screen waits before it says its sentence again.
const longestWait = 9

// Waits returns how many seconds the screen waits for the key each time that it has said its sentence. It says it twice at least.
func (s Screen) Waits() []int {
	total := s.Seconds
	if total < 10 || total > 60 { // an address that an older version handed out says nothing
		total = DefaultScreenSeconds
	}
	waits := make([]int, max(2, (total+longestWait-1)/longestWait))
	for i := range waits {
		waits[i] = total*(i+1)/len(waits) - total*i/len(waits)
	}
	return waits
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
