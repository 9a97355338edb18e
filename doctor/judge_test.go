package doctor

import (
	"reflect"
	"testing"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/internal/twilio"
	"github.com/maskline/maskline/phone"
)

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		address string
		want    Level
	}{
		{"https://mask.example.com", OK},
		{"https://mask.example.com:8443/prefix", OK},
		{"https://8.8.8.8", OK},
		{"https://[2606:4700::1111]", OK},
		{"https://Mask.Example.COM.", OK},
		{"http://mask.example.com", Warning},
		{"http://localhost:8080", Trouble},
		{"https://localhost", Trouble},
		{"https://app.localhost", Trouble},
		{"https://mask", Trouble},
		{"https://mask.local", Trouble},
		{"https://mask.corp.internal.", Trouble},
		{"https://printer.home.arpa", Trouble},
		{"https://127.0.0.1", Trouble},
		{"https://10.1.2.3", Trouble},
		{"https://172.16.0.1", Trouble},
		{"https://192.168.1.1:8443", Trouble},
		{"https://169.254.169.254", Trouble},
		{"https://100.64.1.1", Trouble},
		{"https://0.0.0.0", Trouble},
		{"https://[::1]", Trouble},
		{"https://[fd00::1]", Trouble},
		{"https://[::ffff:192.168.1.1]", Trouble},
		{"https://my_mask.example.com", Trouble},
		{"", Trouble},
		{"https://[::1", Trouble},
	} {
		if fault, got := publicFault(c.address); got != c.want || (fault == "") != (got == OK) {
			t.Errorf("%s: %s %q, want %s", c.address, got, fault, c.want)
		}
	}
}

func TestRealTwilio(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"https://api.twilio.com": true, "https://api.dublin.ie1.twilio.com": true, "https://API.TWILIO.COM:443": true, "https://twilio.com": true,
		"http://127.0.0.1:9000": false, "https://twilio.com.example": false, "https://nottwilio.com": false, "": false, "://": false,
	} {
		if got := (Credentials{APIURL: address}).real(); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const right = "https://mask.example.com/webhooks/voice"
	for _, c := range []struct{ name, address, method, want string }{
		{"as wanted", right + decisionRetry, "POST", ""},
		{"with more retries", right + "#rc=5&rp=all", "POST", ""},
		{"with an edge of its own", right + "#e=dublin&rp=5xx,ct&ct=2000", "POST", ""},
		{"with no method, which is POST", right + decisionRetry, "", ""},
		{"nowhere", "", "POST", "is not set"},
		{"another host", "https://other.example.com/webhooks/voice" + decisionRetry, "POST", "leads elsewhere"},
		{"another path", right + "/" + decisionRetry, "POST", "leads elsewhere"},
		{"another scheme", "http" + right[5:] + decisionRetry, "POST", "leads elsewhere"},
		{"a query", right + "?x=1" + decisionRetry, "POST", "leads elsewhere"},
		{"GET", right + decisionRetry, "GET", "is asked by GET"},
		{"no overrides", right, "POST", notRepeated},
		{"connections only", right + "#rc=3", "POST", notRepeated},
		{"answers only", right + "#rc=3&rp=5xx", "POST", notRepeated},
		{"no retries", right + "#rc=0&rp=all", "POST", notRepeated},
		{"too many retries", right + "#rc=6&rp=all", "POST", "has connection overrides that Twilio does not understand"},
		{"retries in words", right + "#rc=two&rp=all", "POST", "has connection overrides that Twilio does not understand"},
		{"an unknown reason", right + "#rc=1&rp=6xx", "POST", "has connection overrides that Twilio does not understand"},
	} {
		if got := judge(c.address, c.method, right+decisionRetry); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestPasswordsInAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://a.example/x?mail=a@b":         "https://a.example/x?mail=a@b",
		"https://u:p@a.example/x":              "https://…@a.example/x",
		"https://u:p@w@a.example?x=/":          "https://…@a.example?x=/",
		"https://u:p@a.example":                "https://…@a.example",
		"https://u:p@a.example\x1b#rc=1&rp=ct": "https://…@a.example\x1b#rc=1&rp=ct",
		"AP1":                                  "AP1",
	} {
		if got := withoutPassword(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

func TestWantedIsRight(t *testing.T) {
	t.Parallel()
	want := wanted("https://mask.example.com/prefix")
	n := twilio.Number{PhoneNumber: "+15550006789", Voice: true, SMS: true, Routing: want}
	if faults, to := compare(n, want); len(faults) > 0 || to != want {
		t.Errorf("%+v, to be set to %+v", faults, to)
	}
	if want.VoiceFallbackURL != "https://mask.example.com/prefix/webhooks/voice/fallback"+decisionRetry {
		t.Errorf("%+v", want)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	want := wanted("https://mask.example.com")
	for _, c := range []struct {
		name         string
		change       func(*twilio.Number)
		levels       []Level
		notAsWanted  func(*twilio.Routing) // what stays although it is not as wanted
		leavesAsItIs bool
	}{
		{"everything", func(n *twilio.Number) { n.Routing = twilio.Routing{} }, []Level{Trouble, Trouble, Trouble, Warning}, nil, false},
		{"overrides of its own", func(n *twilio.Number) { n.VoiceURL += ",4xx" }, nil, nil, true},
		{"both thieves", func(n *twilio.Number) { n.VoiceApplicationSID, n.TrunkSID = "AP1", "TK1" }, []Level{Trouble, Trouble}, nil, false},
		{"no messages", func(n *twilio.Number) { n.SMS, n.SMSURL = false, "" }, nil, nil, true},
		{"no calls", func(n *twilio.Number) { n.Voice = false }, []Level{Trouble}, nil, true},
		{"nothing repeated, and a URL of its own", func(n *twilio.Number) {
			n.StatusCallback, n.VoiceURL = bare(n.StatusCallback), bare(n.VoiceURL)+"#rp=all"
		},
			[]Level{Warning}, func(r *twilio.Routing) { r.VoiceURL = bare(r.VoiceURL) + "#rp=all" }, false},
	} {
		n := twilio.Number{PhoneNumber: "+15550006789", Voice: true, SMS: true, Routing: want}
		c.change(&n)
		faults, to := compare(n, want)
		var levels []Level
		for _, f := range faults {
			levels = append(levels, f.Level)
		}
		wantTo := want
		if c.notAsWanted != nil {
			c.notAsWanted(&wantTo)
		}
		if c.leavesAsItIs {
			wantTo = n.Routing
		}
		if !reflect.DeepEqual(levels, c.levels) || to != wantTo {
			t.Errorf("%s: %+v, to be set to\n%+v, want\n%+v", c.name, faults, to, wantTo)
		}
	}
}

// An address that Twilio can't reach is set nowhere.
func TestNothingIsSetToALocalAddress(t *testing.T) {
	t.Parallel()
	p := Patient{PublicURL: "http://localhost:8080", DataDir: t.TempDir(), Twilio: Credentials{APIURL: "https://api.twilio.com", AccountSID: "AC00000000000000000000000000000001", AuthToken: "x"}}
	n := twilio.Number{SID: "PN1", PhoneNumber: "+15550006789", Voice: true}
	findings, changes := p.examineNumbers(inventory{read: true, numbers: []ent.MaskedNumber{{PhoneNumber: "+15550006789", State: phone.NumberActive}}}, office{asked: true, numbers: []twilio.Number{n}})
	if len(changes) > 0 || len(findings) == 0 {
		t.Errorf("%+v", changes)
	}
	for _, f := range findings {
		if f.Mend == mendByFix {
			t.Errorf("%+v", f)
		}
	}
	if err := Fix(t.Context(), p, []Change{{n, wanted(p.PublicURL)}}, nil); err == nil {
		t.Error("it was set")
	}
	if f := p.examineSettings(); f.Level != Trouble || f.Mend == "" {
		t.Errorf("%+v", f)
	}
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	want := columns{"a": {"id", "x"}, "b": {"id"}}
	for _, c := range []struct {
		has          columns
		lacks, extra []string
	}{
		{want, nil, nil},
		{columns{"a": {"x", "id"}, "b": {"id"}, "river_job": {"id"}}, nil, nil},
		{columns{}, []string{"a", "b"}, nil},
		{columns{"a": {"id"}, "b": {"id", "y"}}, []string{"a.x"}, []string{"b.y"}},
	} {
		if lacks, extra := compareSchemas(c.has, want); !reflect.DeepEqual(lacks, c.lacks) || !reflect.DeepEqual(extra, c.extra) {
			t.Errorf("%v: lacks %v and has %v", c.has, lacks, extra)
		}
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for off, want := range map[time.Duration]Level{
		0: OK, 30 * time.Second: OK, -30 * time.Second: OK, 30400 * time.Millisecond: OK, 31 * time.Second: Warning, -31 * time.Second: Warning, 24 * time.Hour: Warning,
	} {
		if got := examineClock(noon, noon.Add(off)); len(got) != 1 || got[0].Level != want {
			t.Errorf("%v: %+v", off, got)
		}
	}
	if got := examineClock(time.Time{}, noon); got != nil {
		t.Errorf("nobody told the time: %+v", got)
	}
}
