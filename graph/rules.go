package graph

import (
	"encoding/json"
	"strings"

	"github.com/maskline/maskline/graph/generated"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// A value of the wrong type stops an operation before it is executed, and with it the look at the rules for the other values of the same input.
// So that all that is wrong is named at once, these are then looked at here.

// rulesOf are the rules of each input that has any, for its fields that fit their types.
var rulesOf = map[string]func(fields map[string]any) phone.Faults{
	"UpdateNumberInput": ruled(func(in generated.UpdateNumberInput) error {
		s := phone.DefaultSettings()
		f := changeSettings(&s, in)
		f.Note(s.Check(""))
		return f.Err()
	}),
	"CreateNumberInput": ruled(func(in generated.CreateNumberInput) error { return newSettings(in).Check("") }),
	"UpdateUserInput":   ruled(func(in generated.UpdateUserInput) error { return userChange(in).Check() }),
	"CreateUserInput": ruled(func(in generated.CreateUserInput) error {
		u := newUser(in)
		return u.Complete()
	}),
	"CreatePlanInput": ruled(func(in generated.CreatePlanInput) error { return switchboard.NewPlan(in).Check() }),
}

// ruled has an input checked of which some fields are known. Those that are not have no faults.
func ruled[In any](check func(In) error) func(map[string]any) phone.Faults {
	return func(fields map[string]any) (f phone.Faults) {
		var in In
		b, err := json.Marshal(fields)
		if err != nil || json.Unmarshal(b, &in) != nil {
			return nil
		}
		var found phone.Faults
		found.Note(check(in))
		for _, one := range found {
			name, _, _ := strings.Cut(one.Field, ".")
			if _, known := fields[name]; known {
				f = append(f, one)
			}
		}
		return f
	}
}
