package network

import "time"

// How a caller enters digits.
const (
	untilEntered = 2 * time.Second
	betweenKeys  = 500 * time.Millisecond
)

// gather collects keys. With none, or nothing but the finish key, the next verb follows unless TwiML insists.
func (s stage) gather(e *element) (*ask, error) {
	s.pickUp()
	s.getReady()
	key, err := s.prompt(e)
	if err != nil {
		return nil, err
	}
	digits, err := s.collect(e, key)
	if err != nil {
		return nil, err
	}
	if digits == "" && !e.is("actionOnEmptyResult") {
		return nil, nil
	}
	return s.follow(e, map[string]string{"Digits": digits}), nil
}

// getReady has a caller who was told to Enter something do so.
func (s stage) getReady() {
	if !s.isCaller() {
		return
	}
	at := s.call.net.Now().Add(untilEntered)
	for _, digit := range s.call.caller.digits {
		s.keys = append(s.keys, stroke{at: at, digit: string(digit)})
		at = at.Add(betweenKeys)
	}
	s.call.caller.digits = ""
}

// prompt says what stands inside, until a key is pressed.
func (s stage) prompt(e *element) (key string, err error) {
	for _, kid := range e.kids {
		if kid.name == "Pause" {
			key, err = s.passOrKey(kid.seconds("length", 1))
		} else {
			key, err = s.utter(kid, s.hearsOrKey)
		}
		if key != "" || err != nil {
			break
		}
	}
	return key, err
}

func (s stage) hearsOrKey(text string, d time.Duration) (string, error) {
	s.hear(text, d)
	return s.passOrKey(d)
}

// collect waits for keys after the first, which may be missing, until there are enough or patience is at its end.
func (s stage) collect(e *element, key string) (digits string, err error) {
	finish := "#"
	if e.has("finishOnKey") {
		finish = e.attrs["finishOnKey"]
	}
	enough := e.number("numDigits", 0)
	for {
		if key == "" {
			key, err = s.passOrKey(e.seconds("timeout", 5))
		}
		if err != nil || key == "" || key == finish {
			return digits, err
		}
		digits += key
		key = ""
		if len(digits) == enough {
			return digits, nil
		}
	}
}
