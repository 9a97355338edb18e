package phone

import (
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// enumPointer is a pointer to an enum, as GraphQL uses it.
type enumPointer[E any] interface {
	*E
	UnmarshalGQL(any) error
}

// checkEnum checks that an enum has these values and no others, and that each is written and read again.
func checkEnum[E interface {
	enum
	MarshalGQL(io.Writer)
}, P enumPointer[E]](t *testing.T, want ...E) {
	t.Helper()
	var none E
	if got := none.Values(); len(got) != len(want) || len(slices.Compact(slices.Sorted(slices.Values(got)))) != len(got) {
		t.Errorf("%T has the values %v, want %v", none, got, want)
	}
	for _, v := range want {
		if !slices.Contains(v.Values(), string(v)) || !regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`).MatchString(string(v)) {
			t.Errorf("%T: %q is no value, or none for GraphQL", v, v)
		}
		var b strings.Builder
		v.MarshalGQL(&b)
		var written string
		if err := json.Unmarshal([]byte(b.String()), &written); err != nil || written != string(v) {
			t.Errorf("%T: %s is written as %s", v, v, b.String())
		}
		var read E
		if err := P(&read).UnmarshalGQL(written); err != nil || read != v {
			t.Errorf("%T: %s is read as %s, %v", v, written, read, err)
		}
	}
	for _, odd := range []any{nil, "", strings.ToLower(string(want[0])), "NONE", 1, true} {
		read := want[0]
		if err := P(&read).UnmarshalGQL(odd); CodeOf(err) != BadUserInput || read != want[0] {
			t.Errorf("%T: %v is read as %s, %v, want it refused and nothing changed", read, odd, read, err)
		}
	}
}

func TestEnums(t *testing.T) {
	t.Parallel()
	checkEnum(t, RoleOwner, RoleAdmin)
	checkEnum(t, NumberActive, NumberPaused, NumberReleased)
	checkEnum(t, ShowCaller, ShowMasked)
	checkEnum(t, ScreeningOff, ScreeningPress1)
	checkEnum(t, OutcomeRinging, OutcomeAnswered, OutcomeVoicemail, OutcomeMissed, OutcomeRejected, OutcomeQuotaExceeded)
	checkEnum(t, PlanTrial, PlanPackage, PlanUnlimited)
	checkEnum(t, PeriodMonth, PeriodYear, PeriodOnce)
	checkEnum(t, AudioPending, AudioStored, AudioFailed, AudioDeleted)
	checkEnum(t, TranscriptionOff, TranscriptionPending, TranscriptionCompleted, TranscriptionFailed)
	checkEnum(t, DeliveryPending, DeliveryDelivered, DeliveryFailed)
	checkEnum(t, ChangeUpdated, ChangeDeleted, ChangeRestored)
}
