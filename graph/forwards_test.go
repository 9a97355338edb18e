package graph_test

import (
	"strings"
	"testing"

	"github.com/maskline/maskline/phone"
)

const (
	forward   = `mutation($id: ID!, $to: [PhoneNumber!]) { updateNumber(id: $id, input: {forwardTo: $to}) { forwardTo } }`
	forwarded = `mutation($u: ID!, $n: PhoneNumber!, $to: [PhoneNumber!]) { createNumber(input: {ownerID: $u, phoneNumber: $n, forwardTo: $to}) { id } }`
)

// Calls that cost more than an ordinary one, go abroad or come round again are refused when a phone is set, all in the same words.
func TestPhonesThatMayNotBeRungAreRefusedAlike(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		for masked, tos := range map[string]string{
			"+12125550100":  "+19005550123 +18765550123 +12129765555 +19765550123 +15005550123 +17005550123 +17105550123 +19115550123 " + b.phone + " +12125550100",
			"+442079460000": "+447012345678 +449012345678 +15550100001", "+4930123456": "+499001234567 +491371234567 +442079460000",
		} {
			mine := w.ask(w.admin, forwarded, vars{"u": a.user, "n": masked, "to": nil}, "createNumber.id")[0]
			anew := masked[:len(masked)-1] + "9"
			words := map[string]bool{}
			for _, to := range strings.Fields(tos) {
				for _, e := range []problem{
					w.refused(a.token, forward, vars{"id": mine, "to": []string{to}}, phone.BadUserInput, "updateNumber"),
					w.refused(w.admin, forwarded, vars{"u": a.user, "n": anew, "to": []string{to}}, phone.BadUserInput, "createNumber"),
				} {
					e.Message = strings.Replace(e.Message, phone.Mask(to), "X", 1)
					words[strings.NewReplacer(masked, "N", anew, "N").Replace(e.Message)] = true
				}
			}
			if len(words) != 1 {
				t.Errorf("%s: refused in %d different words: %v", masked, len(words), words)
			}
		}
		w.ask(a.token, forward, vars{"id": a.number, "to": []string{"+15550100001", "+12125550123", "+18005550199"}})
	})
}
