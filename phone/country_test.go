package phone

import "testing"

func TestWhichCountriesMayBeRung(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		countries  Countries
		masked, to Number
		want       bool
	}{
		{"the same country", nil, "+15550006789", "+15550100001", true},
		{"another country", nil, "+15550006789", "+4930123456", false},
		{"a country with a long code", nil, "+3581234567", "+3587654321", true},
		{"a code that begins like another", nil, "+3581234567", "+3571234567", false},
		{"one of those allowed", Countries{"DE", "FR"}, "+15550006789", "+4930123456", true},
		{"the masked number's own, which is not allowed", Countries{"DE"}, "+15550006789", "+15550100001", false},
		{"a code that nobody has", nil, "+2100000000", "+2100000001", true},
	} {
		if got := tt.countries.Allow(tt.masked, tt.to); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	if err := (Countries{"US", "XX"}).Check(); err == nil {
		t.Error("XX passed as a country")
	}
}
