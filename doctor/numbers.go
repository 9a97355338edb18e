package doctor

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/maskline/maskline/internal/twilio"
)

// What Twilio is to do when a request of its fails: somebody waits for the answer to a call, so it is tried once more; what only tells us
// something is tried as long as 15 seconds allow. The addresses within a call carry the same.
const (
	decisionRetry = "#rc=1&rp=ct,rt,5xx"
	callbackRetry = "#rc=3&rp=ct,rt,5xx"
)

// wanted is where our numbers are to lead.
func wanted(public string) twilio.Routing {
	base := public + "/webhooks/"
	return twilio.Routing{
		VoiceURL: base + "voice" + decisionRetry, VoiceMethod: http.MethodPost,
		VoiceFallbackURL: base + "voice/fallback" + decisionRetry, VoiceFallbackMethod: http.MethodPost,
		StatusCallback: base + "status" + callbackRetry, StatusCallbackMethod: http.MethodPost,
		SMSURL: base + "messages" + decisionRetry, SMSMethod: http.MethodPost,
	}
}

// route is one of the addresses of a number.
type route struct {
	name    string
	url     func(*twilio.Routing) *string
	method  func(*twilio.Routing) *string // nil: it has none
	level   Level                         // of a wrong one
	without string                        // what a wrong one leads to
}

// routes are those with an address and a method, in the order in which they matter.
var routes = []route{
	{"voice URL", func(r *twilio.Routing) *string { return &r.VoiceURL }, func(r *twilio.Routing) *string { return &r.VoiceMethod },
		Trouble, "its calls do not come to Maskline"},
	{"voice fallback URL", func(r *twilio.Routing) *string { return &r.VoiceFallbackURL }, func(r *twilio.Routing) *string { return &r.VoiceFallbackMethod },
		Trouble, "when something fails, callers hear an error and can leave no message"},
	{"status callback", func(r *twilio.Routing) *string { return &r.StatusCallback }, func(r *twilio.Routing) *string { return &r.StatusCallbackMethod },
		Trouble, "Maskline is not told when calls are over"},
	{"messaging URL", func(r *twilio.Routing) *string { return &r.SMSURL }, func(r *twilio.Routing) *string { return &r.SMSMethod },
		Warning, "text messages to it do not come to Maskline"},
}

// thieves are what takes a number's calls away from its voice URLs.
var thieves = []route{
	{"TwiML application", func(r *twilio.Routing) *string { return &r.VoiceApplicationSID }, nil, Trouble, ""},
	{"SIP trunk", func(r *twilio.Routing) *string { return &r.TrunkSID }, nil, Trouble, ""},
}

const nothing = "none"

// show is the address with its method, for people to read; a password in it is hidden.
func (r route) show(in twilio.Routing) string {
	address := *r.url(&in)
	if address == "" {
		return nothing
	}
	address = withoutPassword(address)
	if r.method != nil {
		address = *r.method(&in) + " " + address
	}
	return printable(address)
}

// withoutPassword works on text: what Twilio has need not be a URL that Go can parse.
func withoutPassword(address string) string {
	scheme, rest, _ := strings.Cut(address, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndex(rest[:end], "@")
	if at < 0 {
		return address
	}
	return scheme + "://…" + rest[at:]
}

// examineNumbers compares our numbers with those at Twilio, and says what [Fix] would change.
func (p Patient) examineNumbers(ours inventory, theirs office) (all []Finding, changes []Change) {
	switch {
	case p.Twilio.missing():
		return nil, nil
	case !theirs.asked:
		return []Finding{warning(areaNumbers, "Where the numbers lead was not examined, since Twilio could not be asked.", "Mend that first.")}, nil
	case !ours.read:
		return []Finding{warning(areaNumbers, "Where the numbers lead was not examined: which are ours stands in the database.", "Mend that first.")}, nil
	}
	want := wanted(p.PublicURL)
	var right []string
	for _, number := range ours.inUse() {
		at := slices.IndexFunc(theirs.numbers, func(n twilio.Number) bool { return n.PhoneNumber == number })
		if at < 0 {
			all = append(all, missing(number, p.Twilio.AccountSID))
			continue
		}
		faults, to := compare(theirs.numbers[at], want)
		all = append(all, faults...)
		if len(faults) == 0 {
			right = append(right, number)
		}
		if to != theirs.numbers[at].Routing {
			changes = append(changes, Change{theirs.numbers[at], to})
		}
	}
	if p.unreachable() {
		changes = nil
		for i := range all {
			if all[i].Mend == mendByFix {
				all[i].Mend = "Set PUBLIC_URL first: Twilio could not reach what it is now."
			}
		}
	}
	return slices.Concat(summary(right, ours, theirs), all, strangers(ours, theirs, want)), changes
}

// summary is what is right, and that there is anything at all.
func summary(right []string, ours inventory, theirs office) (all []Finding) {
	if len(ours.inUse()) == 0 {
		return []Finding{warning(areaNumbers, "There is no masked number yet.", "Make one: createNumber and subscribeNumber in GraphQL, as docs/connect-twilio.md shows.")}
	}
	if len(right) > 0 {
		all = append(all, fine(areaNumbers, fmt.Sprintf("%s: everything leads to Maskline.", listed(right))))
	}
	if phones := ours.phones(); theirs.trial && len(phones) > 0 {
		all = append(all, warning(areaNumbers, fmt.Sprintf("On a trial account Twilio rings these only once they are verified: %s.", listed(phones)),
			"Verify them at "+console+", under Verified Caller IDs, or upgrade the account."))
	}
	return all
}

func missing(number, account string) Finding {
	return trouble(areaNumbers, fmt.Sprintf("%s is not in the account %s: its calls do not come to Maskline.", number, account),
		"See whether it was bought in another account or released there. If it is gone, set its state to RELEASED with setNumberState.")
}

// strangers are numbers at Twilio that are none of ours. Those that lead elsewhere have their reasons.
func strangers(ours inventory, theirs office, want twilio.Routing) (all []Finding) {
	mine, released := ours.inUse(), ours.released()
	var others []string
	for _, n := range theirs.numbers {
		switch {
		case slices.Contains(mine, n.PhoneNumber):
		case bare(n.VoiceURL) == bare(want.VoiceURL):
			what := "none of Maskline's numbers"
			if slices.Contains(released, n.PhoneNumber) {
				what = "RELEASED in Maskline"
			}
			all = append(all, warning(areaNumbers, fmt.Sprintf("%s leads here and is %s: its callers are rejected.", n.PhoneNumber, what),
				"Make it one of Maskline's with createNumber, or give it back at "+console+": it costs money every month."))
		default:
			others = append(others, n.PhoneNumber)
		}
	}
	if len(others) > 0 {
		all = append(all, fine(areaNumbers, fmt.Sprintf("In the account, but none of Maskline's, and left alone: %s.", listed(others))))
	}
	return all
}

const mendByFix = "maskline doctor --fix sets it, and keeps the old one for --restore."

// compare tells what is wrong with a number, and where it is to lead instead. What is good enough stays as it is.
func compare(n twilio.Number, want twilio.Routing) (faults []Finding, to twilio.Routing) {
	to = n.Routing
	if !n.Voice {
		faults = append(faults, trouble(areaNumbers, n.PhoneNumber+" takes no calls: it has no voice capability.", "Use another number that has it; this one can only be for messages."))
	}
	for _, t := range thieves {
		if *t.url(&to) != "" {
			faults = append(faults, Finding{areaNumbers, Trouble,
				fmt.Sprintf("%s: a %s takes its calls, and its voice URLs are not used.", n.PhoneNumber, t.name), t.show(n.Routing), nothing, mendByFix})
			*t.url(&to) = ""
		}
	}
	for _, r := range routes {
		if r.name == "messaging URL" && !n.SMS {
			continue
		}
		fault := judge(*r.url(&to), *r.method(&to), *r.url(&want))
		if fault == "" {
			continue
		}
		f := Finding{areaNumbers, r.level, fmt.Sprintf("%s: the %s %s, so %s.", n.PhoneNumber, r.name, fault, r.without), r.show(n.Routing), r.show(want), mendByFix}
		if fault == notRepeated {
			f.Level, f.What = Warning, fmt.Sprintf("%s: the %s is right, but %s.", n.PhoneNumber, r.name, fault)
		}
		faults = append(faults, f)
		*r.url(&to), *r.method(&to) = *r.url(&want), *r.method(&want)
	}
	return faults, to
}

const notRepeated = "Twilio does not repeat what fails there"

// judge compares an address with the wanted one. Connection overrides may be others than ours, as long as they are well formed and have
// failed requests repeated.
func judge(address, method, want string) (fault string) {
	_, overrides, _ := strings.Cut(address, "#")
	wellFormed, repeats := retries(overrides)
	switch {
	case address == "":
		return "is not set"
	case bare(address) != bare(want):
		return "leads elsewhere"
	case method != http.MethodPost && method != "": // by default it is
		return "is asked by " + method
	case !wellFormed:
		return "has connection overrides that Twilio does not understand"
	case !repeats:
		return notRepeated
	}
	return ""
}

// bare is an address without connection overrides.
func bare(address string) string {
	address, _, _ = strings.Cut(address, "#")
	return address
}

var reasons = []string{"4xx", "5xx", "ct", "rt", "all"}

// retries reads the overrides that say what is tried again and how often, and passes over the others. Repeats tells whether failed
// connections and answers with a 5xx are; by default Twilio tries a failed connection once more, and nothing else.
func retries(overrides string) (wellFormed, repeats bool) {
	times, on := 1, []string{"ct"}
	for setting := range strings.SplitSeq(overrides, "&") {
		name, value, _ := strings.Cut(setting, "=")
		var err error
		switch name {
		case "rc":
			times, err = strconv.Atoi(value)
		case "rp":
			on = strings.Split(value, ",")
		}
		if err != nil {
			return false, false
		}
	}
	unknown := slices.ContainsFunc(on, func(reason string) bool { return !slices.Contains(reasons, reason) })
	if unknown || times < 0 || times > 5 {
		return false, false
	}
	both := slices.Contains(on, "ct") && slices.Contains(on, "5xx")
	return true, times > 0 && (both || slices.Contains(on, "all"))
}
