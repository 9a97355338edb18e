package phone

import (
	"encoding/json"
	"fmt"
)

// Stored is an [Answer] as it is written down, so that a repeated request gets the same answer, whatever was changed in between.
type Stored struct{ Answer Answer }

type storedAnswer struct {
	Kind   string          `json:"kind"`
	Answer json.RawMessage `json:"answer"`
}

// MarshalJSON writes the answer with the name of its type.
func (s Stored) MarshalJSON() ([]byte, error) {
	kind := kindOf(s.Answer)
	if kind == "" {
		return nil, fmt.Errorf("phone: no name for the answer %T", s.Answer)
	}
	body, err := json.Marshal(s.Answer)
	if err != nil {
		return nil, err
	}
	return json.Marshal(storedAnswer{kind, body})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Stored) UnmarshalJSON(b []byte) (err error) {
	var in storedAnswer
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	s.Answer, err = answerOf(in.Kind, in.Answer)
	return err
}

func kindOf(a Answer) string {
	switch a.(type) {
	case Connect:
		return "connect"
	case TakeMessage:
		return "take_message"
	case Refuse:
		return "refuse"
	case Reject:
		return "reject"
	case Goodbye:
		return "goodbye"
	case HangUp:
		return "hang_up"
	case Nothing:
		return "nothing"
	case Screen:
		return "screen"
	}
	return ""
}

func answerOf(kind string, body []byte) (Answer, error) {
	switch kind {
	case "connect":
		return decode[Connect](body)
	case "take_message":
		return decode[TakeMessage](body)
	case "refuse":
		return decode[Refuse](body)
	case "reject":
		return Reject{}, nil
	case "goodbye":
		return decode[Goodbye](body)
	case "hang_up":
		return HangUp{}, nil
	case "nothing":
		return Nothing{}, nil
	case "screen":
		return decode[Screen](body)
	}
	return nil, fmt.Errorf("phone: unknown answer %q", kind)
}

func decode[A Answer](body []byte) (Answer, error) {
	var a A
	err := json.Unmarshal(body, &a)
	return a, err
}
