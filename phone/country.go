package phone

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Countries are those whose phones may be rung, as ISO codes. None means: the country of the masked number.
type Countries []string

// Check refuses codes that no country has.
func (c Countries) Check() error {
	for _, code := range c {
		if phonenumbers.GetCountryCodeForRegion(code) == 0 {
			return fmt.Errorf("%q is not the ISO code of a country, such as US or DE", code)
		}
	}
	return nil
}

// Allow tells whether the masked number may ring to: calling codes are compared, and some are shared by several countries.
func (c Countries) Allow(masked, to Number) bool {
	if len(c) == 0 {
		return callingCode(to) == callingCode(masked)
	}
	return slices.ContainsFunc(c, func(code string) bool { return phonenumbers.GetCountryCodeForRegion(code) == callingCode(to) })
}

// Refuse says which of the phones may not be rung, and why.
func (c Countries) Refuse(masked Number, to []Number) error {
	for _, n := range to {
		if !c.Allow(masked, n) {
			return Bad("forwardTo", fmt.Sprintf("%s is in another country: %s may ring %s only.", n, masked, c.sentence()))
		}
	}
	return nil
}

func (c Countries) sentence() string {
	if len(c) == 0 {
		return "phones of its own country"
	}
	return "phones in " + strings.Join(c, ", ")
}

const unknownRegion = "ZZ"

// callingCode is what an E.164 number begins with: no code is the beginning of another.
func callingCode(n Number) int {
	for digits := 1; digits <= 3 && digits < len(n); digits++ {
		code, err := strconv.Atoi(string(n[1 : 1+digits]))
		if err == nil && phonenumbers.GetRegionCodeForCountryCode(code) != unknownRegion {
			return code
		}
	}
	return 0
}
